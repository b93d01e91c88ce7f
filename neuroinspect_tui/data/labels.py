"""From the labels as written to class indices and class names."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..errors import InputError
from .class_names import INTEGER, ClassList, ModelClasses
from .matching import match_labels, normal
from .suspects import suspicious_classes
from .table import Table

_MOST_CLASSES = 100_000
_NAMED = 5
_WHOLE = re.compile(r"([+-]?[0-9]+)\.0*")


@dataclass(frozen=True)
class Labels:
    """Class `names` in index order, the `indices` [N] int64 of the images, remarks for the user."""

    names: tuple[str, ...]
    indices: np.ndarray
    notes: tuple[str, ...] = ()


def resolve_labels(table: Table, classes: ClassList | None, model: ModelClasses | None = None) -> Labels:
    """Turn the labels of `table`, N texts, into class indices; raises InputError.

    With `classes`, or else the classes that the model names, a label is looked up there, by name, else as an
    index. Without, integers are indices (folder names that are numbers: in number order) and all other labels
    are names in sorted order, as in torchvision's `ImageFolder`.
    """
    table = _whole_numbers(table)
    known = list(table.classes) if table.ordered else sorted({*table.labels, *table.classes})
    listed = classes or (model.listed() if model else None)
    integers = not table.ordered and all(map(INTEGER.fullmatch, known))
    notes: tuple[str, ...] = ()
    if listed is not None:
        names = listed.names
        index_of, note = match_labels(known, listed, table.origin, lambda label: _row_of(label, table))
        notes = (note,) if note and table.named else ()
        _require_agreement(index_of, listed, table)
    elif integers and (not table.named or _are_indices(known, model)):
        index_of = _as_indices(
            known, model.count if model else _MOST_CLASSES, table, "number the classes from 0"
        )
        called = {index_of[label]: name for label, name in _called(table).items()}
        count = model.count if model else max(index_of.values()) + 1
        names = tuple(called.get(index, str(index)) for index in range(count))
        notes = _unused(sorted(set(range(len(names))) - set(index_of.values())))
    else:
        known, notes = _in_order(known, integers, table)
        _refuse_miscounted(known, table, model)
        index_of = {label: index for index, label in enumerate(known)}
        names = tuple(_called(table).get(label, label) for label in known)
    if len(names) < 2:
        message = f'{table.origin} has only one class, "{names[0]}"'
        raise InputError(message, "give images of two classes or more")
    indices = np.fromiter(map(index_of.__getitem__, table.labels), dtype=np.int64, count=len(table.labels))
    return Labels(names, indices, notes)


def _whole_numbers(table: Table) -> Table:
    """Return the table with `0.0`, `1.0`… written as 0, 1… where all labels are whole numbers."""
    distinct = set(table.labels)
    if table.named or all(map(INTEGER.fullmatch, distinct)):
        return table
    whole = {label: match[1] for label in distinct if (match := _WHOLE.fullmatch(label))}
    if not all(label in whole or INTEGER.fullmatch(label) for label in distinct):
        return table
    return replace(table, labels=[whole.get(label, label) for label in table.labels])


def _are_indices(known: Sequence[str], model: ModelClasses | None) -> bool:
    """Whether numeric folder names are some of the model's class numbers."""
    return model is not None and len(known) < model.count and all(int(name) < model.count for name in known)


def _in_order(known: list[str], integers: bool, table: Table) -> tuple[list[str], tuple[str, ...]]:
    """Return names in order: folders that are numbers by value, with a remark where text sorts otherwise."""
    if table.ordered:
        return known, ()
    if not table.named:
        return known, _half_numbers(known, table)
    if not integers:
        return known, ()
    numbers = sorted(known, key=int)
    if numbers == known:
        return known, ()
    note = (
        "the class folders are numbers and are taken in number order "
        f"({numbers[0]}, {numbers[1]} … {numbers[-1]}); "
        "a classifier that ImageFolder trained has them in text order: name that with --classes"
    )
    return numbers, (note,)


def _refuse_miscounted(known: Sequence[str], table: Table, model: ModelClasses | None) -> None:
    """Raise InputError where names are twins, or as many as the model has outputs they are not."""
    if len(known) < 2 or (model is not None and model.count == len(known)):
        return
    suspects = suspicious_classes(table)
    if model is not None:
        because = f": {'; '.join(suspects)}" if suspects else ""
        classes = "1 class" if len(known) == 1 else f"{len(known)} classes"
        line = f"the classifier has {model.count} outputs, {table.origin} has {classes}{because}"
        raise InputError(line, "name the classifier's classes in its order with --classes FILE")
    for label, twin in _twins(known):
        line = f'{table.origin}: "{label}" and "{twin}" differ in case or Unicode form alone'
        raise InputError(line, "are they one class? Give them one spelling, or name both with --classes FILE")


def _twins(known: Sequence[str]) -> list[tuple[str, str]]:
    first: dict[str, str] = {}
    return [(twin, label) for label in known if (twin := first.setdefault(normal(label), label)) != label]


def _row_of(label: str, table: Table) -> str:
    if label not in table.labels:
        return table.origin
    return f"{table.origin} row {table.labels.index(label) + 1}"


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
    return (f'labels are taken as names, because "{words[0]}" (row {row}) is not a number',)


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
