"""From a table of images to a data set: check its paths, resolve its labels, divide it into splits."""

from __future__ import annotations

import posixpath
from collections.abc import Sequence

import numpy as np
import torch

from ..errors import InputError
from .class_names import ClassList, ModelClasses
from .files import FileImages, is_inside, is_there
from .label_view import LabelChoice
from .labels import resolve_labels
from .marks import mark_matrix, with_marks
from .paths import why_not_there
from .splits import ImageDataset, Split, plain_split, split_name
from .table import Table
from .unlabelled import without_unlabelled
from .views import viewed

_ORDER = ("train", "val", "test")
_NUMBERED = {"0": "train", "1": "val", "2": "test"}
_PROBED = 100


def build_dataset(
    table: Table,
    classes: ClassList | None,
    default_split: str,
    allow_outside: bool,
    model: ModelClasses | None = None,
    choice: LabelChoice | None = None,
) -> ImageDataset:
    """Check the table, resolve its labels and divide it into splits; raises InputError.

    Of a table whose images may have several labels the two classes of one, by `choice`.
    """
    table = _one_label(table, classes or (model.listed() if model else None), model, choice or LabelChoice())
    if table.view is not None:
        classes = model = None
    table = without_unlabelled(table, default_split)
    _check_unique(table)
    if table.files is None:
        _check_files(table, allow_outside)
    labels = resolve_labels(table, classes, model)
    splits = {}
    for name, rows in _split_rows(table, default_split):
        paths = _take(table.paths, rows)
        columns = {column: _take(values, rows) for column, values in table.columns.items()}
        indices = torch.from_numpy(labels.indices if rows is None else labels.indices[rows])
        files = table.files or FileImages(table.root, (), allow_outside)
        own = {label: _take(cells, rows) for label, cells in table.marks.items()}
        marks = mark_matrix(own) if own else None
        splits[name] = Split(name, paths, indices, columns, files.of(paths), marks)
    notes = table.notes + labels.notes
    if table.splits is None:
        (name,) = splits
        notes += (f"not divided into splits: all {len(table.paths)} images are taken as {name}",)
    return ImageDataset(table.name, table.root, labels.names, splits, notes, table.absent, table.view)


def _one_label(
    table: Table, listed: ClassList | None, model: ModelClasses | None, choice: LabelChoice
) -> Table:
    """Return the table as it is where an image has one label, else with the classes of one of them."""
    outputs = model.count if model else None
    marked = with_marks(table, listed, outputs, choice.wanted is not None)
    return viewed(marked, choice, listed, outputs) if marked.marks else marked


def _check_unique(table: Table) -> None:
    """Refuse an image that is listed twice, also as `a.png` and `./a.png`."""
    files = [path if _is_plain(path) else posixpath.normpath(path) for path in table.paths]
    if len(set(files)) == len(files):
        return
    seen: dict[str, int] = {}
    for row, (path, file) in enumerate(zip(table.paths, files, strict=True), 1):
        first = seen.setdefault(file, row)
        if first != row:
            spelled = "" if table.paths[first - 1] == path else f' as "{table.paths[first - 1]}"'
            message = f'{table.origin} row {row} lists "{path}" again (first in row {first}{spelled})'
            raise InputError(message, "keep one row for each image")


def _is_plain(path: str) -> bool:
    return "./" not in path and "//" not in path


def _check_files(table: Table, allow_outside: bool) -> None:
    probed = table.paths[:: -(-len(table.paths) // _PROBED)]
    there = any(is_there(table.root / path) for path in probed)
    if not there and (found := why_not_there(table, probed[0])):
        raise found
    if not allow_outside:
        _check_inside(table)
    if not there:
        message = f'{table.origin}: its images are not in {table.root} (for example "{probed[0]}")'
        raise InputError(message, "give the folder that holds them as --data-root")


def _check_inside(table: Table) -> None:
    for folder in sorted({path[: path.rfind("/") + 1] for path in table.paths}):
        if not is_inside(table.root, table.root / folder):
            path = next(path for path in table.paths if path[: path.rfind("/") + 1] == folder)
            message = f'{table.origin}: "{path}" leaves the data folder'
            raise InputError(message, "keep images inside it, or give --allow-outside")


def _split_rows(table: Table, default_split: str) -> list[tuple[str, np.ndarray | None]]:
    """Return each split with its row numbers (None: all)."""
    if table.splits is None:
        return [(split_name(default_split), None)]
    written = dict.fromkeys(table.splits)
    numbered = all(text.strip() in _NUMBERED for text in written)
    names = {text: _NUMBERED[text.strip()] if numbered else _spelled(text) for text in written}
    if "" in names.values():
        row = next(row for row, text in enumerate(table.splits, 1) if not text.strip())
        raise InputError(f"{table.origin} row {row} has no split", "write train, val or test")
    order = sorted(set(names.values()), key=lambda name: (name not in _ORDER, _rank(name), name))
    code_of = {text: order.index(name) for text, name in names.items()}
    codes = np.fromiter(map(code_of.__getitem__, table.splits), dtype=np.int32, count=len(table.splits))
    return [(name, np.flatnonzero(codes == code)) for code, name in enumerate(order)]


def _spelled(text: str) -> str:
    """Return the split that a cell means; `test1` and `test2` stay two splits."""
    name = split_name(text)
    plain = plain_split(text) if not any(map(str.isdigit, text)) else None
    return plain or name


def _rank(name: str) -> int:
    return _ORDER.index(name) if name in _ORDER else len(_ORDER)


def _take(values: Sequence[str], rows: np.ndarray | None) -> list[str]:
    return list(values) if rows is None else [values[row] for row in rows.tolist()]
