"""What a repair is worth, as values: on the user's aim, beside the untouched head and every other one.

Two heads are compared on the same images by the exact McNemar test. The aim is the debugged class (or failure
mode); all images and the untouched head's worst group come after it and decide only whether others pay.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ...results import (
    Aim,
    ClassChange,
    ClassRef,
    Comparison,
    Hurt,
    Loser,
    Metrics,
    Opponent,
    Outcome,
    Verdict,
)
from ...significance import SIGNIFICANT, mcnemar_p
from ...tensors import SplitFeatures
from ..metrics import Z_95, ClassCounts, fixed_and_broken, head_metrics

FEWEST_IMAGES, FEWEST_DIFFERING = 20, 6
LOSS, LOST_IMAGES = 0.05, 3
PRICE = 2 / 3
"""The share of the gain that the others may pay for it."""
CONTROLS: tuple[Opponent, ...] = ("bias", "finetune", "random")


@dataclass(frozen=True)
class Judged:
    """One head on the judging images: its numbers and its predictions [N]."""

    metrics: Metrics
    predicted: Tensor

    @classmethod
    def of(cls, judge: SplitFeatures, predicted: Tensor, target: int, names: Sequence[str]) -> Judged:
        """Measure predictions [N] for the debugged class `target`."""
        return cls(head_metrics(judge, predicted, target, names), predicted)


@dataclass(frozen=True)
class Aims:
    """The judged images by aim, most wanted first: masks [N] of the images of each."""

    rows: dict[Aim, Tensor]

    @classmethod
    def of(cls, judge: SplitFeatures, target: int, before: Judged, mode: Tensor | None = None) -> Aims:
        """Take the class `target` or, given its images [N], the failure `mode`; all; the worst group.

        The worst group is the untouched head's (`before`), the same for every head that is compared.
        """
        own: dict[Aim, Tensor] = {"class": judge.labels == target} if mode is None else {"mode": mode}
        rows = own | {"all": torch.ones(len(judge), dtype=torch.bool)}
        worst = before.metrics.worst_group
        if worst is not None:
            column = judge.groups[worst.column]
            value = column.codes == column.values.index(worst.value)
            rows["worst_group"] = value & (judge.labels == worst.class_index)
        return cls(rows)


def paired_interval(fixed: int, broken: int, count: int) -> tuple[float, float]:
    """Return the 95 % interval of the difference (fixed − broken) / count of two paired rates.

    The adjusted Wald interval of Bonett and Price, J. Educ. Behav. Stat. 37 (2012): one image is added to
    each of the differing cells. Without images it is −1…1.
    """
    up, down = (fixed + 1) / (count + 2), (broken + 1) / (count + 2)
    centre = up - down
    half = Z_95 * math.sqrt(max(0.0, up + down - centre**2) / (count + 2))
    return max(-1.0, centre - half), min(1.0, centre + half)


def compared(metric: Aim, against: Opponent, labels: Tensor, other: Tensor, repaired: Tensor) -> Comparison:
    """Compare the predictions [n] of the repaired head with another one's."""
    fixed, broken = fixed_and_broken(labels, other, repaired)
    count = len(labels)
    before, after = (int((found == labels).sum()) / max(1, count) for found in (other, repaired))
    interval, p = paired_interval(fixed, broken, count), mcnemar_p(fixed, broken)
    return Comparison(metric, against, count, fixed, broken, before, after, interval, p)


def compare_heads(
    judge: SplitFeatures,
    target: int,
    before: Judged,
    after: Judged,
    others: Mapping[Opponent, Judged],
    mode: Tensor | None = None,
) -> tuple[Comparison, ...]:
    """Compare the repaired head with each of `others` on the aim, all images and the worst group of `before`.

    `mode` is the mask [N] of the judged images of the failure mode that is the aim instead of the class.
    """
    return tuple(
        compared(metric, name, judge.labels[rows], other.predicted[rows], after.predicted[rows])
        for metric, rows in Aims.of(judge, target, before, mode).rows.items()
        for name, other in others.items()
    )


def pass_verdict(
    judge: SplitFeatures,
    target: int,
    before: Judged,
    after: Judged,
    others: Mapping[Opponent, Judged],
    names: Sequence[str],
    estimated: bool = False,
    mode: Tensor | None = None,
) -> Verdict:
    """Compare the repaired head with the untouched one and with `others`, and decide.

    `others` are the controls, the same method without groups, and the same method with shuffled tags. `mode`
    is the mask [N] of the judged images of the failure mode that is the aim instead of the class. The outcome

    - "hurts": the aim, all images or the untouched head's worst group lose significantly; or one other class
      does (Bonferroni) and its rate falls by more than two thirds of what the aim's rises; or all images but
      the aim's do, on balance more of them than two thirds of what the aim gains;
    - "too_few": the aim has fewer than 20 images, or fewer than 6 on which the two heads differ, so that no
      exact test reaches p < .05;
    - "helps": the aim gains significantly, and no control does as well on the aim, all images and the
      untouched head's worst group;
    - "no_better" otherwise.
    """
    comparisons = compare_heads(judge, target, before, after, {"untouched": before, **others}, mode)
    lines = {(line.metric, line.against): line for line in comparisons}
    aim = comparisons[0].metric
    losers = _losers(judge, target, before, after, names)
    hurt = _hurt(lines, aim, losers)
    return Verdict(
        outcome=_outcome(lines, aim, hurt is not None),
        comparisons=comparisons,
        losers=tuple(loser for loser, _ in losers),
        estimated=estimated,
        hurt=hurt,
    )


