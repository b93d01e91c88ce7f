"""Named cues: what images have or have not, by hand and carried by a probe."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .metrics import WIDEST

CueOrigin = Literal["mode", "neuron", "column", "hand"]
Tag = Literal["has", "not", "mislabelled"]


@dataclass(frozen=True)
class TagCounts:
    """How many images were tagged by hand."""

    has: int = 0
    not_: int = 0
    mislabelled: int = 0


@dataclass(frozen=True)
class RareCell:
    """The `images` of class `label` that are counted as having the cue (or not): how many of them do.

    About `right` do, with 90 % probability within `interval`, by the `tagged` images of the class that are
    there by their tag, or by the probe when it does not know their tag. Of the images that belong there about
    the share `recall` is counted, within `recall_interval`. A cell that no tag `confirmed` plays no part in
    repairs.
    """

    label: int
    value: Tag
    images: int
    right: float
    interval: tuple[float, float]
    tagged: int
    recall: float
    recall_interval: tuple[float, float]
    confirmed: bool

    @property
    def precision(self) -> float:
        """Which share of the counted images is right."""
        return self.right / max(1, self.images)

    @property
    def recall_unknown(self) -> bool:
        """Whether too few are tagged to tell the recall: its interval is wider than 50 points."""
        return self.recall_interval[1] - self.recall_interval[0] > WIDEST


@dataclass(frozen=True)
class ProbeQuality:
    """How well a cue's probe carries its tags: leave-one-out accuracy, and the images that it decides.

    `has` and `not_` count images by hand or by the probe, `unclear` those on which it does not decide.
    About `more` tags are missing until there are `enough`, of the tag `rarest` where that is what is missing.
    `cells` are the rare (class, value), those of tagged classes first, at most eight.
    """

    accuracy: float | None
    enough: bool
    has: int
    not_: int
    unclear: int
    more: int = 0
    rarest: Tag | None = None
    cells: tuple[RareCell, ...] = ()


@dataclass(frozen=True)
class Cue:
    """A named cue with its own tags; `source` is the mode's id, the neuron or the column it came from.

    A cue that is `left_out` is not used by repairs.
    """

    name: str
    tags: TagCounts
    origin: CueOrigin = "hand"
    source: str = ""
    probe: ProbeQuality | None = None
    left_out: bool = False
