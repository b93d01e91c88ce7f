"""Images in .tar and .zip files, read in place: class folders in an archive, and WebDataset shards."""

from __future__ import annotations

import contextlib
import io
import json
import re
import tarfile
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO

from PIL import Image

from ..errors import InputError
from .columns import Columns, as_text
from .folders import table_of_tree
from .images import decode_patiently
from .layout import Known
from .manifest import LABEL_COLUMNS, table_of_columns
from .splits import plain_split
from .table import Table
from .tree import is_image, tree_of

SUFFIXES = (".tar", ".zip")
_BRACES = re.compile(r"\{([^{}]*)\}")
_RANGE = re.compile(r"([0-9]+)\.\.([0-9]+)")
_LABELS = ("cls", "json", "txt")
_SMALL = 1 << 20
_LOCAL_HEADER = 30
_JSON_LABELS = (*LABEL_COLUMNS, "cls", "class", "category", "target", "class_name", "label_name")


@dataclass(frozen=True)
class Place:
    """Where a member lies: `size` bytes from `offset` of `file`; `deflated` is None in a tar."""

    file: Path
    offset: int
    size: int
    deflated: bool | None = None

    def read(self) -> bytes:
        """Return the member's bytes; the archive is open only meanwhile."""
        with self.file.open("rb") as stream:
            return self.read_from(stream)

    def read_from(self, stream: IO[bytes]) -> bytes:
        """Return the member's bytes from the open archive."""
        stream.seek(self.offset)
        if self.deflated is None:
            return stream.read(self.size)
        header = stream.read(_LOCAL_HEADER)
        name, extra = (int.from_bytes(header[at : at + 2], "little") for at in (26, 28))
        stream.seek(name + extra, io.SEEK_CUR)
        data = stream.read(self.size)
        return zlib.decompress(data, -zlib.MAX_WBITS) if self.deflated else data


@dataclass(frozen=True)
class ArchiveImages:
    """Images that lie at `places` of archives, by their paths."""

    places: Mapping[str, Place] = field(repr=False)
    paths: Sequence[str] = field(default=(), repr=False)

    def of(self, paths: Sequence[str]) -> ArchiveImages:
        """Return the same for other paths."""
        return ArchiveImages(self.places, paths)

    def open(self, row: int, mode: str = "RGB") -> Image.Image:
        """Return image `row` as RGB, L or RGBA; raises UnreadableImage."""
        return decode_patiently(self.places[self.paths[row]].read, mode)


def read_archives(pattern: str, known: Known | None = None, wanted: str = "val") -> Table:
    """Return the images of the archive or the shards that `pattern` names, with or without braces.

    `a-{000..012}.tar` are thirteen files, `{train,val}.tar` two. In shards an image's label is in the member
    of the same name that ends in .cls, .json or .txt; else the folders in the archive are read like those on
    a disk. Raises InputError.
    """
    files = [Path(name).expanduser() for name in expand(pattern)]
    missing = next((file for file in files if not file.is_file()), None)
    if missing is not None:
        raise InputError(f"-d {pattern}: there is no {missing}", "check the numbers in the braces")
    places: dict[str, Place] = {}
    shard_of: list[tuple[str, str]] = []
    for file in files:
        prefix = f"{file.name}/" if len(files) > 1 else ""
        for name, place in _members(file):
            places[prefix + name] = place
            shard_of.append((prefix + name, file.stem))
    root, name = files[0].parent, files[0].stem
    labelled = _labelled(places)
    if labelled is None:
        table = table_of_tree(Path(pattern), tree_of(places), known, wanted)
        return _with(table, name, places)
    table = table_of_columns(labelled, name, pattern, root)
    stems = dict(shard_of)
    splits = [plain_split(stems[path].split("-")[0]) or "" for path in table.paths]
    return _with(table, name, places, splits if all(splits) and table.splits is None else table.splits)


def _with(table: Table, name: str, places: Mapping[str, Place], splits: list[str] | None = None) -> Table:
    return replace(table, name=name, files=ArchiveImages(places), splits=splits or table.splits)


def expand(pattern: str) -> list[str]:
    """Return the names that a pattern with braces stands for, in order."""
    found = _BRACES.search(pattern)
    if found is None:
        return [pattern]
    bounds = _RANGE.fullmatch(found[1])
    if bounds is None:
        parts = found[1].split(",")
    else:
        numbers = range(int(bounds[1]), int(bounds[2]) + 1)
        parts = [str(number).zfill(len(bounds[1])) for number in numbers]
    return [
        name for part in parts for name in expand(pattern[: found.start()] + part + pattern[found.end() :])
    ]


