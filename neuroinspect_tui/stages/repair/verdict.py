"""What a repair is worth, in one plain sentence: against the untouched head, the controls and the others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from ...results import Metrics
from ...tensors import SplitFeatures
from ..metrics import fixed_and_broken, head_metrics, mcnemar_p

SIGNIFICANT = 0.05
Sentence = Literal["helps", "no better than the control", "hurts others", "too few images to tell"]


@dataclass(frozen=True)
class Judged:
    """One head on the judging images: its numbers and its predictions [N]."""

    metrics: Metrics
    predicted: Tensor

    @classmethod
    def of(cls, judge: SplitFeatures, predicted: Tensor, target: int, names: Sequence[str]) -> Judged:
        """Measure predictions [N] for the debugged class `target`."""
        return cls(head_metrics(judge, predicted, target, names), predicted)

    @property
    def aim(self) -> float:
        """What the repair is for: the worst group's accuracy where there are groups, else the class's F1."""
        group = self.metrics.worst_group
        return group.accuracy if group else self.metrics.class_f1


def pass_verdict(
    judge: SplitFeatures,
    target: int,
    before: Judged,
    after: Judged,
    controls: Mapping[str, Judged],
    names: Sequence[str],
) -> tuple[Sentence, str]:
    """Return the verdict and the reason for it; `names` are the class names.

    "hurts others": the images outside the aim, or one other class, lost significantly, the images more than
    half of what the aim won, the class more than all of it. "helps": the aim is above the untouched head's
    and above every control's, both significantly (exact McNemar test, p < 0.05, where that head is worst).
    "too few images to tell": the aim is higher, on a group so small that no gain would be significant.
    """
    gain = after.aim - before.aim
    best = max(controls, key=lambda control: (controls[control].aim, controls[control].metrics.accuracy))
    control = f"the control {best}: {100 * controls[best].aim:.1f} %"
    overall = _change(before.metrics.accuracy, after.metrics.accuracy)
    reason = f"{_aims(before, after, names)} ({control}), accuracy {overall}"
    if torch.equal(before.predicted, after.predicted):
        return "no better than the control", f"{reason}; no decision changes"
    hurt = _hurt(judge, target, before, after, gain, names)
    if hurt:
        return "hurts others", f"{reason}; {hurt}"
    images = int(_aim_rows(judge, before).sum())
    if gain > 0 and mcnemar_p(images, 0) >= SIGNIFICANT:
        return "too few images to tell", f"{reason}; on {images} images no gain is significant"
    for rival, words in ((before, "gain over the untouched head"), (controls[best], "lead over the control")):
        p = _chance(judge, target, after, rival)
        if after.aim <= rival.aim:
            return "no better than the control", f"{reason}; there is no {words}"
        if p >= SIGNIFICANT:
            return "no better than the control", f"{reason}; the {words} may be chance (p = {p:.2g})"
    return "helps", reason


def _aims(before: Judged, after: Judged, names: Sequence[str]) -> str:
    """Return the aim before and after, and whose it is."""
    old, new = before.metrics.worst_group, after.metrics.worst_group
    if old is None or new is None:
        return f"F1 of the class {_change(before.aim, after.aim)}"
    groups = [f"{names[group.class_index]}, {group.column} {group.value}" for group in (old, new)]
    if groups[0] == groups[1]:
        return f"worst group of {groups[0]}: {_change(before.aim, after.aim)}"
    return f"worst group {100 * before.aim:.1f} % of {groups[0]} → {100 * after.aim:.1f} % of {groups[1]}"


def _change(old: float, new: float) -> str:
    return f"{100 * old:.1f} → {100 * new:.1f} %"


def _chance(judge: SplitFeatures, target: int, head: Judged, other: Judged) -> float:
    """Return the p-value of a lead of `head` on the images that `other` is measured by; 1 without a lead."""
    rows = _aim_rows(judge, other)
    labels, old, new = judge.labels[rows], other.predicted[rows], head.predicted[rows]
    if other.metrics.worst_group is None:
        labels, old, new = labels == target, old == target, new == target
    fixed, broken = fixed_and_broken(labels, old, new)
    return mcnemar_p(fixed, broken) if fixed > broken else 1.0


def _aim_rows(judge: SplitFeatures, judged: Judged) -> Tensor:
    """Return a mask [N] of the images of the head's worst group; of all images where there are no groups."""
    worst = judged.metrics.worst_group
    if worst is None:
        return torch.ones(len(judge), dtype=torch.bool)
    column = judge.groups[worst.column]
    return (column.codes == column.values.index(worst.value)) & (judge.labels == worst.class_index)


def _hurt(
    judge: SplitFeatures, target: int, before: Judged, after: Judged, gain: float, names: Sequence[str]
) -> str:
    """Return who lost more than the aim's `gain` allows, or an empty string."""
    aim = _aim_rows(judge, before) if before.metrics.worst_group else judge.labels == target
    lost, p = _lost(judge, ~aim, before, after)
    if p < SIGNIFICANT and lost > max(0.0, gain) / 2:
        return f"all other images lose {100 * lost:.1f} points"
    others = [label for label in judge.labels.unique().tolist() if label != target]
    for label in others:
        lost, p = _lost(judge, judge.labels == label, before, after)
        if p < SIGNIFICANT / len(others) and lost > max(0.0, gain):
            return f"class {names[label]} loses {100 * lost:.1f} points"
    return ""


def _lost(judge: SplitFeatures, rows: Tensor, before: Judged, after: Judged) -> tuple[float, float]:
    """Return the rate that the images of the mask lost, and its McNemar p-value (1 where they won)."""
    fixed, broken = fixed_and_broken(judge.labels[rows], before.predicted[rows], after.predicted[rows])
    return (broken - fixed) / max(1, int(rows.sum())), mcnemar_p(fixed, broken) if broken > fixed else 1.0
