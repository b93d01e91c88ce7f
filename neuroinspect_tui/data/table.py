"""Every kind of data set on its way in: one row for each image, column by column, made into splits."""

from __future__ import annotations

import posixpath
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch

from ..errors import InputError
from .class_names import ClassList, resolve_labels
from .splits import FileImages, ImageDataset, Split, is_inside, split_name

_ORDER = ("train", "val", "test")
_NUMBERED = {"0": "train", "1": "val", "2": "test"}


@dataclass(frozen=True)
class Table:
    """N images: `paths` relative to `root`, `labels` and `splits` as written (None: not divided).

    `class_names` [N] is what each row calls its class, `columns` are all further ones,
    `origin` names the file or folder in errors.
    """

    origin: str
    root: Path
    paths: list[str]
    labels: list[str]
    splits: list[str] | None = None
    class_names: list[str] | None = None
    columns: dict[str, list[str]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def build_dataset(
    table: Table, classes: ClassList | None, default_split: str, allow_outside: bool
) -> ImageDataset:
    """Check the table, resolve its labels and divide it into splits; raises InputError."""
    _check_paths(table, allow_outside)
    labelled = resolve_labels(table.labels, table.class_names, classes, table.origin)
    splits = {}
    for name, rows in _split_rows(table, default_split):
        paths = _take(table.paths, rows)
        columns = {column: _take(values, rows) for column, values in table.columns.items()}
        labels = torch.from_numpy(labelled.labels if rows is None else labelled.labels[rows])
        splits[name] = Split(name, paths, labels, columns, FileImages(table.root, paths, allow_outside))
    return ImageDataset(
        table.root.resolve().name, table.root, labelled.names, splits, table.notes + labelled.notes
    )


def _check_paths(table: Table, allow_outside: bool) -> None:
    if not table.paths:
        raise InputError(f"{table.origin} lists no images", "add a row for each image")
    if len(set(table.paths)) < len(table.paths):
        seen: dict[str, int] = {}
        for row, path in enumerate(table.paths, 1):
            if seen.setdefault(path, row) != row:
                message = f'{table.origin} row {row} lists "{path}" again (first in row {seen[path]})'
                raise InputError(message, "keep one row for each image")
    if allow_outside:
        return
    for folder in sorted(set(map(posixpath.dirname, table.paths))):
        if not is_inside(table.root, table.root / folder):
            path = next(path for path in table.paths if posixpath.dirname(path) == folder)
            message = f'{table.origin}: "{path}" leaves the data folder'
            raise InputError(message, "keep images inside it, or give --allow-outside")


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
