"""From the labels as written to class indices and class names."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..config import nearest
from ..errors import InputError
from .class_names import INTEGER, ClassList
from .table import Table

_WORDNET_ID = re.compile(r"n[0-9]{8}")
_MOST_CLASSES = 100_000
_NAMED = 5


@dataclass(frozen=True)
class Labels:
    """Class `names` in index order, the `indices` [N] int64 of the images, remarks for the user."""

    names: tuple[str, ...]
    indices: np.ndarray
    notes: tuple[str, ...] = ()


def resolve_labels(table: Table, classes: ClassList | None) -> Labels:
    """Turn the labels of `table`, N texts, into class indices; raises InputError.

    With `classes` a label is looked up there, by name, else as an index. Without, integers are indices (not
    where `table.named` says that they are folder names) and all other labels are names in sorted order, as in
    torchvision's `ImageFolder`.
    """
    known = sorted({*table.labels, *table.classes})
    integers = all(map(INTEGER.fullmatch, known))
    notes: tuple[str, ...] = ()
    if classes is not None:
        names = classes.names
        index_of, notes = _look_up(known, integers, classes, table)
        _require_agreement(index_of, classes, table)
    elif integers and not table.named:
        index_of = _as_indices(known, _MOST_CLASSES, table, "number the classes from 0")
        called = {index_of[label]: name for label, name in _called(table).items()}
        names = tuple(called.get(index, str(index)) for index in range(max(index_of.values()) + 1))
        notes = _unused(sorted(set(range(len(names))) - set(index_of.values())))
    else:
        index_of = {label: index for index, label in enumerate(known)}
        notes = () if table.named else _half_numbers(known, table)
        names = tuple(_called(table).get(label, label) for label in known)
    if len(names) < 2:
        message = f'{table.origin} has only one class, "{names[0]}"'
        raise InputError(message, "give images of two classes or more")
    indices = np.fromiter(map(index_of.__getitem__, table.labels), dtype=np.int64, count=len(table.labels))
    return Labels(names, indices, notes)


def _unused(absent: Sequence[int]) -> tuple[str, ...]:
    """Remark on class numbers that no image has: labels may have been counted from 1, or mistyped."""
    if not absent:
        return ()
    if absent == [0]:
        return ("no image has label 0: labels count from 0, subtract 1 if these count from 1",)
    more = f" and {len(absent) - _NAMED} more" if len(absent) > _NAMED else ""
    return (f"no image has label {', '.join(map(str, absent[:_NAMED]))}{more}; labels count from 0",)


def _half_numbers(known: Sequence[str], table: Table) -> tuple[str, ...]:
    """Remark on labels of which some are numbers and some are not: they are all taken as names."""
    words = [label for label in known if not INTEGER.fullmatch(label)]
    if len(words) == len(known):
        return ()
    row = table.labels.index(words[0]) + 1
    return (f'labels are taken as names, because "{words[0]}" (row {row}) is no number',)


def _require_agreement(index_of: dict[str, int], classes: ClassList, table: Table) -> None:
    """Raise InputError where `class_name` calls a label by the name of another class of `classes`."""
    for label, called in _called(table).items():
        name = classes.names[index_of[label]]
        if called != name and called in classes.names:
            message = f'{classes.origin} calls label {label} "{name}", {table.origin} calls it "{called}"'
            raise InputError(message, "give the same order of classes in both, or leave --classes out")


def _called(table: Table) -> dict[str, str]:
    """Return what `class_name` calls each label."""
    called: dict[str, str] = {}
    for label, name in sorted(set(zip(table.labels, table.class_names or (), strict=False))):
        if name and called.setdefault(label, name) != name:
            message = f'{table.origin} calls class {label} both "{called[label]}" and "{name}"'
            raise InputError(message, "give each label one class_name")
    return called


def _as_indices(known: Sequence[str], count: int, table: Table, remedy: str) -> dict[str, int]:
    for label in known:
        if not 0 <= int(label) < count:
            row = table.labels.index(label) + 1
            raise InputError(f"{table.origin} row {row}: label {label} is out of range", remedy)
    return {label: int(label) for label in known}


def _look_up(
    known: Sequence[str], integers: bool, classes: ClassList, table: Table
) -> tuple[dict[str, int], tuple[str, ...]]:
    """Return the index in `classes` of each known label, and remarks."""
    index_of, count = classes.index_of(), len(classes.names)
    unknown = [label for label in known if label not in index_of]
    if not unknown:
        return index_of, ()
    if integers:
        remedy = f"{classes.origin} names {count} classes, use 0 to {count - 1}"
        note = f"folder names are taken as class numbers of {classes.origin}"
        return _as_indices(known, count, table, remedy), (note,) if table.named else ()
    if len(unknown) == len(known) == count and all(map(_WORDNET_ID.fullmatch, known)):
        note = f"{classes.origin} names the sorted WordNet folders in its order"
        return {label: index for index, label in enumerate(known)}, (note,)
    twice = next((name for name in classes.names if classes.names.count(name) > 1), None)
    remedy = nearest(unknown[0], index_of) or f"add it to {classes.origin}, or leave --classes out"
    if twice is not None:
        remedy = f'name each class once: "{twice}" stands there twice'
    raise InputError(f'{table.origin}: class "{unknown[0]}" is not in {classes.origin}', remedy)
