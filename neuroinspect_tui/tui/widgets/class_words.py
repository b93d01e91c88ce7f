"""A class in words: how it does, what it is predicted as, and its worst group."""

from __future__ import annotations

from collections.abc import Sequence

from ...results import ClassResult, GroupResult
from ...wording.numbers import listed, number, percent

NAMED = 3


def class_lines(result: ClassResult, groups: Sequence[GroupResult]) -> list[str]:
    """Return the lines, the most important first."""
    right = f"{number(result.correct)} of {number(result.count)} {result.name} right"
    lines = [f"{right} ({percent(result.accuracy)})."]
    if result.confusions:
        named = listed(f"{found.name} {number(found.count)}" for found in result.confusions[:NAMED])
        lines.append(f"The mistakes are predicted as {named}.")
    worst = _worst(groups)
    return [*lines, worst] if worst else lines


def _worst(groups: Sequence[GroupResult]) -> str:
    """Name the group in which the class does worst; nothing where there are no two to compare."""
    known = [group for group in groups if group.accuracy is not None]
    if len(known) < 2:
        return ""
    worst = min(known, key=lambda group: (group.accuracy, -group.count))
    rate = percent(worst.accuracy)
    return f"Worst group: {worst.column} {worst.value}, {worst.correct} of {worst.count} right ({rate})."
