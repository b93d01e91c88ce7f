"""What a repair is worth, as values: the faces make the words (docs/method.md, verdict)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .evaluation import ClassRef

Outcome = Literal["helps", "no_better", "hurts", "too_few"]
Aim = Literal["class", "all", "worst_group", "mode"]
Opponent = Literal["untouched", "bias", "finetune", "random", "told_nothing", "shuffled_tags"]


@dataclass(frozen=True)
class Comparison:
    """The repaired head beside another one, `against`, on the `n` judged images of `metric`.

    `before` and `after` are the other's and the repaired head's rates, `interval` the paired 95 % interval of
    their difference, `fixed` and `broken` the images that only one of the two gets right, `p` exact McNemar.
    """

    metric: Aim
    against: Opponent
    n: int
    fixed: int
    broken: int
    before: float
    after: float
    interval: tuple[float, float]
    p: float


@dataclass(frozen=True)
class Loser:
    """A class that loses by the repair."""

    target: ClassRef
    before: float
    after: float


@dataclass(frozen=True)
class Verdict:
    """The outcome on the user's aim and all comparisons, the aim first.

    `estimated` says that a number rests on tags that the probe carried to other images.
    """

    outcome: Outcome
    comparisons: tuple[Comparison, ...]
    losers: tuple[Loser, ...] = ()
    estimated: bool = False


@dataclass(frozen=True)
class ClassChange:
    """A class before and after a repair, over its `count` judged images."""

    index: int
    name: str
    count: int
    before: float | None
    after: float | None
