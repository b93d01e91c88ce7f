"""Which classes and neurons to look at: by name, by index, or the worst."""

from __future__ import annotations

from itertools import chain, zip_longest

from ..config import Check
from ..errors import InputError
from . import CulpritReport, Evaluation


def worst_classes(evaluation: Evaluation, count: int) -> list[int]:
    """Return the `count` classes of lowest accuracy that have at least one mistake, worst first."""
    failing = [row for row in evaluation.classes if row.accuracy is not None and row.correct < row.count]
    return [row.index for row in sorted(failing, key=lambda row: (row.accuracy, row.index))[:count]]


def leading_culprits(report: CulpritReport, count: int) -> tuple[int, ...]:
    """Return the `count` first neurons of the two lists, taken in turn."""
    pairs = zip_longest(report.insufficient, report.excessive)
    return tuple(culprit.neuron for culprit in chain.from_iterable(pairs) if culprit is not None)[:count]


def measured(check: Check, evaluation: Evaluation) -> float:
    """Return the rate that `check` looks at; raises InputError where the evaluation has none."""
    rates = [row.accuracy for row in evaluation.classes if row.accuracy is not None]
    group = evaluation.worst_group
    value = {
        "accuracy": evaluation.accuracy,
        "worst-class": min(rates, default=None),
        "worst-group": group.accuracy if group else None,
    }[check.name]
    if value is None:
        raise InputError(
            f"--fail-under {check.name} has nothing to check", "the data has no groups: give --groups"
        )
    return value
