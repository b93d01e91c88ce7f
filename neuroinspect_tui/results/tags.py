"""Tags that the user gives, and how far they can be carried to other images."""

from __future__ import annotations

from dataclasses import dataclass, field

from .evaluation import Sample


@dataclass(frozen=True)
class Propagation:
    """How well the probe carries the hand-made tags to the untagged images.

    `counts` images have each tag then, by hand or by the probe; on `unclear` ones the probe does not decide.
    """

    tagged: dict[str, int]
    accuracy: float | None
    enough: bool
    advice: str
    counts: dict[str, int] = field(default_factory=dict)
    unclear: int = 0


@dataclass(frozen=True)
class ReviewItem:
    """An image proposed for tagging, with the probe's present belief (None before any tag)."""

    sample: Sample
    score: float
    belief: dict[str, float] | None = None
