"""What the stages find, as plain values: the session stores them as JSON and the screens show them.

Nothing here imports torch or numpy. Rates are fractions 0…1 unless a name says percent;
`None` stands where a number is not defined (an accuracy over no images).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

PropertyKind = Literal["insufficient", "excessive"]
ExemplarKind = Literal["overall", "class", "mistakes"]


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
class Evaluation:
    """How the classifier does on one split; `samples` counts the images that could be read."""

    split: str
    samples: int
    unreadable: tuple[Unreadable, ...]
    accuracy: float | None
    macro_accuracy: float | None
    classes: tuple[ClassResult, ...]
    groups: tuple[GroupResult, ...] = ()
    worst_group: GroupResult | None = None


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
class Culprit:
    """A neuron ranked for a class (design §3.1, §3.2).

    `prec_at_5` percent of the mistakes that have it among their five largest scores; `importance` the
    retaining ratio; `mended` share of the class's mistakes mended by setting it alone (class mean for
    insufficient, zero for excessive), `mended_random` the same averaged over random neurons.
    """

    neuron: int
    kind: PropertyKind
    prec_at_5: float
    importance: float
    mended: float
    mended_random: float
    concept: str | None = None
    concept_score: float | None = None
    spurious: float | None = None
    spurious_reason: str = ""


@dataclass(frozen=True)
class CulpritReport:
    """Stage 1 for one class; `mended_together` sets the five first of each list at once."""

    target: ClassRef
    mode: str
    mistakes: int
    unflipped: int
    insufficient: tuple[Culprit, ...]
    excessive: tuple[Culprit, ...]
    mended_together: float | None
    mended_random_together: float | None
    samples: tuple[Sample, ...] = ()


@dataclass(frozen=True)
class Exemplar:
    """A real image on which `neuron` fires; `image` and `mask` are PNG crops relative to the session."""

    neuron: int
    kind: ExemplarKind
    path: str
    label: int
    activation: float
    contribution: float
    image: str
    mask: str | None = None


@dataclass(frozen=True)
class Illusion:
    """A CLIP-Illusion picture and the numbers it was measured by (design §3.3).

    `ratio` = activation / q99.9 on the data, `robust_ratio` the same under random affines, `rank` of its own
    neuron among all by ratio (1 = identified), `probability` and `logit` of the class, `clip_similarity` the
    cosine, `clip_percentile` its place among real images of the class; `image`, `mask`: PNGs in the session.
    """

    neuron: int
    target: ClassRef
    seed: int
    image: str
    mask: str | None
    activation: float
    ratio: float
    robust_ratio: float
    rank: int
    probability: float
    logit: float
    clip_similarity: float | None
    clip_percentile: float | None

    @property
    def shown(self) -> bool:
        """False when the picture does not reach the neuron's real activation: "not shown here"."""
        return self.ratio >= 1


@dataclass(frozen=True)
class Concept:
    """The text label CLIP gives a neuron; `label` None means "no clear concept"."""

    neuron: int
    label: str | None
    score: float | None
    spurious: float | None = None
    spurious_reason: str = ""


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
class WhatIf:
    """The effect of scaling `neurons` by `scale`, those of them in `raised` by 2 − `scale`.

    They are scaled for the class `target`, or for all (None).
    """

    target: ClassRef | None
    neurons: tuple[int, ...]
    scale: float
    before: Metrics
    after: Metrics
    fixed: int
    broken: int
    raised: tuple[int, ...] = ()


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


@dataclass(frozen=True)
class SplitUse:
    """Which images played which part in a repair; nothing is judged on what it was fitted on."""

    part: Literal["fit", "choose", "judge"]
    split: str
    samples: int
    note: str = ""


@dataclass(frozen=True)
class Repair:
    """Stage 3 for one class: the new head's verdict beside the controls.

    `digest` is a hash of the head, `unchanged` says that it is the untouched one, because nothing beat it;
    `request` is what was asked for.
    """

    number: int
    target: ClassRef
    method: str
    neurons: tuple[int, ...]
    parameters: dict[str, float | int | str]
    seconds: float
    head: str
    weights: str | None
    before: Metrics
    after: Metrics
    controls: dict[str, Metrics]
    fixed: int
    broken: int
    mcnemar_p: float
    verdict: str
    reason: str = ""
    splits: tuple[SplitUse, ...] = ()
    accepted: bool = False
    request: str = ""
    digest: str = ""
    unchanged: bool = False

    @property
    def helps(self) -> bool:
        """Whether the verdict is that it helps."""
        return self.verdict.startswith("helps")

    def twin(self, repairs: Iterable[Repair]) -> int | None:
        """Return the number of the first repair before this one that has the same head, if there is one."""
        same = (made.number for made in repairs if made.digest and made.digest == self.digest)
        return min((number for number in same if number < self.number), default=None)


@dataclass(frozen=True)
class Preprocessing:
    """What is done to an image before the classifier sees it.

    The shorter side (both with `squash`) becomes `resize` pixels, the middle `size` x `size` is kept, then
    (pixel − mean) / std for pixels in 0…1.
    """

    resize: int
    size: int
    squash: bool
    interpolation: str
    mean: tuple[float, ...]
    std: tuple[float, ...]


@dataclass(frozen=True)
class Opened:
    """What was loaded: shown in the title line and in the report."""

    model: str
    data: str
    split: str
    splits: dict[str, int]
    classes: tuple[str, ...]
    features: int
    device: str
    precision: str
    parameters: int
    clip: str | None
    group_columns: tuple[str, ...]
    notes: tuple[str, ...] = ()
    preprocessing: Preprocessing | None = None
