"""Which split each row of a table is in: by a column of names, columns of yes and no, or folders in paths."""

from __future__ import annotations

from collections.abc import Sequence

from .columns import Columns
from .marks import HAS, UNKNOWN, mark_columns
from .splits import folder_split, plain_split, split_name

_NAMES = (
    *("split", "set", "partition", "subset", "dataset_split", "data_split", "split_name", "set_type"),
    *("usage", "phase"),
)
_FLAGS = {
    **dict.fromkeys(("is_test", "in_test", "is_testing"), "test"),
    **dict.fromkeys(("is_valid", "is_val", "is_validation", "in_val"), "val"),
    **dict.fromkeys(("is_train", "is_training", "is_training_img", "in_train"), "train"),
}
"""Columns of yes and no: the split that yes means."""


def names_splits(column: str) -> bool:
    """Whether a column goes by a name that says it tells splits."""
    return column.casefold() in (*_NAMES, *_FLAGS)


def take_splits(columns: Columns) -> list[str] | None:
    """Take the split of each row out of `columns`: a usual column of split names, or those of yes and no."""
    folded = {name.casefold(): name for name in reversed(columns)}
    for usual in _NAMES:
        name = folded.get(usual)
        if name is None:
            continue
        cells = {cell.strip() for cell in columns[name]}
        if name == "split" or all(map(_is_split, cells)) or (cells <= {"0", "1", "2"} and len(cells) > 1):
            return columns.pop(name)
    return _flagged(columns)


def _is_split(cell: str) -> bool:
    """Whether a cell is the name of a split, also of one of two: `PublicTest`, `PrivateTest`."""
    return split_name(cell) in ("train", "val", "test") or folder_split(cell) is not None


def _flagged(columns: Columns) -> list[str] | None:
    """Take columns that say yes or no to a split: without `is_train` the rest is train, else it is test."""
    named = {name: _FLAGS[name.casefold()] for name in columns if name.casefold() in _FLAGS}
    marks = mark_columns({name: columns[name] for name in named})
    if not marks or any(UNKNOWN in cells for cells in marks.values()):
        return None
    splits = [named[name] for name in marks]
    rest = "test" if "train" in splits else "train"
    rows = zip(*marks.values(), strict=True)
    found = [splits[row.index(HAS)] if HAS in row else rest for row in rows]
    for name in marks:
        del columns[name]
    return found if len(set(found)) > 1 else None


def splits_of_paths(paths: Sequence[str]) -> list[str] | None:
    """Return the split that a folder in each path says, where all say one and two are there."""
    found = []
    for path in paths:
        split = next((split for part in path.split("/")[:-1] if (split := plain_split(part))), None)
        if split is None:
            return None
        found.append(split)
    return found if len(set(found)) > 1 else None
