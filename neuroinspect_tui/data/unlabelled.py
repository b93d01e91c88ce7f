"""Rows without a label: left out where they cannot be debugged anyway, refused where they would be."""

from __future__ import annotations

from dataclasses import replace

from ..errors import InputError
from .splits import plain_split, split_name
from .table import Table

_EMPTY = frozenset(("", "nan", "null", "<na>"))
_NEGATIVE = frozenset(("-1", "-1.0"))


def without_unlabelled(table: Table, wanted: str) -> Table:
    """Return the table without rows that are empty, nan or -1; raises InputError where `wanted` has some."""
    if table.named:
        return table
    if table.ordered and not set(table.labels) - set(table.classes):
        return table
    words = {label for label in set(table.labels) if label.strip().casefold() in _EMPTY}
    negative = set(table.labels) & _NEGATIVE
    others = set(table.labels) - words - negative
    if negative and others <= {"1", "1.0"}:
        line = f"{table.origin} has the labels {', '.join(sorted(negative | others))}"
        raise InputError(line, "is -1 a class? Write 0 and 1; leave the cells of unlabelled images empty")
    empty = words | (negative if all(map(_is_number, others)) else set())
    if not empty:
        return table
    kept = [row for row, label in enumerate(table.labels) if label not in empty]
    name = split_name(wanted)
    for row, label in enumerate(table.labels):
        split = wanted if table.splits is None else table.splits[row]
        if label in empty and (split_name(split) == name or plain_split(split) == name):
            shown = f'"{label}" says none' if label else "the cell is empty"
            line = f"{table.origin} row {row + 1} has no label ({shown}), and {name} is to be debugged"
            raise InputError(line, "fill the cell, remove the row, or debug another split with --split")
    return _taken(table, kept)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _taken(table: Table, rows: list[int]) -> Table:
    left = len(table.paths) - len(rows)
    taken = table.taken(rows)
    unlabelled = dict.fromkeys(map(split_name, set(table.splits or ()) - set(taken.splits or ())))
    why = (f"{table.origin}: no image of the split has a label", "give their labels, or another --split")
    return replace(
        taken,
        notes=(*table.notes, f"{left} images have no label and are left out"),
        absent=table.absent | dict.fromkeys(unlabelled, why),
    )
