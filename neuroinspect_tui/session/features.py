"""The features of a split on disk: shards written one by one, then merged into memory-mapped arrays.

    features/<split>/<start>-<stop>/   one evaluated range; it appears whole or not at all
    features/<split>/all/              the merged arrays; from then on the shards are gone

Every array is a .npy file that is read with `allow_pickle=False`.
"""

from __future__ import annotations

import io
import itertools
import json
import math
import os
import re
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.lib import format as npy
from torch import Tensor

from ..data.images import Unread
from ..errors import InputError
from ..results import Sample, Unreadable
from ..results.states import split_folder
from ..tensors import Shard, SplitFeatures
from ..text import safe
from .atomic import appearing, explained, json_text, write_bytes
from .store import Session

ARRAYS = ("features", "labels", "rows", "top_logits", "top_classes", "confidence")
_RANGE = re.compile(r"(\d+)-(\d+)")
_BLOCK = 1 << 22


@dataclass(frozen=True)
class _Part:
    """A finished range on disk: images start…stop of the split."""

    start: int
    stop: int
    path: Path


class FeatureStore:
    """The features of one split of a session. `total` is the number of images of the split."""

    def __init__(self, session: Session, split: str, total: int) -> None:
        self.session, self.split, self.total = session, split, total
        self.directory = session.path(f"features/{split_folder(split)}")
        self._merged = self.directory / "all"

    def changed(self, sizes: np.ndarray[Any, Any]) -> list[int]:
        """Return the images whose file sizes [N] int64 are not those of the first call, which keeps them.

        A file that is not there now, or was not then (-1), has not changed.
        """
        file = self.directory / "sizes.npy"
        if file.is_file():
            known = _map_array(file)
            return np.flatnonzero((sizes >= 0) & (known >= 0) & (known != sizes)).tolist()
        array = io.BytesIO()
        np.save(array, sizes)
        write_bytes(file, array.getvalue())
        return []

    def missing(self, shard_size: int) -> list[range]:
        """Return the ranges that are not on disk yet, each at most `shard_size` long, in order."""
        if self._merged.is_dir():
            return []
        edges = [(part.start, part.stop) for part in self._parts()]
        gaps, reached = [], 0
        for start, stop in [*edges, (self.total, self.total)]:
            gaps += [range(at, min(at + shard_size, start)) for at in range(reached, start, shard_size)]
            reached = max(reached, stop)
        return gaps

    def complete(self) -> bool:
        """Whether every image of the split has been evaluated."""
        return not self.missing(max(self.total, 1))

    def done(self) -> int:
        """How many images of the split are on disk."""
        return self.total - sum(map(len, self.missing(max(self.total, 1))))

    def write(self, shard: Shard) -> None:
        """Write one evaluated range; on return it is durable.

        Features are kept in float32, as the decision layer saw them: what a head makes of them is what it
        makes in the network, also where they lie far from zero. Raises InputError when a feature is not
        finite, when the disk is full and the like.
        """
        arrays = {name: getattr(shard, name).detach().cpu() for name in ARRAYS}
        arrays["features"] = arrays["features"].float()
        self._require_finite(arrays["features"], shard)
        with appearing(self.directory / f"{shard.start:09d}-{shard.stop:09d}") as folder:
            for name, tensor in arrays.items():
                _write_array(folder / f"{name}.npy", tensor.numpy())
            passing = set(shard.passing)
            entries = [Unread(row, reason, row in passing) for row, reason in shard.unreadable]
            _write_unread(folder, entries)

    def _require_finite(self, features: Tensor, shard: Shard) -> None:
        if not bool(torch.isfinite(features).all()):
            row = int(shard.rows[~torch.isfinite(features).all(dim=1)][0])
            raise InputError(
                f"the classifier's features of image {row} of split {safe(self.split)} are not finite",
                "use --precision fp32, and look for NaN in the weights",
            )

    def merge(self) -> None:
        """Join the shards of a complete split into one array each, block by block, and delete them."""
        parts = self._parts()
        if not self._merged.is_dir():
            with appearing(self._merged) as folder:
                for name in ARRAYS:
                    _concatenate(folder / f"{name}.npy", [part.path / f"{name}.npy" for part in parts])
                _write_unread(folder, [entry for part in parts for entry in _read_unread(part.path)])
        with explained(self.directory, "clean"):
            for part in parts:
                shutil.rmtree(part.path)

    def unreadable(self, paths: Sequence[str]) -> tuple[Unreadable, ...]:
        """Return the images that could not be read; `paths` names all images of the split."""
        folders = [self._merged] if self._merged.is_dir() else [part.path for part in self._parts()]
        entries = [entry for folder in folders for entry in _read_unread(folder)]
        return tuple(Unreadable(paths[entry.row], entry.reason) for entry in entries)

    def passing(self) -> list[int]:
        """Return the images that could not be read for a reason that may have passed."""
        folders = [self._merged] if self._merged.is_dir() else [part.path for part in self._parts()]
        return [entry.row for folder in folders for entry in _read_unread(folder) if entry.passing]

    def forget(self, rows: Sequence[int]) -> None:
        """Make these images missing again: what lies around them is kept, as ranges of its own."""
        parts = [_Part(0, self.total, self._merged)] if self._merged.is_dir() else self._parts()
        for part in parts:
            own = [row for row in rows if part.start <= row < part.stop]
            if not own:
                continue
            edges = [part.start - 1, *sorted(own), part.stop]
            for before, after in itertools.pairwise(edges):
                if after - before > 1:
                    self._write_piece(part, before + 1, after)
            old = part.path.with_name(f"{part.path.name}.old")
            with explained(self.directory, "clean"):
                part.path.rename(old)
                shutil.rmtree(old)

    def _write_piece(self, part: _Part, start: int, stop: int) -> None:
        """Write images start…stop of a finished range as a range of their own."""
        at = _map_array(part.path / "rows.npy")
        first, last = np.searchsorted(at, [start, stop])
        with appearing(self.directory / f"{start:09d}-{stop:09d}") as folder:
            for name in ARRAYS:
                _write_array(folder / f"{name}.npy", _map_array(part.path / f"{name}.npy")[first:last])
            _write_unread(folder, [entry for entry in _read_unread(part.path) if start <= entry.row < stop])

    def open(self, paths: Sequence[str]) -> SplitFeatures:
        """Return the features of a complete split, memory-mapped; the shards are merged first.

        `paths` has one entry for every image of the split.
        """
        self.merge()
        arrays = {name: torch.from_numpy(_map_array(self._merged / f"{name}.npy")) for name in ARRAYS}
        rows = arrays["rows"].tolist()
        whole = len(rows) == len(paths)
        return SplitFeatures(
            split=self.split,
            paths=paths if whole else [paths[row] for row in rows],
            groups={},
            **arrays,
        )

    def _parts(self) -> list[_Part]:
        """Return the shards on disk in order, without those that another one contains."""
        if not self.directory.is_dir():
            return []
        found = (_RANGE.fullmatch(entry.name) for entry in self.directory.iterdir())
        ranges = sorted((int(match[1]), -int(match[2]), match[0]) for match in found if match)
        parts: list[_Part] = []
        for start, minus_stop, name in ranges:
            if not parts or start >= parts[-1].stop:
                parts.append(_Part(start, -minus_stop, self.directory / name))
        return parts


