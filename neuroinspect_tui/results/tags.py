"""Images proposed for tagging."""

from __future__ import annotations

from dataclasses import dataclass

from .evaluation import Sample


@dataclass(frozen=True)
class ReviewItem:
    """An image proposed for tagging, with the probe's present belief (None before any tag)."""

    sample: Sample
    score: float
    belief: dict[str, float] | None = None
