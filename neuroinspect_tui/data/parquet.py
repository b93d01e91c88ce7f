"""Tables in parquet files: images as bytes in a column, as Hugging Face stores them, or as paths."""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from PIL import Image

from ..errors import InputError
from .columns import Columns, as_text
from .images import UnreadableImage, decode_patiently
from .manifest import table_of_columns
from .splits import plain_split
from .table import Table

_BLOCK, _HELD = 64, 16
_BYTES = "bytes"


@dataclass(frozen=True)
class ParquetImages:
    """Images as bytes in the column of parquet files: path → (file, row of the file)."""

    blobs: Blobs = field(repr=False)
    places: Mapping[str, tuple[int, int]] = field(repr=False)
    paths: Sequence[str] = field(default=(), repr=False)

    def of(self, paths: Sequence[str]) -> ParquetImages:
        """Return the same for other paths."""
        return ParquetImages(self.blobs, self.places, paths)

    def open(self, row: int, mode: str = "RGB") -> Image.Image:
        """Return image `row` as RGB, L or RGBA; raises UnreadableImage."""
        file, at = self.places[self.paths[row]]
        data = self.blobs.read(file, at)
        if data is None:
            raise UnreadableImage("empty cell")
        return decode_patiently(lambda: data, mode)


class Blobs:
    """The bytes in a column of parquet files, read block by block; `_HELD` blocks stay in memory."""

    def __init__(self, files: Sequence[Path], column: str) -> None:
        self._files, self._column = files, column
        self._lock = threading.Lock()
        self._held: OrderedDict[tuple[int, int], list[bytes | None]] = OrderedDict()
        self._reading: tuple[int, int, Iterator[list[bytes | None]]] | None = None

    def read(self, file: int, row: int) -> bytes | None:
        """Return one cell."""
        block, place = divmod(row, _BLOCK)
        with self._lock:
            if (file, block) not in self._held:
                self._advance(file, block)
            self._held.move_to_end((file, block))
            return self._held[file, block][place]

    def _advance(self, file: int, block: int) -> None:
        """Read on up to a block, from the beginning of the file where the last reading is beyond it."""
        if self._reading is None or self._reading[0] != file or self._reading[1] > block:
            self._reading = (file, 0, self._blocks(self._files[file]))
        _, at, blocks = self._reading
        for cells in blocks:
            self._held[file, at] = cells
            at += 1
            while len(self._held) > _HELD:
                self._held.popitem(last=False)
            if at > block:
                break
        self._reading = (file, at, blocks)

    def _blocks(self, file: Path) -> Iterator[list[bytes | None]]:
        """Yield the cells of the whole column in order, `_BLOCK` at a time."""
        left: list[bytes | None] = []
        with _parquet().ParquetFile(file, pre_buffer=False) as table:
            for batch in table.iter_batches(_BLOCK, columns=[self._column]):
                cells = batch.column(0)
                values = (cells.field(_BYTES) if hasattr(cells, "field") else cells).to_pylist()
                left += values
                while len(left) >= _BLOCK:
                    yield left[:_BLOCK]
                    left = left[_BLOCK:]
        if left:
            yield left


def read_parquet(files: Sequence[Path], name: str, origin: str, root: Path) -> Table:
    """Return the rows of parquet files of one form; those named as splits are. Raises InputError."""
    whole: Columns = {}
    sizes: list[int] = []
    bytes_column, names = None, None
    for file in files:
        try:
            schema = _parquet().read_schema(file)
            bytes_column = next((entry.name for entry in schema if _is_image(entry.type)), None)
            columns = _columns(file, schema, bytes_column)
        except (OSError, ValueError) as error:
            raise InputError(f"{file} cannot be read ({error})", "give a parquet file") from None
        names = names or _class_names(schema)
        sizes.append(len(next(iter(columns.values()), [])))
        before = sum(sizes) - sizes[-1]
        for column in columns.keys() - whole.keys():
            whole[column] = [""] * before
        for column, values in whole.items():
            values += columns.get(column, [""] * sizes[-1])
    splits = [plain_split(file.stem.split("-")[0]) for file in files]
    if all(splits) and "split" not in whole:
        whole["split"] = [split or "" for split, size in zip(splits, sizes, strict=True) for _ in range(size)]
    whole = _with_class_names(whole, names or {})
    if bytes_column is None:
        table = table_of_columns(whole, name, origin, root)
    else:
        places = _places(files, sizes, whole.pop(bytes_column, None))
        table = table_of_columns({**whole, "path": list(places)}, name, origin, root)
        table = replace(table, files=ParquetImages(Blobs(files, bytes_column), places))
    return in_order_of(table, (names or {}).values())


def in_order_of(table: Table, lists: Iterable[Sequence[str]]) -> Table:
    """Return the table with the classes in the order of the one list that names all its labels."""
    labels = set(table.labels) - {""}
    known = next((names for names in lists if labels <= set(names) and len(set(names)) == len(names)), None)
    return table if known is None else replace(table, classes=tuple(known), ordered=True, named=False)


def _parquet() -> Any:
    try:
        import pyarrow.parquet
    except ImportError:
        raise InputError("parquet files need a library", 'pip install "neuroinspect-tui[formats]"') from None
    return pyarrow.parquet


def _is_image(kind: Any) -> bool:
    """Whether a column holds the bytes of images: a struct with `bytes`, or bytes themselves."""
    text = str(kind)
    return text in ("binary", "large_binary") or (text.startswith("struct<") and f"{_BYTES}: " in text)


def _columns(file: Path, schema: Any, bytes_column: str | None) -> Columns:
    """Return all columns as text; of the images their paths, where all have one."""
    wanted = [entry.name for entry in schema if entry.name != bytes_column]
    has_path = bytes_column is not None and "path: " in str(schema.field(bytes_column).type)
    with _parquet().ParquetFile(file) as stored:
        read = stored.read(columns=wanted + ([f"{bytes_column}.path"] if has_path else []))
    found = {name: list(map(as_text, read.column(name).to_pylist())) for name in wanted}
    if bytes_column is not None and has_path:
        paths = [as_text((cell or {}).get("path")) for cell in read.column(bytes_column).to_pylist()]
        found[bytes_column] = paths
    elif not wanted:
        raise ValueError("it has no column of labels")
    return found


def _places(
    files: Sequence[Path], sizes: Sequence[int], paths: Sequence[str] | None
) -> dict[str, tuple[int, int]]:
    """Return where each image lies, by its own path, or by file and row where paths are not unique."""
    places = [(file, row) for file, size in enumerate(sizes) for row in range(size)]
    own = paths is not None and all(paths) and len(set(paths)) == len(paths)
    names = paths if own and paths else [f"{files[file].stem}/{row:06d}" for file, row in places]
    return dict(zip(names, places, strict=True))


def _class_names(schema: Any) -> dict[str, list[str]]:
    """Return the names of the classes of each column that Hugging Face's features call a ClassLabel."""
    try:
        features = json.loads(schema.metadata[b"huggingface"])["info"]["features"]
        return {name: entry["names"] for name, entry in features.items() if "names" in entry}
    except (KeyError, TypeError, ValueError):
        return {}


def _with_class_names(columns: Columns, names: Mapping[str, list[str]]) -> Columns:
    """Return the columns with the names of their classes in place of the numbers; -1 stays."""
    named = dict(columns)
    for column, known in names.items():
        numbers = columns.get(column, [])
        if all(cell in ("", "-1") or (cell.isdigit() and int(cell) < len(known)) for cell in numbers):
            named[column] = [known[int(cell)] if cell.isdigit() else "" for cell in numbers]
    return named
