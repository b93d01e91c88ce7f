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
    elif integers and not table.named:
        index_of = _as_indices(known, _MOST_CLASSES, table, "number the classes from 0")
        called = {index_of[label]: name for label, name in _called(table).items()}
        names = tuple(called.get(index, str(index)) for index in range(max(index_of.values()) + 1))
    else:
        index_of = {label: index for index, label in enumerate(known)}
        names = tuple(_called(table).get(label, label) for label in known)
    if len(names) < 2:
        message = f'{table.origin} has only one class, "{names[0]}"'
        raise InputError(message, "give images of two classes or more")
    indices = np.fromiter(map(index_of.__getitem__, table.labels), dtype=np.int64, count=len(table.labels))
    return Labels(names, indices, notes)


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
    remedy = nearest(unknown[0], index_of) or f"add it to {classes.origin}, or leave --classes out"
    raise InputError(f'{table.origin}: class "{unknown[0]}" is not in {classes.origin}', remedy)
