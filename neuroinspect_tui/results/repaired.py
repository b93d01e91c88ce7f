"""The judged images and failure modes as a repaired decision layer sees them, beside the layer before it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .evaluation import Sample

Flip = Literal["fixed", "broken", "still"]


@dataclass(frozen=True)
class RepairedImage:
    """A judged image that at least one of two layers gets wrong.

    `sample.predicted` is the answer of the layer before, `repaired` that of the repaired one, `modes` are
    the ids of the failure modes whose images it is among.
    """

    sample: Sample
    repaired: int
    modes: tuple[int, ...] = ()

    @property
    def flip(self) -> Flip:
        """Whether the repair fixed it, broke it, or left it wrong."""
        if self.repaired == self.sample.label:
            return "fixed"
        return "broken" if self.sample.predicted == self.sample.label else "still"


@dataclass(frozen=True)
class ModeChange:
    """The accuracy `before` and `after` a repair on the `count` judged images of failure mode `id`."""

    id: int
    count: int
    before: float
    after: float


@dataclass(frozen=True)
class RepairedLayer:
    """What repair `number` changes on the judged images of `split`: those that either layer gets wrong.

    The surest mistakes of the layer before come first.
    """

    number: int
    split: str
    images: tuple[RepairedImage, ...]
    modes: tuple[ModeChange, ...] = ()

    def of(self, flip: Flip) -> tuple[RepairedImage, ...]:
        """Return the images that were fixed, broken, or are wrong still."""
        return tuple(image for image in self.images if image.flip == flip)
