"""Values as tables: a pandas frame where pandas is installed, else a list of dicts."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING

from ..results import ClassResult, Evaluation

if TYPE_CHECKING:
    import pandas

Row = dict[str, object]
Table = "pandas.DataFrame | list[Row]"


def class_rows(evaluation: Evaluation) -> list[Row]:
    """Return a row for each class; `interval` is split into `low` and `high`, `confusions` left out."""
    return [_class_row(found) for found in evaluation.classes]


def _class_row(found: ClassResult) -> Row:
    row: Row = {
        name: value for name, value in asdict(found).items() if name not in ("interval", "confusions")
    }
    row["low"], row["high"] = found.interval or (None, None)
    return row


def frame(rows: Iterable[Row]) -> pandas.DataFrame | list[Row]:
    """Return `rows` as a pandas frame, or as they are where pandas is not installed."""
    found = list(rows)
    if importlib.util.find_spec("pandas") is None:
        return found
    import pandas

    return pandas.DataFrame(found)
