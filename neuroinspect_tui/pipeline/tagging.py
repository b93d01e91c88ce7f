"""Tags given by hand: kept in the session, read from and written to csv, made into a group column."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from ..config import nearest
from ..data.splits import ImageDataset
from ..errors import InputError
from ..results import Sample, states
from ..session.store import Session
from ..stages.tags import MISLABELLED
from ..tensors import SplitFeatures
from ..text import csv_cell, safe

FILE = "tags.csv"


class TagStore:
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

    @property
    def divide(self) -> bool:
        """Whether there are images of two tags, which make groups."""
        return len({tag for tags in self._tags.values() for tag in tags.values()} - {MISLABELLED}) > 1

    def counted(self) -> str:
        """Return how many images have which tag: `4 cue, 10 no cue`."""
        counts = Counter(tag for tags in self._tags.values() for tag in tags.values())
        return ", ".join(f"{counts[tag]} {tag}" for tag in sorted(counts))

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
        written = {csv_cell(path): path for path in split_of}
        count = 0
        for path, tag in _read_csv(file):
            path = path if path in split_of else written.get(path, path)
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

    def by_row(self, splits: Mapping[str, SplitFeatures]) -> dict[str, dict[int, str]]:
        """Return the tags of the given splits by row of their features."""
        found: dict[str, dict[int, str]] = {}
        for name, data in splits.items():
            tags = self._tags.get(name, {})
            rows = ((row, tags.get(path)) for row, path in enumerate(data.paths)) if tags else ()
            found[name] = {row: tag for row, tag in rows if tag}
        return found


def _unquoted(cell: str) -> str:
    """Return what `csv_cell` guarded against being taken for a formula."""
    return cell[1:] if cell.startswith("'") and csv_cell(cell[1:]) == cell else cell


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
                yield row["path"] or "", safe(_unquoted((row["tag"] or "").strip()))
    except OSError as error:
        raise InputError(f"--tags {file}: {error.strerror}", "give a csv file with path,tag") from None
    except csv.Error as error:
        raise InputError(f"--tags {file} is not a csv file ({error})", "write path,tag lines") from None
