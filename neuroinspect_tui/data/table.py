"""What every reader of a data set returns: one row for each image, column by column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from .files import Files
from .label_view import LabelView


@dataclass(frozen=True)
class Table:
    """N images of the data set `name`; `origin` is the file or folder that errors speak of.

    `paths` [N] are relative to `root`; `labels` and `splits` [N] as written (None: not divided);
    `class_names` [N] what each row calls its class; `columns` of [N] all further ones. `classes` are labels
    known to exist without an image. `named`: labels are names even where they look like numbers.
    `ordered`: `classes` are all classes in index order.
    `absent` are splits that are there but cannot be used, each with why and what helps.
    `files` open the paths where they are no files below `root`. `found`: a table beside the folder given.
    `marks`: where an image may have several labels, for each of them whether the [N] images have it; `view`
    the one of them that `labels` are of.
    """

    name: str
    origin: str
    root: Path
    paths: list[str]
    labels: list[str]
    splits: list[str] | None = None
    class_names: list[str] | None = None
    classes: tuple[str, ...] = ()
    named: bool = False
    ordered: bool = False
    columns: dict[str, list[str]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    absent: dict[str, tuple[str, str]] = field(default_factory=dict)
    files: Files | None = None
    found: bool = False
    marks: Mapping[str, list[str]] = field(default_factory=dict)
    view: LabelView | None = None

    def taken(self, rows: Sequence[int]) -> Table:
        """Return some of the images."""

        def take(values: list[str] | None) -> list[str] | None:
            return None if values is None else [values[row] for row in rows]

        return replace(
            self,
            paths=take(self.paths) or [],
            labels=take(self.labels) or [],
            splits=take(self.splits),
            class_names=take(self.class_names),
            columns={name: take(values) or [] for name, values in self.columns.items()},
            marks={name: take(values) or [] for name, values in self.marks.items()},
        )
