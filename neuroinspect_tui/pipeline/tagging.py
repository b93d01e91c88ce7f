"""Named cues and the tags given by hand: kept in the session, read from and written to csv."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import get_args

from ..config import nearest
from ..data.splits import ImageDataset
from ..errors import InputError
from ..results import Cue, CueOrigin, ProbeQuality, Sample, Tag, states
from ..results.stored_cues import StoredCue, from_first_version
from ..session.store import Session
from ..tensors import SplitFeatures
from ..text import csv_cell, safe

FILE = "tags.csv"
TAGS: tuple[str, ...] = get_args(Tag)
LONGEST_NAME = 80


class CueStore:
    """The cues of one session by name, each with its own tags; changes are kept at once."""

    def __init__(self, session: Session) -> None:
        self._session = session
        stored = session.load(states.CUES, tuple[StoredCue, ...])
        if stored is None:
            stored = from_first_version(session.load(states.TAGS, dict[str, dict[str, str]]) or {})
        self._cues = {cue.name: cue for cue in stored}

    def __iter__(self) -> Iterator[StoredCue]:
        return iter(self._cues.values())

    def all(self) -> tuple[Cue, ...]:
        """Return every cue, in the order in which they were made."""
        return tuple(cue.shown() for cue in self)

    def named(self, name: str) -> StoredCue:
        """Return a cue. Raises InputError where there is none of that name."""
        if name not in self._cues:
            known = ", ".join(safe(cue, 40) for cue in self._cues) or "none yet"
            raise InputError(f'there is no cue "{safe(name, 80)}"', f"the cues are: {known}")
        return self._cues[name]

    def used(self, names: Sequence[str]) -> tuple[StoredCue, ...]:
        """Return the cues that a repair uses: those named, or all that divide and are not left out."""
        if names:
            return tuple(self.named(name) for name in names)
        return tuple(cue for cue in self if cue.divides and not cue.left_out)

    def add(self, name: str, origin: CueOrigin = "hand", source: str = "") -> StoredCue:
        """Return the cue of that name, made if there is none. Raises InputError for an unusable name."""
        name = _checked(name)
        if name not in self._cues:
            self._keep(StoredCue(name, origin, source))
        return self._cues[name]

    def rename(self, name: str, new: str) -> None:
        """Give a cue another name. Raises InputError where that is another cue's."""
        cue, new = self.named(name), _checked(new)
        if new != name and new in self._cues:
            raise InputError(
                f'there is a cue "{safe(new, 80)}" already', "merge the two, or choose another name"
            )
        self._cues = {one.name: one for one in (replace(c, name=new) if c is cue else c for c in self)}
        self._write()

    def merge(self, name: str, into: str) -> None:
        """Add the tags of one cue to another, whose own tags win, and remove the first."""
        source, target = self.named(name), self.named(into)
        if source is target:
            return
        tags = {
            split: {**source.tags.get(split, {}), **target.tags.get(split, {})}
            for split in {**source.tags, **target.tags}
        }
        del self._cues[name]
        self._keep(replace(target, tags=tags, probe=None))

    def clear(self, name: str, forget: bool = False) -> None:
        """Remove all tags of a cue, and with `forget` the cue itself."""
        cue = self.named(name)
        if forget:
            del self._cues[name]
            self._write()
        else:
            self._keep(replace(cue, tags={}, probe=None))

    def leave_out(self, name: str, left_out: bool) -> None:
        """Let repairs use a cue, or not."""
        self._keep(replace(self.named(name), left_out=left_out))

    def learn(self, name: str, probe: ProbeQuality | None) -> Cue:
        """Keep how well a cue's tags carry over."""
        return self._keep(replace(self.named(name), probe=probe)).shown()

    def set(self, name: str, split: str, path: str, tag: str) -> None:
        """Tag an image, or take its tag of this cue away with ""; the cue is made if there is none."""
        if tag and tag not in TAGS:
            raise InputError(f'"{safe(tag, 40)}" is not a tag', f"tags are {', '.join(TAGS)}")
        cue = self.add(name)
        tags = {part: dict(tagged) for part, tagged in cue.tags.items()}
        tags.setdefault(split, {}).pop(path, None)
        if tag:
            tags[split][path] = tag
        self._keep(replace(cue, tags=tags))

    def _keep(self, cue: StoredCue) -> StoredCue:
        self._cues[cue.name] = cue
        self._write()
        return cue

    def _write(self) -> None:
        self._session.save(states.CUES, tuple(self))
        self._session.write_bytes(FILE, self.as_csv().encode("utf-8", "surrogateescape"))

    def as_csv(self, names: Sequence[str] | None = None) -> str:
        """Return `path,cue,tag` lines, sorted: of all cues, or of those named."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(("path", "cue", "tag"))
        rows = sorted(
            (path, cue.name, tag)
            for cue in self
            if names is None or cue.name in names
            for tags in cue.tags.values()
            for path, tag in tags.items()
        )
        writer.writerows(tuple(map(csv_cell, row)) for row in rows)
        return text.getvalue()

    def read(self, file: Path, dataset: ImageDataset) -> int:
        """Take over the tags of a csv file with the columns path, cue and tag; return how many.

        A file of path and tag alone, as version 0.1 wrote it, is one cue. Raises InputError for a file that
        cannot be read, a missing column, a tag that is none, or a path that the data lacks.
        """
        split_of = {path: name for name, split in dataset.splits.items() for path in split.paths}
        written = {csv_cell(path): path for path in split_of}
        found: dict[str, dict[str, dict[str, str]]] = {}
        count = 0
        for path, cue, tag in _read_csv(file):
            path = path if path in split_of else written.get(path, path)
            if path not in split_of:
                raise InputError(
                    f'--tags {file}: "{safe(path, 80)}" is not an image of the data',
                    nearest(path, list(split_of)[:20000]) or "write paths as in the manifest",
                )
            if tag:
                found.setdefault(cue, {}).setdefault(split_of[path], {})[path] = tag
                count += 1
        unnamed = found.pop("", {})
        cues = [StoredCue(_checked(name), tags=_known(file, tags)) for name, tags in found.items()]
        for read in (*cues, *from_first_version(unnamed)):
            old = self._cues.get(read.name, StoredCue(read.name))
            parts = {**old.tags, **read.tags}
            tags = {split: {**old.tags.get(split, {}), **read.tags.get(split, {})} for split in parts}
            self._cues[read.name] = replace(old, tags=tags, probe=None)
        self._write()
        return count

    def label(self, samples: Iterable[Sample]) -> Iterator[Sample]:
        """Yield the samples with their tags: `has`, or of several cues `water has, sticker not`."""
        several = len(self._cues) > 1
        for sample in samples:
            tags = ((cue.name, cue.tags.get(sample.split, {}).get(sample.path, "")) for cue in self)
            words = [f"{name} {tag}" if several else tag for name, tag in tags if tag]
            yield replace(sample, tag=", ".join(words)) if words else sample

    def by_row(
        self, splits: Mapping[str, SplitFeatures], cues: Iterable[StoredCue]
    ) -> dict[str, dict[str, dict[int, str]]]:
        """Return the tags of the cues by name, split and row of its features."""
        return {
            cue.name: {name: _rows(data, cue.tags.get(name, {})) for name, data in splits.items()}
            for cue in cues
        }


def _rows(data: SplitFeatures, tags: Mapping[str, str]) -> dict[int, str]:
    return {row: tags[path] for row, path in enumerate(data.paths) if path in tags} if tags else {}


def _checked(name: str) -> str:
    """Return a cue's name without blanks around it. Raises InputError for an empty or very long one."""
    name = name.strip()
    if not name or len(name) > LONGEST_NAME:
        raise InputError(f'"{safe(name, 40)}" cannot name a cue', f"use 1 to {LONGEST_NAME} characters")
    return name


