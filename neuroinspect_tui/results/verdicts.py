"""What a repair is worth, as values: the faces make the words (docs/method.md, verdict)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from .evaluation import ClassRef

Outcome = Literal["helps", "no_better", "hurts", "too_few"]
Aim = Literal["class", "all", "worst_group", "mode"]
Opponent = Literal["untouched", "bias", "finetune", "random", "told_nothing", "shuffled_tags"]
Hurt = Aim | Literal["other_class", "others"]
ChoiceRule = Literal["asked", "groups", "best", "rare"]


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
    """A class that loses by the repair, over its `count` judged images; `p` is exact McNemar."""

    target: ClassRef
    before: float
    after: float
    count: int = 0
    p: float = 1.0


GROWTH = 0.02
"""From which growth of its gap on a repair is said to feed a cue."""


@dataclass(frozen=True)
class CueGap:
    """How much better images with the usual value of a column do than the others, before and after a repair.

    In the class `label`, or (None) over all classes; over `n` judged images. `growth` is the 95 % interval of
    after − before, `estimated` says that a probe gave some of the values.
    """

    column: str
    label: int | None
    before: float
    after: float
    n: int
    growth: tuple[float, float]
    estimated: bool = False

    @property
    def fed(self) -> bool:
        """Whether the repair feeds the cue: the gap grows by more than 2 points, beyond doubt."""
        return self.after - self.before > GROWTH and self.growth[0] > 0


@dataclass(frozen=True)
class Verdict:
    """The outcome on the user's aim and all comparisons, those of the aim first.

    `estimated` says that a number rests on tags that the probe carried to other images; `hurt` says who
    loses more than the repair may cost, where the outcome is "hurts": a line of the verdict, one class, or
    all images but those of the aim together.
    """

    outcome: Outcome
    comparisons: tuple[Comparison, ...]
    losers: tuple[Loser, ...] = ()
    estimated: bool = False
    hurt: Hurt | None = None

    @property
    def aim(self) -> Aim:
        """What the outcome is decided on."""
        return self.comparisons[0].metric if self.comparisons else "class"

    def on(self, metric: Aim, against: Opponent = "untouched") -> Comparison | None:
        """Return the comparison on `metric` against another head, if there is one."""
        found = (one for one in self.comparisons if (one.metric, one.against) == (metric, against))
        return next(found, None)


@dataclass(frozen=True)
class Choice:
    """Why a repair has the method and the head that it has.

    `rule`: the method was "asked" for; auto chose "groups", the weighting by `column`; auto chose the "best"
    method by `scores`, each method's worst class on the choosing part; or, where unseen images of a (class,
    cue) are "rare", the head was chosen by its margins on them and their flipped copies, `scores` each
    method's best. `kept` says that nothing beat the untouched head, which is kept.
    """

    rule: ChoiceRule = "asked"
    column: str = ""
    scores: dict[str, float] = field(default_factory=dict)
    kept: bool = False


@dataclass(frozen=True)
class ClassChange:
    """A class before and after a repair, over its `count` judged images."""

    index: int
    name: str
    count: int
    before: float | None
    after: float | None
