"""The folders below a data folder, as they are on disk: images, sub-folders, and what is neither."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from .images import SUFFIXES

_JUNK = frozenset(
    (
        *("__macosx", "@eadir", "#recycle", "#snapshot", "@recycle", "@recently-snapshot", "$recycle.bin"),
        *("system volume information", "lost+found", "network trash folder", "temporary items"),
        *("__pycache__",),
    )
)
"""What macOS, Windows and storage devices leave in folders."""
_LINKED_DEPTH = 2
_USUAL = ("jpg", "png", "jpeg")
SPELLED = tuple(
    f".{spelled}"
    for suffix in sorted(SUFFIXES, key=lambda suffix: (suffix not in _USUAL, suffix))
    for spelled in (suffix, suffix.upper())
)
"""The suffixes of images as files are named with them, the usual ones first."""


@dataclass
class Folder:
    """A folder at `path` relative to the root ("" for the root): names in sorted order.

    `others` are files that are no images by their name. `linked`: the folder is a symbolic link.
    """

    path: str
    linked: bool = False
    images: list[str] = field(default_factory=list)
    folders: dict[str, Folder] = field(default_factory=dict)
    others: list[str] = field(default_factory=list)

    def count(self) -> int:
        """How many images lie in and below it."""
        return len(self.images) + sum(folder.count() for folder in self.folders.values())

    def filled(self) -> dict[str, Folder]:
        """Return the sub-folders that hold images, themselves or further below."""
        return {name: folder for name, folder in self.folders.items() if folder.count()}

    def all_others(self) -> list[str]:
        """Return the names of all files in and below it that are no images."""
        return [*self.others, *(name for folder in self.folders.values() for name in folder.all_others())]

    def walk(self, skipped: list[str]) -> Iterator[str]:
        """Yield the paths of the images in and below it in sorted order; the rest goes to `skipped`."""
        skipped += self.others
        for name in sorted((*self.images, *self.folders)):
            folder = self.folders.get(name)
            if folder is None:
                yield f"{self.path}/{name}" if self.path else name
            elif folder.linked:
                skipped.append(name)
            else:
                yield from folder.walk(skipped)


def read_tree(root: Path) -> Folder:
    """Return all folders below `root`, each read once; links are followed near the root, into no circle."""
    return _read(root, Folder(""), (os.path.realpath(root),))


def _read(root: Path, folder: Folder, above: tuple[str, ...]) -> Folder:
    with os.scandir(root / folder.path) as entries:
        found = sorted(entries, key=lambda entry: entry.name)
    for entry in found:
        path = f"{folder.path}/{entry.name}" if folder.path else entry.name
        if is_junk(entry.name):
            if not entry.is_dir():
                folder.others.append(entry.name)
        elif entry.is_dir(follow_symlinks=False):
            folder.folders[entry.name] = _read(root, Folder(path), above)
        elif entry.is_dir():
            below = Folder(path, linked=True)
            real = os.path.realpath(root / path)
            if len(above) <= _LINKED_DEPTH and path.count("/") < _LINKED_DEPTH and real not in above:
                _read(root, below, (*above, real))
            folder.folders[entry.name] = below
        elif is_image(entry.name):
            folder.images.append(entry.name)
        else:
            folder.others.append(entry.name)
    return folder


def tree_of(paths: Iterable[str]) -> Folder:
    """Return the folders that hold files at `paths`, as `read_tree` does for a disk."""
    top = Folder("")
    for path in sorted(paths):
        *parents, name = path.split("/")
        if any(map(is_junk, (*parents, name))):
            continue
        folder = top
        for depth, parent in enumerate(parents, 1):
            folder = folder.folders.setdefault(parent, Folder("/".join(parents[:depth])))
        (folder.images if is_image(name) else folder.others).append(name)
    return top


def is_junk(name: str) -> bool:
    """Whether a file or folder is no part of the data: hidden, or left by a system."""
    return name.startswith(".") or name.casefold() in _JUNK


def is_image(name: str) -> bool:
    """Whether a file is an image by its name."""
    return name.rpartition(".")[2].lower() in SUFFIXES
