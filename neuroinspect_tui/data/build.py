"""From a table of images to a data set: check its paths, resolve its labels, divide it into splits."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from ..errors import InputError
from .class_names import ClassList
from .files import FileImages, is_inside, is_there
from .labels import resolve_labels
from .splits import ImageDataset, Split, split_name
from .table import Table

_ORDER = ("train", "val", "test")
_NUMBERED = {"0": "train", "1": "val", "2": "test"}
_PROBED = 100


def build_dataset(
    table: Table, classes: ClassList | None, default_split: str, allow_outside: bool
) -> ImageDataset:
    """Check the table, resolve its labels and divide it into splits; raises InputError."""
    _check_unique(table)
    if not allow_outside:
        _check_inside(table)
    _check_present(table)
    labels = resolve_labels(table, classes)
    splits = {}
    for name, rows in _split_rows(table, default_split):
        paths = _take(table.paths, rows)
        columns = {column: _take(values, rows) for column, values in table.columns.items()}
        indices = torch.from_numpy(labels.indices if rows is None else labels.indices[rows])
        splits[name] = Split(name, paths, indices, columns, FileImages(table.root, paths, allow_outside))
    notes = table.notes + labels.notes
    if table.splits is None:
        (name,) = splits
        notes += (f"not divided into splits: all {len(table.paths)} images are taken as {name}",)
    return ImageDataset(table.name, table.root, labels.names, splits, notes)


def _check_unique(table: Table) -> None:
    if len(set(table.paths)) == len(table.paths):
        return
    seen: dict[str, int] = {}
    for row, path in enumerate(table.paths, 1):
        if seen.setdefault(path, row) != row:
            message = f'{table.origin} row {row} lists "{path}" again (first in row {seen[path]})'
            raise InputError(message, "keep one row for each image")


def _check_inside(table: Table) -> None:
    for folder in sorted({path[: path.rfind("/") + 1] for path in table.paths}):
        if not is_inside(table.root, table.root / folder):
            path = next(path for path in table.paths if path[: path.rfind("/") + 1] == folder)
            message = f'{table.origin}: "{path}" leaves the data folder'
            raise InputError(message, "keep images inside it, or give --allow-outside")


def _check_present(table: Table) -> None:
    """Refuse a wrong root: a few missing images are listed later, but here not one of many is found."""
    probed = table.paths[:: -(-len(table.paths) // _PROBED)]
    if not any(is_there(table.root / path) for path in probed):
        message = f'{table.origin}: its images are not in {table.root} (for example "{probed[0]}")'
        raise InputError(message, "give the folder that holds them as --data-root")


def _split_rows(table: Table, default_split: str) -> list[tuple[str, np.ndarray | None]]:
    """Return each split with its row numbers (None: all)."""
    if table.splits is None:
        return [(split_name(default_split), None)]
    written = dict.fromkeys(table.splits)
    numbered = all(text.strip() in _NUMBERED for text in written)
    names = {text: _NUMBERED[text.strip()] if numbered else split_name(text) for text in written}
    if "" in names.values():
        row = next(row for row, text in enumerate(table.splits, 1) if not text.strip())
        raise InputError(f"{table.origin} row {row} has no split", "write train, val or test")
    order = sorted(set(names.values()), key=lambda name: (name not in _ORDER, _rank(name), name))
    code_of = {text: order.index(name) for text, name in names.items()}
    codes = np.fromiter(map(code_of.__getitem__, table.splits), dtype=np.int32, count=len(table.splits))
    return [(name, np.flatnonzero(codes == code)) for code, name in enumerate(order)]


def _rank(name: str) -> int:
    return _ORDER.index(name) if name in _ORDER else len(_ORDER)


def _take(values: Sequence[str], rows: np.ndarray | None) -> list[str]:
    return list(values) if rows is None else [values[row] for row in rows.tolist()]
