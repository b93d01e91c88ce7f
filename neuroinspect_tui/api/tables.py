"""Tables of the API: a pandas frame where pandas is installed, else a list of dicts."""

from __future__ import annotations

import importlib.util
from dataclasses import asdict, fields
from typing import TYPE_CHECKING

from .. import results

if TYPE_CHECKING:
    import pandas

Row = dict[str, object]


class Evaluation(results.Evaluation):
    """How the classifier does on one split, with its tables as frames."""

    @classmethod
    def of(cls, found: results.Evaluation) -> Evaluation:
        """Return `found` with its frames."""
        return cls(**{one.name: getattr(found, one.name) for one in fields(found)})

    def classes_frame(self) -> pandas.DataFrame | list[Row]:
        """Return a row for each class; `low` and `high` are the 95 % Wilson interval of `accuracy`."""
        return frame([_class_row(found) for found in self.classes])

    def groups_frame(self) -> pandas.DataFrame | list[Row]:
        """Return a row for each group and class."""
        return frame([asdict(found) for found in self.groups])

    def labels_frame(self) -> pandas.DataFrame | list[Row]:
        """Return a row for each label, where an image may have several."""
        return frame([asdict(found) for found in self.labels])


def _class_row(found: results.ClassResult) -> Row:
    row: Row = asdict(found)
    row["low"], row["high"] = found.interval or (None, None)
    del row["interval"], row["confusions"]
    return row


def frame(rows: list[Row]) -> pandas.DataFrame | list[Row]:
    """Return `rows` as a pandas frame, or as they are where pandas is not installed."""
    if importlib.util.find_spec("pandas") is None:
        return rows
    import pandas

    return pandas.DataFrame(rows)
