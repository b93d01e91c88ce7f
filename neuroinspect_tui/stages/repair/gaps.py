"""The guard between cues: whether a repair makes the answers lean more on a cue that it was not given."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

import torch
from torch import Tensor

from ...results import CueGap
from ...tensors import GroupColumn, SplitFeatures
from ..metrics import Z_95
from .plan import Plan

FEWEST = 10
"""Images of a class with its usual value, and as many without, from which on they are compared."""


def cue_gaps(
    splits: Mapping[str, SplitFeatures], plan: Plan, target: int, before: Tensor, after: Tensor
) -> tuple[CueGap, ...]:
    """Return the gap of every column of the judged images that the repair was not given, before and after.

    `before` and `after` [N] are predictions. A gap is how much better the images are classified that have the
    usual value of their class (where the repair was fitted) than those that have not: in the class `target`,
    and as the mean over all classes, weighted by their images.
    """
    judge, fitted = plan.judge, splits[plan.division.train or plan.division.held]
    right = torch.stack([(found == judge.labels).double() for found in (before, after)])
    found = []
    for name, column in judge.groups.items():
        if name in plan.columns or name not in fitted.groups:
            continue
        usual = _usual(fitted.labels, fitted.groups[name])
        classes = list(_compared(judge.labels, column, usual))
        own = [one for one in classes if one[0] == target]
        for label, rows in ((target, own), (None, classes)):
            if rows:
                found.append(_gap(name, label, column.estimated, right, rows))
    return tuple(found)


def _usual(labels: Tensor, column: GroupColumn) -> Tensor:
    """Return the most frequent value of each class, [C], -1 where none is known."""
    classes, values = int(labels.max()) + 1, len(column.values)
    known = column.codes >= 0
    cell = labels[known] * values + column.codes[known]
    count = torch.bincount(cell, minlength=classes * values).view(classes, values)
    return torch.where(count.sum(1) > 0, count.argmax(1), -1)


def _compared(labels: Tensor, column: GroupColumn, usual: Tensor) -> Iterator[tuple[int, Tensor, Tensor]]:
    """Yield each class with masks [N] of its images of the usual value and of the others."""
    for label in labels.unique().tolist():
        if label < len(usual) and int(usual[label]) >= 0:
            own = (labels == label) & (column.codes >= 0)
            having = own & (column.codes == usual[label])
            lacking = own & ~having
            if min(int(having.sum()), int(lacking.sum())) >= FEWEST:
                yield label, having, lacking


def _gap(
    name: str, label: int | None, estimated: bool, right: Tensor, rows: list[tuple[int, Tensor, Tensor]]
) -> CueGap:
    """Average the gaps of classes, with the 95 % interval of how much the gap grows (paired, normal)."""
    total = sum(int(having.sum() + lacking.sum()) for _, having, lacking in rows)
    gaps, variance = torch.zeros(2, dtype=torch.float64), 0.0
    change = right[1] - right[0]
    for _, having, lacking in rows:
        share = int(having.sum() + lacking.sum()) / total
        gaps += share * (right[:, having].mean(1) - right[:, lacking].mean(1))
        variance += share**2 * sum(float(change[one].var()) / int(one.sum()) for one in (having, lacking))
    growth, half = float(gaps[1] - gaps[0]), Z_95 * math.sqrt(variance)
    return CueGap(
        name, label, float(gaps[0]), float(gaps[1]), total, (growth - half, growth + half), estimated
    )
