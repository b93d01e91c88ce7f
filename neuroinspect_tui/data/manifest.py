"""Read `manifest.csv`, and the `metadata.csv` of Waterbirds as published, column by column."""

from __future__ import annotations

import csv
import difflib
import re
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

from ..errors import InputError
from .table import Table

NAMES = ("manifest.csv", "metadata.csv")
_PATH_COLUMNS = ("path", "img_filename", "filename")
_LABEL_COLUMNS = ("label", "y")
_CHUNK = 8_192


def read_manifest(file: Path, root: Path | None = None) -> Table:
    """Return the manifest's rows; paths are relative to `root`, by default the manifest's own folder.

    Needs a path column (`path`; `img_filename` or `filename` in Waterbirds and its kin) and a label column
    (`label`, `y`); `class_name` and `split` may be there, all others become `columns`. Reads 1.3 million rows
    in seconds and holds each distinct short text once. Raises InputError.
    """
    columns = _read_columns(file)
    path_column = _find(columns, _PATH_COLUMNS, file)
    label_column = _find(columns, _LABEL_COLUMNS, file)
    paths = columns.pop(path_column)
    written = columns.pop(label_column)
    labels = list(map({label: label.strip() for label in set(written)}.__getitem__, written))
    if not paths:
        raise InputError(f"{file} lists no images", "add a row for each image")
    _require_filled(file, path_column, paths)
    _require_filled(file, label_column, labels)
    class_names = columns.pop("class_name", None)
    if class_names is None and path_column == "img_filename" and "place" in columns:
        class_names = _waterbirds_names(labels)
    return Table(
        name=file.resolve().parent.name if file.name in NAMES else file.stem,
        origin=str(file),
        root=root if root is not None else file.parent,
        paths=paths,
        labels=labels,
        splits=columns.pop("split", None),
        class_names=class_names,
        columns=columns,
    )


def _waterbirds_names(labels: list[str]) -> list[str] | None:
    names = {"0": "landbird", "1": "waterbird"}
    return [names[label] for label in labels] if set(labels) <= names.keys() else None


def _read_columns(file: Path) -> dict[str, list[str]]:
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            return _transpose(csv.reader(stream), file)
    except FileNotFoundError:
        raise InputError(f"{file}: no such file", "check -d") from None
    except UnicodeDecodeError:
        raise InputError(f"{file} is not UTF-8 text", "save it as CSV in UTF-8") from None
    except (OSError, csv.Error) as error:
        raise InputError(f"{file} cannot be read ({error})", "give a CSV file with commas in UTF-8") from None


def _transpose(rows: Iterator[list[str]], file: Path) -> dict[str, list[str]]:
    header = [name.strip() for name in next(rows, [])]
    twice = next((name for name in header if header.count(name) > 1), None)
    if twice is not None:
        raise InputError(f'{file} has two columns "{twice}"', "give each column its own name")
    columns: list[list[str]] = [[] for _ in header]
    shared: dict[str, str] = {}
    filled = filter(None, rows)
    while chunk := list(islice(filled, _CHUNK)):
        if set(map(len, chunk)) != {len(header)}:
            _refuse_ragged(chunk, len(columns[0]) if columns else 0, len(header), file)
        for column, values in zip(columns, zip(*chunk, strict=True), strict=True):
            column.extend(_shared(values, shared))
    return dict(zip(header, columns, strict=True))


def _shared(values: tuple[str, ...], shared: dict[str, str]) -> Iterable[str]:
    """Return the values; a column of few distinct ones holds each text once."""
    distinct = set(values)
    if len(distinct) * 4 > len(values):
        return values
    return map({value: shared.setdefault(value, value) for value in distinct}.__getitem__, values)


def _refuse_ragged(chunk: list[list[str]], before: int, width: int, file: Path) -> None:
    row, cells = next((row, len(cells)) for row, cells in enumerate(chunk, before + 1) if len(cells) != width)
    raise InputError(
        f"{file} row {row} has {cells} cells, its header {width}", "quote cells that hold a comma"
    )


def _find(columns: dict[str, list[str]], names: tuple[str, ...], file: Path) -> str:
    found = next((name for name in names if name in columns), None)
    if found is None:
        raise InputError(f'{file} has no column "{names[0]}"', _remedy(names[0], list(columns)))
    return found


def _remedy(wanted: str, columns: list[str]) -> str:
    """Say what to do about a first line that names `columns` and not `wanted`."""
    if len(columns) == 1 and re.search(r"[;\t|]", columns[0]):
        return "separate its columns with commas"
    alike = difflib.get_close_matches(wanted, columns, 1)
    if alike:
        return f'rename its column "{alike[0]}"'
    there = f"it has {', '.join(columns)}" if columns else "it is empty"
    return f"{there}; its first line must be path,label and any further columns"


def _require_filled(file: Path, column: str, values: list[str]) -> None:
    if "" in values:
        raise InputError(
            f"{file} row {values.index('') + 1} has no {column}", "fill the cell, or remove the row"
        )
