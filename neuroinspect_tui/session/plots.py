"""The numbers of the report's SVG plots: places from 0 to 100 along the axis."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ..results import ClassChange, ScoreHistogram

Z_95 = 1.959963984540054


def wilson(count: int, total: int) -> tuple[float, float] | None:
    """Return the 95 % Wilson interval of count / total; None without images."""
    if not total:
        return None
    rate, z2 = count / total, Z_95**2
    centre = (rate + z2 / (2 * total)) / (1 + z2 / total)
    half = Z_95 * math.sqrt(rate * (1 - rate) / total + z2 / (4 * total**2)) / (1 + z2 / total)
    return max(0.0, centre - half), min(1.0, centre + half)


@dataclass(frozen=True)
class Share:
    """`count` of `total` images: a bar with its interval."""

    count: int
    total: int

    @property
    def rate(self) -> float | None:
        """The share, None without images."""
        return self.count / self.total if self.total else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """Its 95 % Wilson interval."""
        return wilson(self.count, self.total)


@dataclass(frozen=True)
class HistogramBin:
    """One bin of a histogram: where it stands, how wide it is, and both heights (0…100)."""

    x: float
    width: float
    mistakes: float
    right: float


@dataclass(frozen=True)
class Histogram:
    """Scores of mistakes (drawn up) and right answers (drawn down), each as a share of its own number."""

    columns: tuple[HistogramBin, ...]
    threshold: float


def histogram(found: ScoreHistogram) -> Histogram:
    """Return the bins in places 0…100 from the lowest edge to the highest, the fullest bin 100 high."""
    low, high = found.edges[0], found.edges[-1]
    span = (high - low) or 1.0
    shares = [_shares(found.mistakes), _shares(found.right)]
    top = max((*shares[0], *shares[1]), default=0.0) or 1.0
    places = [100 * (edge - low) / span for edge in found.edges]
    columns = tuple(
        HistogramBin(left, right - left, 100 * wrong / top, 100 * good / top)
        for left, right, wrong, good in zip(places, places[1:], *shares, strict=False)
    )
    return Histogram(columns, min(100.0, max(0.0, 100 * (found.threshold - low) / span)))


def _shares(counts: tuple[int, ...]) -> list[float]:
    total = sum(counts) or 1
    return [count / total for count in counts]


def gains(row: ClassChange) -> bool:
    """Whether the class is better after the repair."""
    return (row.after or 0.0) >= (row.before or 0.0)
