"""Read a folder of class folders, alone or under `train/ val/ test/`."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import InputError
from .images import SUFFIXES
from .splits import split_name
from .table import Table

_SPLITS = ("train", "val", "test")
_NAMED = 5


@dataclass
class _Listing:
    paths: list[str] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    splits: list[str] = field(default_factory=list)
    subfolders: list[str] = field(default_factory=list)
    classes: dict[str, None] = field(default_factory=dict)
    skipped: list[str] = field(default_factory=list)


def read_folders(root: Path) -> Table:
    """Return the images under `root`, each labelled with its class folder; raises InputError.

    Files count as images by their suffix (whatever they hold); the rest, hidden files and linked folders
    below a class folder are skipped and counted in a note. An empty class folder still makes a class.
    Folders inside a class folder (`cat/cat(sofa)/` of MetaShift) become the column `folder`. Names are
    sorted, so the order is the same everywhere.
    """
    split_folders = find_split_folders(root)
    listing = _Listing()
    for folder in split_folders or [""]:
        for label in _subfolders(root / folder):
            class_folder = posixpath.join(folder, label)
            listing.classes.setdefault(label)
            for path in _images(root, class_folder, listing):
                listing.paths.append(path)
                listing.labels.append(label)
                listing.splits.append(folder)
                listing.subfolders.append(posixpath.dirname(path[len(class_folder) + 1 :]))
    if not listing.paths:
        _refuse_empty(root)
    return Table(
        name=root.resolve().name,
        origin=str(root),
        root=root,
        paths=listing.paths,
        labels=listing.labels,
        classes=tuple(listing.classes),
        named=True,
        splits=listing.splits if split_folders else None,
        columns={"folder": listing.subfolders} if any(listing.subfolders) else {},
        notes=_notes(listing, root, split_folders),
    )


def find_split_folders(root: Path) -> list[str]:
    """Return the sub-folders of `root` named as splits that hold folders themselves."""
    return [name for name in _subfolders(root) if split_name(name) in _SPLITS and _subfolders(root / name)]


def _subfolders(folder: Path) -> list[str]:
    with os.scandir(folder) as entries:
        return sorted(entry.name for entry in entries if entry.is_dir() and not _is_hidden(entry.name))


def _images(root: Path, folder: str, listing: _Listing) -> Iterator[str]:
    """Yield the images in and below `folder` as paths relative to `root`, sorted."""
    with os.scandir(root / folder) as entries:
        found = sorted(entries, key=lambda entry: entry.name)
    for entry in found:
        path = f"{folder}/{entry.name}"
        if _is_hidden(entry.name):
            if not entry.is_dir():
                listing.skipped.append(entry.name)
        elif entry.is_dir(follow_symlinks=False):
            yield from _images(root, path, listing)
        elif _is_image(entry.name):
            yield path
        else:
            listing.skipped.append(entry.name)


def _is_hidden(name: str) -> bool:
    """Whether a file or folder is no part of the data: hidden, or left by an archive of macOS."""
    return name.startswith(".") or name == "__MACOSX"


def _is_image(name: str) -> bool:
    return name.rpartition(".")[2].lower() in SUFFIXES


def _notes(listing: _Listing, root: Path, split_folders: list[str]) -> tuple[str, ...]:
    notes = []
    bare = sorted(set(listing.classes) - set(listing.labels))
    if bare:
        notes.append(f"no images of class: {_some(bare)}")
    if listing.skipped:
        more = f" and {len(listing.skipped) - 1} more" if len(listing.skipped) > 1 else ""
        notes.append(f"skipped, no image by its name: {listing.skipped[0]}{more}")
    siblings = [] if split_folders else _sibling_splits(root)
    if siblings:
        has = f"{root.parent} has {', '.join(siblings)} too"
        notes.append(f"{root} is one split of several: {has}, give -d {root.parent} to repair with them")
    others = [name for name in _subfolders(root) if name not in split_folders] if split_folders else []
    if others:
        notes.append(f"not a split, skipped: {_some(others)}")
    return tuple(notes)


def _sibling_splits(root: Path) -> list[str]:
    """Return the other split folders beside `root` where it is one itself."""
    root = root.resolve()
    beside = find_split_folders(root.parent)
    return [name for name in beside if name != root.name] if root.name in beside else []


def _some(names: list[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more


def _refuse_empty(root: Path) -> None:
    with os.scandir(root) as entries:
        loose = sum(_is_image(entry.name) for entry in entries)
    if loose:
        raise InputError(
            f"{root} holds {loose} images but no class folders",
            "put each class's images in a folder of its name",
        )
    raise InputError(f"{root} holds no images", "give a folder of class folders, or a manifest.csv")
