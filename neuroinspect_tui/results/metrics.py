"""How one decision layer does on one split."""

from __future__ import annotations

from dataclasses import dataclass

WIDEST = 0.5
"""The width of an interval from which on it tells nothing."""


@dataclass(frozen=True)
class WorstClass:
    """The class of lowest accuracy."""

    index: int
    name: str
    accuracy: float


@dataclass(frozen=True)
class GroupEstimate:
    """The accuracy on a class's images that have a cue (or have it not), where only some are tagged by hand.

    `interval` holds it with 90 % probability; `images` are about as many as have the value, `tagged` of the
    class's images were tagged by hand.
    """

    accuracy: float
    interval: tuple[float, float]
    images: float
    tagged: int

    @property
    def too_few(self) -> bool:
        """Whether there are too few tags to tell: the interval is wider than 50 points."""
        return self.interval[1] - self.interval[0] > WIDEST


@dataclass(frozen=True)
class WorstGroup:
    """The (group value, class) of lowest accuracy, that over the `count` images which are said to be in it.

    Where a probe says so, having carried tags to most of them, `estimated` is true and `estimate` what the
    tags tell of the true group: the images that the probe is wrong or unsure about are in the count or not.
    """

    column: str
    value: str
    class_index: int
    accuracy: float
    count: int = 0
    estimated: bool = False
    estimate: GroupEstimate | None = None


@dataclass(frozen=True)
class Metrics:
    """How one decision layer does on one split, for one debugged class (`M` in report.json)."""

    split: str
    accuracy: float
    class_accuracy: float | None
    class_precision: float
    class_f1: float
    worst_class: WorstClass | None
    worst_group: WorstGroup | None
    accuracy_interval: tuple[float, float] | None = None
    class_interval: tuple[float, float] | None = None