def _members(file: Path) -> Iterator[tuple[str, Place]]:
    """Yield the files in an archive; raises InputError for one that is packed as a whole, or damaged."""
    try:
        if file.suffix.lower() != ".zip":
            yield from _in_tar(file)
            return
        with zipfile.ZipFile(file) as archive:
            for info in archive.infolist():
                if not info.is_dir() and info.compress_type in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                    deflated = info.compress_type == zipfile.ZIP_DEFLATED
                    yield info.filename, Place(file, info.header_offset, info.compress_size, deflated)
    except (tarfile.TarError, zipfile.BadZipFile, ValueError) as error:
        remedy = "give a .tar that is not compressed, or a .zip"
        raise InputError(f"{file} cannot be read ({error})", remedy) from None


def _in_tar(file: Path) -> Iterator[tuple[str, Place]]:
    """Yield the files in a tar: `tarfile` takes ten times as long for the headers of a large one.

    A header that is not of the plain kind (long names, links, sparse files) is left to `tarfile`.
    """
    with file.open("rb") as stream:
        at = 0
        while True:
            stream.seek(at)
            header = stream.read(tarfile.BLOCKSIZE)
            if not header.strip(b"\0"):
                if not header and not at:
                    raise ValueError("it is empty")
                return
            kind, size = header[156:157], header[124:136].rstrip(b" \0")
            plain = kind in (tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.DIRTYPE) and size.isdigit()
            if not plain or header[257:262] != b"ustar":
                yield from _by_tarfile(file, at)
                return
            name, prefix = (header[start:stop].partition(b"\0")[0] for start, stop in ((0, 100), (345, 500)))
            length = int(size, 8)
            at += tarfile.BLOCKSIZE
            if kind != tarfile.DIRTYPE:
                whole = (prefix + b"/" + name if prefix else name).decode("utf-8", "surrogateescape")
                yield whole.removeprefix("./"), Place(file, at, length)
            at += -(-length // tarfile.BLOCKSIZE) * tarfile.BLOCKSIZE


def _by_tarfile(file: Path, start: int) -> Iterator[tuple[str, Place]]:
    """Yield the files in a tar from byte `start` on."""
    with file.open("rb") as stream:
        stream.seek(start)
        with tarfile.open(fileobj=stream, mode="r:") as tar:
            for member in tar:
                if member.isreg():
                    yield member.name.removeprefix("./"), Place(file, member.offset_data, member.size)
                tar.members.clear()  # type: ignore[attr-defined]


def _labelled(places: Mapping[str, Place]) -> Columns | None:
    """Return path and label of the images with a member of labels beside them; None where most have none."""
    beside: dict[str, dict[str, Place]] = {}
    images: dict[str, str] = {}
    for name, place in places.items():
        folder, _, base = name.rpartition("/")
        stem, _, suffix = base.partition(".")
        key = f"{folder}/{stem}"
        if is_image(name):
            images.setdefault(key, name)
        elif suffix in _LABELS and place.size < _SMALL:
            beside.setdefault(key, {})[suffix] = place
    paths = [(key, path) for key, path in images.items() if key in beside]
    if 2 * len(paths) <= len(images):
        return None
    with contextlib.ExitStack() as stack:
        streams = _Streams(stack)
        labels = [_label(beside[key], streams) for key, _ in paths]
    return {"path": [path for _, path in paths], "label": labels}


class _Streams:
    """One archive open at a time, for members that are read one after the other."""

    def __init__(self, stack: contextlib.ExitStack) -> None:
        self._stack = stack
        self._file: Path | None = None

    def read(self, place: Place) -> bytes:
        """Return a member's bytes."""
        if place.file != self._file:
            self._stack.close()
            self._file, self._stream = place.file, self._stack.enter_context(place.file.open("rb"))
        return place.read_from(self._stream)


def _label(members: Mapping[str, Place], streams: _Streams) -> str:
    for suffix in _LABELS:
        if suffix not in members:
            continue
        text = streams.read(members[suffix]).decode("utf-8", "replace").strip()
        if suffix != "json":
            return text
        entry = json.loads(text)
        found = (
            next((entry[name] for name in _JSON_LABELS if name in entry), None)
            if isinstance(entry, dict)
            else entry
        )
        if found is not None:
            return as_text(found)
    return ""
