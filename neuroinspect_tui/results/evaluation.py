"""How the classifier does on one split: the class and group tables, and single images."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class ClassRef:
    """A class by index and name."""

    index: int
    name: str


@dataclass(frozen=True)
class Unreadable:
    """An image that could not be read: listed, never replaced."""

    path: str
    reason: str


@dataclass(frozen=True)
class Confusion:
    """`count` images of the class were predicted as class `index`."""

    index: int
    name: str
    count: int


@dataclass(frozen=True)
class ClassResult:
    """One row of the class table; `interval` is the 95 % Wilson interval of `accuracy`."""

    index: int
    name: str
    count: int
    correct: int
    accuracy: float | None
    precision: float
    f1: float
    interval: tuple[float, float] | None
    confusions: tuple[Confusion, ...] = ()


@dataclass(frozen=True)
class GroupResult:
    """The images of class `class_index` that have `value` in group column `column`."""

    column: str
    value: str
    class_index: int
    class_name: str
    count: int
    correct: int
    accuracy: float | None


@dataclass(frozen=True)
class LabelResult:
    """One of several labels that an image may have: `count` images say whether they do, `positives` do.

    `accuracy`, `recall` and `precision` are those of "its probability is above `threshold`"; `auroc` and
    `average_precision` are over all thresholds. None where no image is there to tell.
    """

    index: int
    name: str
    count: int
    positives: int
    threshold: float
    accuracy: float | None
    recall: float | None
    precision: float | None
    auroc: float | None
    average_precision: float | None


@dataclass(frozen=True)
class Evaluation:
    """How the classifier does on one split; `samples` counts the images that could be read.

    `labels` are all labels where an image may have several; the rest is then of the one looked at.
    """

    split: str
    samples: int
    unreadable: tuple[Unreadable, ...]
    accuracy: float | None
    macro_accuracy: float | None
    classes: tuple[ClassResult, ...]
    groups: tuple[GroupResult, ...] = ()
    worst_group: GroupResult | None = None
    labels: tuple[LabelResult, ...] = ()


@dataclass(frozen=True)
class Sample:
    """One image as the tables show it; `row` is its row in the features of `split`.

    `groups` maps each group column to the image's value, where it has one.
    """

    split: str
    row: int
    path: str
    label: int
    predicted: int
    confidence: float
    culprits: tuple[int, ...] = ()
    tag: str = ""
    groups: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ImageNeighbours:
    """The images nearest to one in feature space: right ones of its class, and whether they doubt its label.

    `labels` are those of the nearest images of all classes, nearest first; `self_confidence` is the model's
    probability of the image's own label.
    """

    right: tuple[Sample, ...]
    labels: tuple[int, ...]
    self_confidence: float


@dataclass(frozen=True)
class LabelIssue:
    """An image whose label is doubtful: the labelled class's probability, and its neighbours' class."""

    split: str
    path: str
    label: int
    suggested: int
    self_confidence: float
    neighbour_share: float
    marked: bool = False
