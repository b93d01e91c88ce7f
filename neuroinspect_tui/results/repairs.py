"""Stage 3: what-if and repaired decision layers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from .evaluation import ClassRef
from .metrics import Metrics
from .verdicts import Choice, ClassChange, Comparison, CueGap, Verdict


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
class RepairPreview:
    """What a repair would give now, on the images that it would be judged on: no controls, no verdict.

    `before`, `after`, `fixed` and `broken` are those of the `Repair` that the same request would make, and
    `comparisons` its lines against the untouched layer, those of the aim first. `unchanged` says that the
    untouched layer would be kept, `cues` whose tags were told.
    """

    target: ClassRef
    method: str
    before: Metrics
    after: Metrics
    fixed: int
    broken: int
    comparisons: tuple[Comparison, ...]
    unchanged: bool = False
    cues: tuple[str, ...] = ()


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
    `request` is what was asked for. A `label_free` one was told of groups by a failure mode, not by tags: it
    is exported only if it helps. `classes` are all of the model's, before and after on the judged images,
    `cues` the names of those whose tags it was told, `columns` all group columns that it was weighted by,
    `gaps` those of the cues and columns that it was not told of.
    `base` is the repair on top of which it was made: `before`, and "untouched" in the verdict, are its layer.
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
    verdict: Verdict
    choice: Choice = field(default_factory=Choice)
    classes: tuple[ClassChange, ...] = ()
    cues: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    splits: tuple[SplitUse, ...] = ()
    accepted: bool = False
    request: str = ""
    digest: str = ""
    unchanged: bool = False
    label_free: bool = False
    base: int | None = None
    gaps: tuple[CueGap, ...] = ()

    @property
    def helps(self) -> bool:
        """Whether the verdict is that it helps."""
        return self.verdict.outcome == "helps"

    def twin(self, repairs: Iterable[Repair]) -> int | None:
        """Return the number of the first repair before this one that has the same head, if there is one."""
        same = (made.number for made in repairs if made.digest and made.digest == self.digest)
        return min((number for number in same if number < self.number), default=None)
