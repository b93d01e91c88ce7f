"""Is a difference more than chance? The one test of paired rates, and its correction for several."""

from __future__ import annotations

from collections.abc import Sequence

SIGNIFICANT = 0.05
"""The p below which a difference is more than chance."""


def mcnemar_p(fixed: int, broken: int) -> float:
    """Return the exact two-sided McNemar p-value of `fixed` against `broken` images."""
    from scipy.special import bdtr  # here: the first screen needs no test

    total = fixed + broken
    return min(1.0, 2 * float(bdtr(min(fixed, broken), total, 0.5))) if total else 1.0


def holm(chances: Sequence[float]) -> list[float]:
    """Return p-values corrected for being one of several (Holm 1979, step-down), in their order."""
    order = sorted(range(len(chances)), key=lambda place: chances[place])
    corrected, largest = [1.0] * len(chances), 0.0
    for rank, place in enumerate(order):
        largest = max(largest, min(1.0, (len(chances) - rank) * chances[place]))
        corrected[place] = largest
    return corrected