Lines = Mapping[tuple[Aim, Opponent], Comparison]


def _outcome(lines: Lines, aim: Aim, hurts: bool) -> Outcome:
    """Decide on the aim."""
    own = lines[aim, "untouched"]
    if hurts:
        return "hurts"
    if own.n < FEWEST_IMAGES or own.fixed + own.broken < FEWEST_DIFFERING:
        return "too_few"
    if not _ahead(own):
        return "no_better"
    controls = (name for _, name in lines if name in CONTROLS)
    return "helps" if all(_beats(lines, aim, control) for control in controls) else "no_better"


def _ahead(line: Comparison) -> bool:
    return line.p < SIGNIFICANT and line.fixed > line.broken


def _behind(line: Comparison) -> bool:
    return line.p < SIGNIFICANT and line.fixed < line.broken


def _beats(lines: Lines, aim: Aim, control: Opponent) -> bool:
    """Return whether the repair leads the control on the aim or the worst group without lagging, or over all.

    A control that does more for the aim at the price of other images is no rival.
    """
    own, every, worst = (lines.get((metric, control)) for metric in (aim, "all", "worst_group"))
    assert own is not None
    assert every is not None
    if _ahead(every):
        return True
    if worst is not None and _ahead(worst) and not _behind(own):
        return not _behind(every)
    return _ahead(own) and not _behind(every)


def _hurt(lines: Lines, aim: Aim, losers: Sequence[tuple[Loser, bool]]) -> Hurt | None:
    """Return who loses more than the repair may cost."""
    for metric in (aim, *(metric for metric, name in lines if name == "untouched")):
        if _behind(lines[metric, "untouched"]):
            return metric
    own, every = lines[aim, "untouched"], lines["all", "untouched"]
    gain = max(0.0, own.after - own.before) if own.n else 0.0
    if any(significant and loser.before - loser.after > PRICE * gain for loser, significant in losers):
        return "other_class"
    fixed, broken = every.fixed - own.fixed, every.broken - own.broken
    lost, gained = broken - fixed, max(0, own.fixed - own.broken)
    return "others" if lost > PRICE * gained and mcnemar_p(fixed, broken) < SIGNIFICANT else None


def class_changes(
    judge: SplitFeatures, before: Tensor, after: Tensor, names: Sequence[str]
) -> tuple[ClassChange, ...]:
    """Return every class before and after, for predictions [N] of both heads, in class order."""
    old, new = (ClassCounts.of(judge.labels, found, len(names)) for found in (before, after))
    columns = (old.count.tolist(), old.correct.tolist(), new.correct.tolist())
    return tuple(
        ClassChange(
            index, names[index], count, was / count if count else None, now / count if count else None
        )
        for index, (count, was, now) in enumerate(zip(*columns, strict=True))
    )


def _losers(
    judge: SplitFeatures, target: int, before: Judged, after: Judged, names: Sequence[str]
) -> list[tuple[Loser, bool]]:
    """Return the classes but `target` that lose, the largest loss first, and whether each is beyond doubt.

    A class loses if chance would take as many of its images in fewer than one of twenty cases (one-sided), or
    if it loses at least 5 points and 3 images; beyond doubt where the two-sided p is below .05 divided by the
    number of classes looked at.
    """
    was, now = (judged.predicted == judge.labels for judged in (before, after))
    columns = (torch.bincount(judge.labels[rows], minlength=len(names)) for rows in (now & ~was, was & ~now))
    changes = class_changes(judge, before.predicted, after.predicted, names)
    present = sum(change.count > 0 for change in changes if change.index != target)
    found = []
    for change, fixed, broken in zip(changes, *(column.tolist() for column in columns), strict=True):
        p = mcnemar_p(fixed, broken)
        lost = broken - fixed
        sizeable = lost >= max(LOST_IMAGES, LOSS * change.count)
        if change.index == target or lost <= 0 or not (p < 2 * SIGNIFICANT or sizeable):
            continue
        rates = (change.before or 0.0, change.after or 0.0)
        loser = Loser(ClassRef(change.index, change.name), *rates, change.count, p)
        found.append((loser, p < SIGNIFICANT / present))
    return sorted(found, key=lambda pair: pair[0].after - pair[0].before)
