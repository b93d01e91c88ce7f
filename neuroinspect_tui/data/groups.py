"""Which manifest columns make groups, and their values as codes."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence

import torch

from ..config import nearest
from ..errors import InputError
from ..tensors import GroupColumn
from .class_names import INTEGER
from .splits import ImageDataset

_FEWEST, _MOST = 2, 20
_QUANTILES = 4
_OWN = ("path", "label", "class_name", "split")


def group_columns(dataset: ImageDataset, wanted: Sequence[str] = ()) -> tuple[str, ...]:
    """Return the columns that make groups: those `wanted`, or each further one with 2 to 20 distinct values.

    Empty cells are no value. Names come before numbers, which may be codes of the same. Raises InputError for
    a wanted column that the data does not have.
    """
    names = list(dict.fromkeys(name for split in dataset.splits.values() for name in split.columns))
    for name in wanted:
        if name not in names:
            if name in _OWN:
                raise InputError(
                    f"--groups {name}: the labels themselves make no groups", _columns_there(names)
                )
            remedy = nearest(name, names) or _columns_there(names)
            raise InputError(f'--groups "{name}" is not a column of the data {dataset.name}', remedy)
    found = [name for name in names if _FEWEST <= len(_values(dataset, name)) <= _MOST]
    found.sort(key=lambda name: all(map(INTEGER.fullmatch, _values(dataset, name))))
    return tuple(dict.fromkeys(wanted)) or tuple(found)


def group_column(dataset: ImageDataset, split: str, name: str) -> GroupColumn:
    """Return column `name` of one split, codes [N]; the values, sorted, are those of the whole data set.

    More than 20 numbers become four groups of about equally many images, of more than 20 names the rarer ones
    are one group.
    """
    distinct = _values(dataset, name)
    cells = dataset.split(split).columns.get(name) or [""] * len(dataset.split(split))
    values, code_of = sorted(distinct), {value: code for code, value in enumerate(sorted(distinct))}
    if len(distinct) > _MOST:
        counts = _counts(dataset, name)
        values, code_of = _quantiles(counts) if _are_numbers(distinct) else _most_frequent(counts)
    codes = [code_of.get(cell, -1) for cell in cells]
    return GroupColumn(name, tuple(values), torch.tensor(codes, dtype=torch.int64))


def group_notes(dataset: ImageDataset, names: Sequence[str]) -> tuple[str, ...]:
    """Return a remark on each column whose values were put together."""
    notes = []
    for name in names:
        distinct = _values(dataset, name)
        if len(distinct) <= _MOST:
            continue
        if _are_numbers(distinct):
            groups = ", ".join(group_column(dataset, next(iter(dataset.splits)), name).values)
            notes.append(f"{name} has {len(distinct)} numbers: its groups are {groups}")
        else:
            notes.append(
                f"{name} has {len(distinct)} values: all but the {_MOST - 1} most frequent are one group"
            )
    return tuple(notes)


def _counts(dataset: ImageDataset, name: str) -> Counter[str]:
    counts: Counter[str] = Counter()
    for split in dataset.splits.values():
        counts.update(cell for cell in split.columns.get(name, ()) if cell)
    return counts


def _are_numbers(values: Iterable[str]) -> bool:
    try:
        return all(math.isfinite(float(value)) for value in values)
    except ValueError:
        return False


def _quantiles(counts: Counter[str]) -> tuple[list[str], dict[str, int]]:
    """Return the names of up to four groups of about equally many images, and the code of each number."""
    ordered = sorted(counts, key=float)
    total, before, code_of = counts.total(), 0, {}
    for cell in ordered:
        code_of[cell] = min(_QUANTILES - 1, before * _QUANTILES // total)
        before += counts[cell]
    codes = sorted(set(code_of.values()))
    groups = [[cell for cell in ordered if code_of[cell] == code] for code in codes]
    names = [f"{float(group[0]):g} to {float(group[-1]):g}" for group in groups]
    return names, {cell: place for place, group in enumerate(groups) for cell in group}


def _most_frequent(counts: Counter[str]) -> tuple[list[str], dict[str, int]]:
    """Return the most frequent values and one for all others, and the code of each value."""
    kept = sorted(value for value, _ in counts.most_common(_MOST - 1))
    code_of = dict.fromkeys(counts, len(kept)) | {value: code for code, value in enumerate(kept)}
    return [*kept, f"{len(counts) - len(kept)} others"], code_of


def _values(dataset: ImageDataset, name: str) -> set[str]:
    values: set[str] = set()
    for split in dataset.splits.values():
        values.update(split.columns.get(name, ()))
    return values - {""}


def _columns_there(names: Sequence[str]) -> str:
    if not names:
        return "it has no further columns: give a manifest.csv that has it"
    return f"use one of {', '.join(names)}"
