"""The data set in memory: names, labels and columns of each split, and how to open an image."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import torch
from PIL import Image
from torch import Tensor

from ..config import nearest
from ..errors import InputError
from .images import UnreadableImage, open_image

_SPLIT_NAMES = {
    "training": "train",
    "valid": "val",
    "validation": "val",
    "dev": "val",
    "testing": "test",
}


def split_name(text: str) -> str:
    """Return `train`, `val` or `test` for their usual spellings, any other name as it is."""
    name = text.strip().lower()
    name = _SPLIT_NAMES.get(name, name)
    return name if name in ("train", "val", "test") else text.strip()


class ImageSource(Protocol):
    """Where a split's images come from."""

    def open(self, row: int) -> Image.Image:
        """Return image `row` as RGB; raises UnreadableImage."""


@dataclass(frozen=True)
class FileImages:
    """Images in files: `paths` are relative to `root`, and stay inside it unless `allow_outside`."""

    root: Path
    paths: Sequence[str]
    allow_outside: bool = False
    _folders: dict[Path, bool] = field(default_factory=dict, repr=False, compare=False)

    def open(self, row: int) -> Image.Image:
        """Return image `row` as RGB; raises UnreadableImage, or InputError when the whole root is gone."""
        path = self.root / self.paths[row]
        try:
            if not self.allow_outside and self._leaves_root(path):
                raise UnreadableImage("a link that leaves the data folder (--allow-outside opens it)")
            return open_image(path)
        except UnreadableImage:
            if _is_gone(self.root):
                raise InputError(f"{self.root} is gone", "mount the data folder again, then resume") from None
            raise

    def _leaves_root(self, path: Path) -> bool:
        inside = self._folders.get(path.parent)
        if inside is None:
            inside = self._folders[path.parent] = is_inside(self.root, path.parent)
        return not inside or (path.is_symlink() and not is_inside(self.root, path))


def _is_gone(root: Path) -> bool:
    """Return whether the folder does not answer or is empty, as the place of a lost mount is."""
    try:
        with os.scandir(root) as entries:
            return next(entries, None) is None
    except OSError:
        return True


def is_there(path: Path) -> bool:
    """Return whether the path answers, False where `Path.exists` raises (dead mount, no permission)."""
    try:
        path.stat()
    except (OSError, ValueError):
        return False
    return True


def is_inside(root: Path, path: Path) -> bool:
    """Return whether `path`, its links followed, lies in `root`."""
    try:
        real_root, real_path = os.path.realpath(root), os.path.realpath(path)
    except ValueError:  # a null character is in no file's name
        return False
    return os.path.commonpath((real_root, real_path)) == real_root


@dataclass(frozen=True)
class Split:
    """One split: `paths` N names as the source gives them, `labels` [N] int64, `columns` of N texts each."""

    name: str
    paths: Sequence[str]
    labels: Tensor
    columns: Mapping[str, Sequence[str]]
    source: ImageSource = field(repr=False)

    def __len__(self) -> int:
        return len(self.paths)

    def open(self, row: int) -> Image.Image:
        """Return image `row` as RGB; raises UnreadableImage."""
        return self.source.open(row)


@dataclass(frozen=True)
class ImageDataset:
    """Class names and splits of one data set; `notes` say what the user should know about how it was read."""

    name: str
    root: Path | None
    class_names: tuple[str, ...]
    splits: dict[str, Split]
    notes: tuple[str, ...] = ()

    def split(self, name: str) -> Split:
        """Return the split by any of its usual spellings; raises InputError that names those there are."""
        found = self.splits.get(split_name(name))
        if found is None:
            remedy = " ".join(
                filter(None, [nearest(name, self.splits), f"use one of {', '.join(self.splits)}"])
            )
            raise InputError(f'--split "{name}" is not in {self.name}', remedy)
        return found

    def fingerprint(self) -> str:
        """Return a sha256 over class names and every split's paths, labels and columns (not the root)."""
        digest = hashlib.sha256()

        def add(values: Sequence[str]) -> None:
            digest.update(f"{len(values)}\0".encode())
            digest.update("\0".join(values).encode("utf-8", "surrogateescape"))

        add(self.class_names)
        for name in sorted(self.splits):
            split = self.splits[name]
            add((name, *sorted(split.columns)))
            add(split.paths)
            digest.update(split.labels.to(torch.int64).contiguous().numpy().tobytes())
            for column in sorted(split.columns):
                add(split.columns[column])
        return digest.hexdigest()
