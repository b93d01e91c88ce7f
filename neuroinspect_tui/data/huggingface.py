"""Read `hf:` data sets: folders that `save_to_disk` wrote, parquet, imagefolder; nothing is downloaded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from PIL import Image

from ..errors import InputError
from .columns import Columns, as_text
from .images import UnreadableImage, as_mode, decode_patiently
from .manifest import table_of_columns
from .parquet import in_order_of
from .table import Table

_SAVED = ("dataset_dict.json", "state.json")


@dataclass(frozen=True)
class HubImages:
    """Images in the column of Hugging Face data sets: path → (split, row)."""

    tables: Mapping[str, Any] = field(repr=False)
    column: str
    places: Mapping[str, tuple[str, int]] = field(repr=False)
    paths: Sequence[str] = field(default=(), repr=False)

    def of(self, paths: Sequence[str]) -> HubImages:
        """Return the same for other paths."""
        return replace(self, paths=paths)

    def open(self, row: int, mode: str = "RGB") -> Image.Image:
        """Return image `row` as RGB, L or RGBA; raises UnreadableImage."""
        split, at = self.places[self.paths[row]]
        cell = self.tables[split][at][self.column]
        if isinstance(cell, Image.Image):
            return as_mode(cell, mode)
        if not cell or not (cell.get("bytes") or cell.get("path")):
            raise UnreadableImage("empty cell")
        return decode_patiently(lambda: cell["bytes"] or Path(cell["path"]).read_bytes(), mode)


def is_saved(folder: Path) -> bool:
    """Whether `save_to_disk` wrote the folder."""
    return any((folder / name).is_file() for name in _SAVED)


def read_saved(folder: Path) -> Table:
    """Return the images of a folder that `save_to_disk` wrote; raises InputError."""
    datasets = _library()
    try:
        return _table(datasets, datasets.load_from_disk(str(folder)), folder.resolve().name, str(folder))
    except (OSError, ValueError) as error:
        raise InputError(f"{folder} cannot be read ({error})", "save it again with save_to_disk") from None


def read_named(name: str) -> Table:
    """Return a data set of the Hub that lies in the cache of this machine; raises InputError."""
    datasets = _library()
    before = datasets.config.HF_HUB_OFFLINE
    datasets.config.HF_HUB_OFFLINE = True
    try:
        found = datasets.load_dataset(name)
    except Exception as error:  # a data set's own code can raise anything
        reason = " ".join(f"{error}".split())[:200]
        remedy = f'run first: from datasets import load_dataset; load_dataset("{name}")'
        raise InputError(f"-d hf:{name} is neither a folder nor in the cache ({reason})", remedy) from None
    finally:
        datasets.config.HF_HUB_OFFLINE = before
    return _table(datasets, found, name.rpartition("/")[2], f"hf:{name}")


def _library() -> Any:
    try:
        import datasets
    except ImportError:
        raise InputError("hf: data sets need a library", 'pip install "neuroinspect-tui[hf]"') from None
    datasets.disable_progress_bars()
    return datasets


def _table(datasets: Any, found: Any, name: str, origin: str) -> Table:
    tables = dict(found) if isinstance(found, Mapping) else {str(found.split or ""): found}
    first = next(iter(tables.values()))
    images = [key for key, kind in first.features.items() if isinstance(kind, datasets.Image)]
    if len(images) != 1:
        line = f"{origin} has {len(images)} columns of images"
        raise InputError(line, "give a data set with one")
    (column,) = images
    tables = {
        split: table.cast_column(column, datasets.Image(decode=False)) for split, table in tables.items()
    }
    whole: Columns = {"split": [split for split, table in tables.items() for _ in range(len(table))]}
    for key, kind in first.features.items():
        if key != column:
            cells = [cell for table in tables.values() for cell in table[key]]
            whole[key] = _cells(datasets, kind, cells)
    places = {
        f"{split or name}/{row:06d}": (split, row)
        for split, table in tables.items()
        for row in range(len(table))
    }
    if set(whole["split"]) == {""}:
        del whole["split"]
    table = table_of_columns({**whole, "path": list(places)}, name, origin, Path())
    lists = [kind.names for kind in first.features.values() if isinstance(kind, datasets.ClassLabel)]
    return in_order_of(replace(table, files=HubImages(tables, column, places)), lists)


def _cells(datasets: Any, kind: Any, cells: Sequence[Any]) -> list[str]:
    """Return a column as text, class numbers by their names."""
    if isinstance(kind, datasets.ClassLabel):
        return ["" if cell is None or cell < 0 else kind.int2str(cell) for cell in cells]
    return list(map(as_text, cells))
