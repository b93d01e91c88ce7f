"""From the columns of a table to images with labels: which column is which."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import unquote

from ..errors import InputError
from .columns import Columns, read_columns
from .files import is_there
from .marks import HAS, UNKNOWN, Marks, mark_columns
from .split_columns import names_splits, splits_of_paths, take_splits
from .table import Table
from .tree import SPELLED, is_image

NAMES = ("manifest.csv", "metadata.csv", "manifest.jsonl", "metadata.jsonl", "_classes.csv")
PATH_COLUMNS = (
    *("path", "img_filename", "filename", "file_name", "image_path", "filepath", "file_path", "img_path"),
    *("fname", "img_name", "image_filename", "image_index", "relative_path", "rel_path"),
    *("image_file", "image_name", "image", "img", "file", "image_id", "img_id", "id"),
)
LABEL_COLUMNS = ("label", "y")
_OTHER_LABELS = (
    *("class", "category", "target", "species", "labels", "class_label", "choice", "class_id", "label_id"),
    *("category_id", "class_idx", "breed", "diagnosis", "dx"),
)
_SEVERAL = ("tags", "classes", "categories", "attributes", "finding labels", "finding_labels")
_IDS = ("image_id", "img_id", "id", "image_name", "image")
_URLS = ("image", "img")
_SERVER = re.compile(r"(https?://[^/]+)?/data/(upload/([0-9]+/)?|local-files/\?d=)")
"""What Label Studio puts before the name of an image."""
_PROBED = 20


def read_manifest(file: Path, root: Path | None = None, found: bool = False) -> Table:
    """Return the rows of a text table; paths are relative to `root`, by default the table's own folder.

    Reads 1.3 million rows in seconds and holds each distinct short text once. Raises InputError.
    """
    columns, notes = read_columns(file)
    name = file.resolve().parent.name if file.name in NAMES else file.stem
    return table_of_columns(columns, name, str(file), root or file.parent, notes, found)


def table_of_columns(
    columns: Columns, name: str, origin: str, root: Path, notes: tuple[str, ...] = (), found: bool = False
) -> Table:
    """Return a table whose path, label and split columns go by their usual names, in any case.

    Needs a path column (`path`, `file_name`, `image`…) and a label column (`label`, `y`, `class`…), or a
    column of 0 and 1 for each class as Roboflow exports them, or for each label where an image may have
    several; `class_name` and a column of split names may be there, all others become `columns`. Without a
    split column, paths below split folders say the split. Raises InputError.
    """
    columns = dict(columns)
    path_column = _find(columns, PATH_COLUMNS, origin)
    paths, suffix = _paths(path_column, columns.pop(path_column), origin, root)
    if suffix:
        notes = (*notes, f"{path_column} is read as file names with {suffix}")
    class_names = columns.pop("class_name") if "class_name" in columns and _label_column(columns) else None
    labels, marks = _labels(columns, origin)
    if class_names is None and path_column == "img_filename" and "place" in columns:
        class_names = _waterbirds_names(labels)
    splits = take_splits(columns)
    if splits is None and (folders := splits_of_paths(paths)):
        splits, notes = folders, (*notes, "the splits are those of the folders in the paths")
    return Table(
        name=name,
        origin=origin,
        root=root,
        paths=paths,
        labels=labels,
        splits=splits,
        class_names=class_names,
        columns={column: stripped(values) for column, values in columns.items()},
        notes=notes,
        found=found,
        marks=marks,
    )


def _paths(column: str, values: Sequence[str], origin: str, root: Path) -> tuple[list[str], str | None]:
    """Return the paths that a column holds, and the suffix that its ids lack, if any."""
    paths = list(map(_without_server, values)) if column.casefold() in _URLS else list(values)
    suffix = _common_suffix(paths, root) if column.casefold() in _IDS else None
    if suffix:
        paths = [path + suffix for path in paths]
    if not paths:
        raise InputError(f"{origin} lists no images", "add a row for each image")
    _require_filled(origin, column, paths)
    return paths, suffix


def stripped(values: Sequence[str]) -> list[str]:
    """Return the values without blanks around them."""
    return list(map({value: value.strip() for value in set(values)}.__getitem__, values))


def _labels(columns: Columns, origin: str) -> tuple[list[str], Marks]:
    """Take the label column out of `columns`, or the columns of 0 and 1: of classes, or of several labels."""
    column = _label_column(columns)
    if column is not None:
        others = [name for name in columns if name.casefold() in _OTHER_LABELS and name != column]
        if column.casefold() in _OTHER_LABELS and others and _disagree(columns[column], columns[others[0]]):
            line = f'{origin}: the class could be "{column}" or "{others[0]}"'
            raise InputError(line, "which one? Rename it to label")
        return stripped(columns.pop(column)), {}
    marks = mark_columns({name: cells for name, cells in columns.items() if not names_splits(name)})
    if len(marks) < 2:
        raise _lacking(LABEL_COLUMNS[0], list(columns), origin)
    for name in marks:
        del columns[name]
    names, rows = list(marks), list(zip(*marks.values(), strict=True))
    if all(row.count(HAS) == 1 and UNKNOWN not in row for row in rows):
        return [names[row.index(HAS)] for row in rows], {}
    return [""] * len(rows), marks


def _label_column(columns: Columns) -> str | None:
    folded = {name.casefold(): name for name in reversed(columns)}
    wanted = (*LABEL_COLUMNS, *_OTHER_LABELS, "class_name", "label_name", *_SEVERAL)
    return next((folded[name] for name in wanted if name in folded), None)


def _disagree(one: Sequence[str], other: Sequence[str]) -> bool:
    """Whether two columns divide the images differently."""
    pairs = set(zip(one, other, strict=True))
    return not len(pairs) == len(set(one)) == len(set(other))


def _without_server(path: str) -> str:
    """Return the file's own path in what Label Studio exports."""
    found = _SERVER.match(path)
    return unquote(path[found.end() :]) if found else path


def _common_suffix(paths: Sequence[str], root: Path) -> str | None:
    """Return the suffix with which names without one are files in `root`, where all that are probed are."""
    probed = paths[:_PROBED]
    if not probed or any(is_image(path) for path in probed):
        return None
    return next(
        (suffix for suffix in SPELLED if all(is_there(root / f"{path}{suffix}") for path in probed)), None
    )


def _waterbirds_names(labels: list[str]) -> list[str] | None:
    names = {"0": "landbird", "1": "waterbird"}
    return [names[label] for label in labels] if set(labels) <= names.keys() else None


def _find(columns: Columns, names: tuple[str, ...], origin: str) -> str:
    folded = {name.casefold().replace(" ", "_"): name for name in reversed(columns)}
    found = next((folded[name] for name in names if name in folded), None)
    if found is None:
        raise _lacking(names[0], list(columns), origin)
    return found


def _lacking(wanted: str, columns: list[str], origin: str) -> InputError:
    alike = difflib.get_close_matches(wanted, columns, 1)
    there = f"it has {', '.join(columns)}" if columns else "it is empty"
    remedy = f"{there}; its first line must be path,label and any further columns"
    return InputError(
        f'{origin} has no column "{wanted}"', f'rename its column "{alike[0]}"' if alike else remedy
    )


def _require_filled(origin: str, column: str, values: list[str]) -> None:
    if "" in values:
        raise InputError(
            f"{origin} row {values.index('') + 1} has no {column}", "fill the cell, or remove the row"
        )
