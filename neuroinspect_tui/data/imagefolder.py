"""Read Hugging Face's imagefolder: a table of `file_name` and label in each split folder."""

from __future__ import annotations

from pathlib import Path

from ..errors import InputError
from .columns import Columns, read_columns
from .manifest import PATH_COLUMNS, table_of_columns
from .splits import plain_split
from .table import Table

_TABLES = ("metadata.csv", "metadata.jsonl", "_classes.csv")


def read_imagefolder(folder: Path) -> Table | None:
    """Return the images of the split folders of `folder` that hold a table; None where there are none.

    Paths begin with the split folder, columns that a split lacks are empty there. Roboflow's `_classes.csv`
    are tables as well. Raises InputError.
    """
    whole: Columns = {}
    splits: list[str] = []
    notes: tuple[str, ...] = ()
    for child in sorted(path for path in folder.iterdir() if plain_split(path.name) and path.is_dir()):
        file = next((child / name for name in _TABLES if (child / name).is_file()), None)
        if file is None:
            continue
        columns, own = read_columns(file)
        paths = next((name for name in columns if name.casefold() in PATH_COLUMNS), None)
        if paths is None:
            raise InputError(f'{file} has no column "file_name"', "name the column of its images so")
        columns[paths] = [f"{child.name}/{path}" for path in columns[paths]]
        rows, notes = len(columns[paths]), notes + own
        _append(whole, columns, len(splits), rows)
        splits += [child.name] * rows
    if not splits:
        return None
    return table_of_columns(whole | {"split": splits}, folder.resolve().name, str(folder), folder, notes)


def _append(whole: Columns, columns: Columns, before: int, rows: int) -> None:
    for name in columns.keys() - whole.keys():
        whole[name] = [""] * before
    for name, values in whole.items():
        values += columns.get(name, [""] * rows)
