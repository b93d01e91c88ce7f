"""Which manifest columns make groups, and their values as codes."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from ..config import nearest
from ..errors import InputError
from ..tensors import GroupColumn
from .class_names import INTEGER
from .splits import ImageDataset

_FEWEST, _MOST = 2, 20
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
    """Return column `name` of one split, codes [N]; the values, sorted, are those of the whole data set."""
    values = sorted(_values(dataset, name))
    code_of = {value: code for code, value in enumerate(values)} | {"": -1}
    cells = dataset.split(split).columns[name]
    return GroupColumn(
        name, tuple(values), torch.tensor([code_of[cell] for cell in cells], dtype=torch.int64)
    )


def _values(dataset: ImageDataset, name: str) -> set[str]:
    values: set[str] = set()
    for split in dataset.splits.values():
        values.update(split.columns.get(name, ()))
    return values - {""}


def _columns_there(names: Sequence[str]) -> str:
    if not names:
        return "it has no further columns: give a manifest.csv that has it"
    return f"use one of {', '.join(names)}"
