"""Failure modes: groups of mistakes with one cause, and the evidence for each (docs/method.md)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .pictures import Illusion


@dataclass(frozen=True)
class ConfusedPair:
    """`count` mistakes of class `label` predicted as class `predicted`, by index."""

    label: int
    predicted: int
    count: int


@dataclass(frozen=True)
class WeightedNeuron:
    """A neuron and its weight in the mode's direction."""

    neuron: int
    weight: float


@dataclass(frozen=True)
class Carried:
    """How many `mistakes` and `right` answers of the same classes lie above the mode's threshold.

    Each is (above, all); `p` is Fisher's exact test, corrected over the modes (Holm).
    """

    mistakes: tuple[int, int]
    right: tuple[int, int]
    p: float


@dataclass(frozen=True)
class CoverTest:
    """Share of `images` mistakes fixed when the mode's region is blurred, and an equal one elsewhere.

    By "colour", for a cue that fills the picture: fixed in the colours of images without the mode, and, as
    `elsewhere`, with the mean colour moved as far in other directions.
    """

    mended: float
    elsewhere: float
    images: int
    by: Literal["region", "colour"] = "region"


@dataclass(frozen=True)
class ProjectOut:
    """Shares of mistakes fixed and right answers broken without the direction; what `random` ones fix."""

    mended: float
    broken: float
    random: float


@dataclass(frozen=True)
class ImageStatistic:
    """The image statistic that goes most with a mode: its within-class `effect` (AUROC − ½, ×2) and its p."""

    name: str
    effect: float
    p: float


FlipChange = Literal["covered", "put_in"]


@dataclass(frozen=True)
class FlipRate:
    """Of `images` of class `target`, `flipped` have another answer; with Wilson's 95 % interval.

    The `change`: what the mode looks at is covered in its mistakes, or put into right answers from these; by
    the colours where the cover test was. `control` is the share that flips when the region is moved
    elsewhere, or the mean colour moved as far in other directions, the mean over these.
    """

    target: int
    images: int
    flipped: int
    interval: tuple[float, float] | None
    control: float
    change: FlipChange = "covered"
    by: Literal["region", "colour"] = "region"

    @property
    def rate(self) -> float | None:
        """flipped / images, None of none."""
        return self.flipped / self.images if self.images else None


@dataclass(frozen=True)
class ModeExemplar:
    """A real image that scores high on a mode; `image` is a PNG relative to the session.

    Where that was tried, `covered` is the PNG with the mode's region blurred, or recoloured where the cover
    test was by colour, and `covered_predicted` the class then predicted, with `covered_confidence`; `put_in`
    is a right answer with that region of one of the mode's mistakes put in, with the same two.
    """

    path: str
    score: float
    label: int
    predicted: int
    image: str
    covered: str | None = None
    covered_predicted: int | None = None
    covered_confidence: float | None = None
    put_in: str | None = None
    put_in_predicted: int | None = None
    put_in_confidence: float | None = None


@dataclass(frozen=True)
class ScoreHistogram:
    """Mistakes and right answers of the mode's classes by score: counts between `edges` (one more)."""

    edges: tuple[float, ...]
    mistakes: tuple[int, ...]
    right: tuple[int, ...]
    threshold: float


@dataclass(frozen=True)
class FailureMode:
    """A group of mistakes with one cause, a direction d [D] in feature space: z·d scores any image.

    `share` is of all mistakes of the split; `name` is the user's, or CLIP's with its held-out `name_auroc`.
    `weak` says that the mode does not come back when the mistakes are resampled. The directions stand in
    `failure_modes.safetensors`.
    """

    id: int
    name: str | None
    name_auroc: float | None
    spurious: bool
    weak: bool
    mistakes: int
    share: float
    pairs: tuple[ConfusedPair, ...]
    neurons: tuple[WeightedNeuron, ...]
    carried: Carried
    cover: CoverTest | None = None
    projected: ProjectOut | None = None
    statistic: ImageStatistic | None = None
    exemplars: tuple[ModeExemplar, ...] = ()
    illusions: tuple[Illusion, ...] = ()
    histogram: ScoreHistogram | None = None
    flips: tuple[FlipRate, ...] = ()

    @property
    def classes(self) -> tuple[int, ...]:
        """The labels of its mistakes, most mistakes first."""
        counts: dict[int, int] = {}
        for pair in self.pairs:
            counts[pair.label] = counts.get(pair.label, 0) + pair.count
        return tuple(sorted(counts, key=lambda label: (-counts[label], label)))