def iterate_samples(features: SplitFeatures, block: int = 65536) -> Iterator[Sample]:
    """Yield every image of the split as a `Sample`, without holding all of them at once."""
    for start in range(0, len(features), block):
        yield from features.samples(torch.arange(start, min(start + block, len(features))))


def _write_array(path: Path, array: np.ndarray[Any, Any]) -> None:
    contiguous = np.ascontiguousarray(array)
    with path.open("xb") as file:
        npy.write_array_header_1_0(file, npy.header_data_from_array_1_0(contiguous))
        file.write(contiguous.data)
        file.flush()
        os.fsync(file.fileno())


def _concatenate(target: Path, sources: list[Path]) -> None:
    """Join arrays along their first axis, one block at a time; float16 beside float32 becomes float32."""
    headers = [_header(source) for source in sources]
    filled = [header for header in headers if header.shape[0]] or headers[:1]
    kind = np.result_type(*(header.dtype for header in filled))
    shape = (sum(header.shape[0] for header in filled), *filled[0].shape[1:])
    with target.open("xb") as file:
        description = {"descr": npy.dtype_to_descr(kind), "fortran_order": False, "shape": shape}
        npy.write_array_header_1_0(file, description)
        for source, header in zip(sources, headers, strict=True):
            for block in _blocks(source, header):
                file.write(block.astype(kind, copy=False).data)
        file.flush()
        os.fsync(file.fileno())


@dataclass(frozen=True)
class _Header:
    """What a .npy file says of its array, which begins at byte `offset`."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    offset: int


def _header(path: Path) -> _Header:
    """Read the header of a .npy file; raises InputError unless the file holds the whole array."""
    with explained(path, "read"), path.open("rb") as file:
        try:
            npy.read_magic(file)
            shape, _, dtype = npy.read_array_header_1_0(file)
        except ValueError as error:
            raise _damaged(path) from error
        header = _Header(shape, dtype, file.tell())
        if path.stat().st_size != header.offset + math.prod(shape) * dtype.itemsize:
            raise _damaged(path)
    return header


def _blocks(path: Path, header: _Header) -> Iterator[np.ndarray[Any, Any]]:
    with path.open("rb") as file:
        file.seek(header.offset)
        while (block := np.fromfile(file, header.dtype, _BLOCK // header.dtype.itemsize)).size:
            yield block


def _map_array(path: Path) -> np.ndarray[Any, Any]:
    """Return the array at `path`, mapped copy-on-write; raises InputError if it is missing or cut short."""
    header = _header(path)
    if 0 in header.shape:
        return np.empty(header.shape, header.dtype)
    mapped: np.ndarray[Any, Any] = np.load(path, mmap_mode="c", allow_pickle=False)
    return mapped


def _damaged(path: Path) -> InputError:
    remedy = f"delete {safe(str(path.parent))}: it is made anew by the next run"
    return InputError(f"{safe(str(path))} is damaged", remedy)


def _write_text(path: Path, text: str) -> None:
    with path.open("x", encoding="ascii") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _write_unread(folder: Path, entries: Sequence[Unread]) -> None:
    """Write [row, reason], with a third entry `true` where the reason may pass."""
    pairs = [
        [entry.row, entry.reason, True] if entry.passing else [entry.row, entry.reason] for entry in entries
    ]
    _write_text(folder / "unreadable.json", json_text(pairs))


def _read_unread(folder: Path) -> list[Unread]:
    path = folder / "unreadable.json"
    with explained(path, "read"):
        found = json.loads(path.read_bytes())
        return [Unread(int(row), str(reason), bool(passing)) for row, reason, *passing in found]
