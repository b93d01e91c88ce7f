"""Tags given by hand: kept in the session, read from and written to csv, made into a group column."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from ..config import nearest
from ..data.splits import ImageDataset
from ..errors import InputError
from ..results import Sample
from ..session import states
from ..session.store import Session
from ..tensors import GroupColumn, SplitFeatures
from ..text import csv_cell, safe

COLUMN = "tag"
MISLABELLED = "mislabelled"
FILE = "tags.csv"


class TagBook:
    """The tags of one session by split and path; `mislabelled` takes an image out of every repair."""

    def __init__(self, session: Session) -> None:
        self._session = session
        stored = session.load(states.TAGS, dict[str, dict[str, str]]) or {}
        self._tags: dict[str, dict[str, str]] = {split: dict(tags) for split, tags in stored.items()}

    def __bool__(self) -> bool:
        return any(tag != MISLABELLED for tags in self._tags.values() for tag in tags.values())

    def get(self, split: str, path: str) -> str:
        """Return the tag of an image, "" when it has none."""
        return self._tags.get(split, {}).get(path, "")

    def set(self, split: str, path: str, tag: str) -> None:
        """Tag an image, or take its tag away with ""; kept at once."""
        tags = self._tags.setdefault(split, {})
        if tag:
            tags[path] = tag
        else:
            tags.pop(path, None)
        self._keep()

    def _keep(self) -> None:
        self._session.save(states.TAGS, self._tags)
        self._session.write_bytes(FILE, self.as_csv().encode("utf-8", "surrogateescape"))

    def as_csv(self) -> str:
        """Return `path,tag` lines, sorted."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(("path", "tag"))
        rows = sorted((path, tag) for tags in self._tags.values() for path, tag in tags.items())
        writer.writerows((csv_cell(path), csv_cell(tag)) for path, tag in rows)
        return text.getvalue()

    def read(self, file: Path, dataset: ImageDataset) -> int:
        """Take over the tags of a csv file with the columns path and tag; return how many.

        Raises InputError for a file that cannot be read, a missing column or a path that the data lacks.
        """
        split_of = {path: name for name, split in dataset.splits.items() for path in split.paths}
        count = 0
        for path, tag in _read_csv(file):
            if path not in split_of:
                raise InputError(
                    f'--tags {file}: "{safe(path, 80)}" is not an image of the data',
                    nearest(path, list(split_of)[:20000]) or "write paths as in the manifest",
                )
            if tag:
                self._tags.setdefault(split_of[path], {})[path] = tag
                count += 1
        self._keep()
        return count

    def label(self, samples: Iterable[Sample]) -> Iterator[Sample]:
        """Yield the samples with their tags."""
        for sample in samples:
            tag = self.get(sample.split, sample.path)
            yield replace(sample, tag=tag) if tag else sample

    def mislabelled(self, data: SplitFeatures) -> Tensor:
        """Return the rows [K] of the split that are marked as mislabelled."""
        marked = {path for path, tag in self._tags.get(data.split, {}).items() if tag == MISLABELLED}
        return torch.tensor([row for row, path in enumerate(data.paths) if path in marked], dtype=torch.int64)

    def column(self, data: SplitFeatures) -> GroupColumn:
        """Return the tags as a group column of the split, -1 where an image has none."""
        values = self.values
        code_of = {tag: code for code, tag in enumerate(values)}
        tags = self._tags.get(data.split, {})
        codes = torch.tensor([code_of.get(tags.get(path, ""), -1) for path in data.paths], dtype=torch.int64)
        return GroupColumn(COLUMN, values, codes)

    @property
    def values(self) -> tuple[str, ...]:
        """The distinct tags but `mislabelled`, sorted."""
        return tuple(sorted({tag for tags in self._tags.values() for tag in tags.values()} - {MISLABELLED}))


def _read_csv(file: Path) -> Iterator[tuple[str, str]]:
    try:
        with file.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as lines:
            reader = csv.DictReader(lines)
            missing = [name for name in ("path", "tag") if name not in (reader.fieldnames or ())]
            if missing:
                raise InputError(
                    f"--tags {file} has no column {missing[0]}", "its first line must be path,tag"
                )
            for row in reader:
                yield row["path"] or "", (row["tag"] or "").strip()
    except OSError as error:
        raise InputError(f"--tags {file}: {error.strerror}", "give a csv file with path,tag") from None
    except csv.Error as error:
        raise InputError(f"--tags {file} is not a csv file ({error})", "write path,tag lines") from None