def _known(file: Path, tags: dict[str, dict[str, str]]) -> dict[str, dict[str, str]]:
    """Return the tags; raises InputError for one that is none."""
    for tagged in tags.values():
        wrong = next((tag for tag in tagged.values() if tag not in TAGS), None)
        if wrong is not None:
            raise InputError(
                f'--tags {file}: "{safe(wrong, 40)}" is not a tag', f"tags are {', '.join(TAGS)}"
            )
    return tags


def _unquoted(cell: str) -> str:
    """Return what `csv_cell` guarded against being taken for a formula."""
    return cell[1:] if cell.startswith("'") and csv_cell(cell[1:]) == cell else cell


def _read_csv(file: Path) -> Iterator[tuple[str, str, str]]:
    """Yield path, cue ("" without such a column) and tag."""
    try:
        with file.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as lines:
            reader = csv.DictReader(lines)
            missing = [name for name in ("path", "tag") if name not in (reader.fieldnames or ())]
            if missing:
                raise InputError(
                    f"--tags {file} has no column {missing[0]}", "its first line must be path,cue,tag"
                )
            named = "cue" in (reader.fieldnames or ())
            for row in reader:
                cue, tag = (safe(_unquoted((row.get(name) or "").strip())) for name in ("cue", "tag"))
                if named and tag and not cue:
                    raise InputError(
                        f'--tags {file}: "{safe(row["path"] or "", 80)}" has a tag, but no cue',
                        "name the cue",
                    )
                yield row["path"] or "", cue, tag
    except OSError as error:
        raise InputError(f"--tags {file}: {error.strerror}", "give a csv file with path,cue,tag") from None
    except csv.Error as error:
        raise InputError(f"--tags {file} is not a csv file ({error})", "write path,cue,tag lines") from None
