"""Images in the files of a folder, and whether a path is there and stays inside. Imports no torch."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

import numpy as np
from PIL import Image

from ..errors import InputError
from .images import UnreadableImage, open_image

_ASKERS, _AT_ONCE = 16, 1024


class Files(Protocol):
    """Images in files, in an archive or in a table, by their paths."""

    def of(self, paths: Sequence[str]) -> Files:
        """Return the same for other paths."""

    def open(self, row: int, mode: str = "RGB") -> Image.Image:
        """Return image `row` as RGB, L or RGBA; raises UnreadableImage."""


@dataclass(frozen=True)
class FileImages:
    """Images in files: `paths` are relative to `root`, and stay inside it unless `allow_outside`.

    `shortest` as of `open_image`.
    """

    root: Path
    paths: Sequence[str]
    allow_outside: bool = False
    shortest: int | None = None
    _folders: dict[Path, bool] = field(default_factory=dict, repr=False, compare=False)

    def of(self, paths: Sequence[str]) -> FileImages:
        """Return the same for other paths."""
        return replace(self, paths=paths)

    def open(self, row: int, mode: str = "RGB") -> Image.Image:
        """Return image `row` as RGB, L or RGBA; raises as `open_file` does."""
        return self.open_file(self.paths[row], mode)

    def answers(self, row: int) -> bool:
        """Whether the file of image `row` can be read now."""
        try:
            with (self.root / self.paths[row]).open("rb") as file:
                return bool(file.read(1))
        except (OSError, ValueError):
            return False

    def open_file(self, name: str, mode: str = "RGB") -> Image.Image:
        """Return the image at a path; raises UnreadableImage, or InputError when the root is gone."""
        path = self.root / name
        try:
            if not self.allow_outside and self._leaves_root(path):
                raise UnreadableImage("a link that leaves the data folder (--allow-outside opens it)")
            return open_image(path, mode, self.shortest)
        except UnreadableImage:
            if _is_gone(self.root):
                raise InputError(f"{self.root} is gone", "mount the data folder again, then resume") from None
            raise

    def sizes(self) -> np.ndarray:
        """Return each file's size in bytes, [N] int64; -1 where there is none."""
        starts = range(0, len(self.paths), _AT_ONCE)
        with ThreadPoolExecutor(_ASKERS) as threads:
            parts = threads.map(lambda start: self._sizes(self.paths[start : start + _AT_ONCE]), starts)
            return np.concatenate([np.empty(0, np.int64), *parts])

    def _sizes(self, names: Sequence[str]) -> np.ndarray:
        return np.array([_size(self.root / name) for name in names], np.int64)

    def _leaves_root(self, path: Path) -> bool:
        inside = self._folders.get(path.parent)
        if inside is None:
            inside = self._folders[path.parent] = is_inside(self.root, path.parent)
        return not inside or (path.is_symlink() and not is_inside(self.root, path))


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except (OSError, ValueError):
        return -1


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
