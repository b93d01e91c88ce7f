"""What to train with next: how often to draw which images, and what more of a rare kind would bring."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class SampledCell:
    """The `images` of class `label` that have `values` in the columns ("": unknown), `by_hand` tagged.

    `weight` is their mean sampler weight, over all images about 1, `share` their share of what is drawn.
    """

    label: int
    values: tuple[str, ...]
    images: int
    by_hand: int
    weight: float
    share: float


@dataclass(frozen=True)
class MoreImages:
    """What `added` more images of a class with a value of a column would bring to the accuracy on these.

    Estimated from refits of the decision layer with a quarter and half of the `present` ones, judged on
    `judged` images; `gain` is a fraction with its 95 % `interval`, None where there are too few of either.
    """

    label: int
    column: str
    value: str
    present: int
    judged: int
    added: int
    gain: float | None = None
    interval: tuple[float, float] | None = None


@dataclass(frozen=True)
class Prescription:
    """Sampler weights for the images of `split`, by class and `columns`, as weights.csv in `folder` has them.

    No weight is above `cap`; images whose tags were carried to them count as far as the probe is right.
    """

    number: int
    split: str
    columns: tuple[str, ...]
    cap: float
    cells: tuple[SampledCell, ...]
    more: tuple[MoreImages, ...]
    folder: str
