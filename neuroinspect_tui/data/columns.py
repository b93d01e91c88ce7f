"""Read the columns of a table: CSV in any common dialect, JSON lines; every cell as text."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from pathlib import Path

from ..errors import InputError
from .tree import is_image

TEXT_TABLES = (".csv", ".tsv", ".txt", ".jsonl", ".ndjson", ".json")
_CHUNK = 8_192
_SEPARATORS = ",;\t|"
_FALLBACK = "cp1252"

Columns = dict[str, list[str]]


def read_columns(file: Path) -> tuple[Columns, tuple[str, ...]]:
    """Return the columns of a text table and remarks on how it was read; raises InputError.

    The separator is the one that divides the first line most; UTF-8 or marked UTF-16, else Windows-1252.
    """
    notes: tuple[str, ...] = ()
    try:
        encoding = _encoding(file)
        if encoding == _FALLBACK:
            notes = (f"{file.name} is not UTF-8: read as Windows-1252",)
        with file.open(encoding=encoding, newline="") as stream:
            if file.suffix.lower() in (".jsonl", ".ndjson", ".json"):
                return _of_json(stream.read(), file), notes
            first = stream.readline()
            stream.seek(0)
            separator, quote = _dialect(first)
            if names := _headerless(first, separator):
                rows = map(str.split, stream) if separator == " " else csv.reader(stream, delimiter=separator)
                return _transpose(chain([names], rows), file), (
                    *notes,
                    f"{file.name} has no header line: {' and '.join(names)}",
                )
            return _transpose(csv.reader(stream, delimiter=separator, quotechar=quote), file), notes
    except FileNotFoundError:
        raise InputError(f"{file}: no such file", "check -d") from None
    except UnicodeDecodeError:
        raise InputError(f"{file} is not text", "save it as CSV in UTF-8") from None
    except (OSError, csv.Error, ValueError) as error:
        raise InputError(
            f"{file} cannot be read ({error})", "give a CSV file or JSON lines in UTF-8"
        ) from None


def text_of(file: Path) -> str:
    """Return a text file's text, its encoding found as for a table's."""
    return file.read_text(encoding=_encoding(file))


def _encoding(file: Path) -> str:
    with file.open("rb") as stream:
        start = stream.read(2)
        if start in (b"\xff\xfe", b"\xfe\xff"):
            return "utf-16"
        stream.seek(0)
        if any(b"\0" in block for block in iter(lambda: stream.read(1 << 20), b"")):
            raise InputError(f"{file} is not text", "save it as CSV in UTF-8")
    try:
        with file.open(encoding="utf-8-sig") as text:
            for _ in iter(lambda: text.read(1 << 20), ""):
                pass
    except UnicodeDecodeError:
        return _FALLBACK
    return "utf-8-sig"


def _dialect(first: str) -> tuple[str, str]:
    """Return the separator and the quote of a table from its first line."""
    quote = "'" if first.startswith("'") else '"'
    widths = {
        sign: len(next(csv.reader([first], delimiter=sign, quotechar=quote), [])) for sign in _SEPARATORS
    }
    best = max(widths, key=lambda sign: widths[sign])
    return (best if widths[best] > 1 or not is_image(first.partition(" ")[0]) else " "), quote


def _headerless(first: str, separator: str) -> list[str]:
    """Return the names of the two columns of a list of images and labels without a header; [] otherwise."""
    cells = first.split() if separator == " " else next(csv.reader([first], delimiter=separator), [])
    return ["path", "label"] if len(cells) == 2 and is_image(cells[0].strip()) else []


def _transpose(rows: Iterator[list[str]], file: Path) -> Columns:
    header = [name.strip() for name in next(rows, [])]
    while header and not header[-1]:
        header.pop()
    twice = next((name for name in header if header.count(name) > 1), None)
    if twice is not None:
        raise InputError(f'{file} has two columns "{twice}"', "give each column its own name")
    columns: list[list[str]] = [[] for _ in header]
    shared: dict[str, str] = {}
    filled = (_trimmed(row, len(header)) for row in rows if row)
    while chunk := list(islice(filled, _CHUNK)):
        if set(map(len, chunk)) != {len(header)}:
            _refuse_ragged(chunk, len(columns[0]) if columns else 0, len(header), file)
        for column, values in zip(columns, zip(*chunk, strict=True), strict=True):
            column.extend(_shared(values, shared))
    return dict(zip(header, columns, strict=True))


def _trimmed(row: list[str], width: int) -> list[str]:
    """Return a row without empty cells beyond the header, which spreadsheets leave."""
    return row[:width] if len(row) > width and not any(row[width:]) else row


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


def _of_json(text: str, file: Path) -> Columns:
    """Return the columns of JSON lines, or of one list of objects; what a row lacks is empty."""
    stripped = text.lstrip()
    rows = (
        json.loads(stripped)
        if stripped.startswith("[")
        else [json.loads(line) for line in text.splitlines() if line.strip()]
    )
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise InputError(f"{file} is not a table", "write one JSON object for each image")
    names = dict.fromkeys(str(name) for row in rows for name in row)
    return {name: [as_text(row.get(name)) for row in rows] for name in names}


def as_text(value: object) -> str:
    """Return a cell as text: nothing for a missing value."""
    if value is None or value != value:  # nan is not itself
        return ""
    return (
        value
        if isinstance(value, str)
        else json.dumps(value)
        if isinstance(value, dict | list)
        else str(value)
    )
