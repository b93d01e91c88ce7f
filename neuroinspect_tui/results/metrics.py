"""How one decision layer does on one split."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class WorstClass:
    """The class of lowest accuracy."""

    index: int
    name: str
    accuracy: float


@dataclass(frozen=True)
class WorstGroup:
    """The (group value, class) of lowest accuracy."""

    column: str
    value: str
    class_index: int
    accuracy: float


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
