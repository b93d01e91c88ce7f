"""Lists of the images of each split beside the images: `train.txt` and `test.txt`, with labels or without."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ..errors import InputError
from .splits import folder_split

_SUFFIXES = (".txt", ".lst", ".csv")
_FOLDERS = ("", "splits", "split", "lists", "meta", "annotations", "labels", "imagesets")
_RESTS = ("", "list", "label", "labels", "file", "files", "names", "annotation")
_SEPARATOR = re.compile(r"[,;\t ]+")


@dataclass(frozen=True)
class SplitLists:
    """Of each image that a list names its split and, where all say it, its label; `files` are the lists."""

    splits: dict[str, str]
    labels: dict[str, str]
    files: tuple[str, ...]


def read_split_lists(root: Path, images: Sequence[str]) -> SplitLists | None:
    """Return what the lists of splits in `root` say of its `images`; None without two lists of them.

    A line is the path of an image, from the root or from a folder below it, with its suffix or without, and
    perhaps a label. Raises InputError for an image that stands in the lists of two splits.
    """
    files = _candidates(root)
    if len(files) < 2:
        return None
    by_name = _by_name(images)
    splits: dict[str, str] = {}
    labels: dict[str, str] = {}
    read = []
    for file, split in files:
        rows = [_SEPARATOR.split(line.strip().strip('"')) for line in _lines(file) if line.strip()]
        found = [(by_name[name], row[1:]) for row in rows if (name := _plain(row[0])) in by_name]
        if not rows or 10 * len(found) < 9 * len(rows):
            continue
        read.append(file.relative_to(root).as_posix())
        for image, rest in found:
            if splits.setdefault(image, split) != split:
                line = f"{root}: {image} is in the lists of {splits[image]} and of {split}"
                raise InputError(line, "keep each image in one of them")
            if len(rest) == 1:
                labels[image] = rest[0]
    if len(set(splits.values())) < 2:
        return None
    return SplitLists(splits, labels if len(labels) == len(splits) else {}, tuple(read))


def _candidates(root: Path) -> list[tuple[Path, str]]:
    """Return the files that are named as lists of a split, and the split."""
    folders = [
        root,
        *(path for path in sorted(root.iterdir()) if path.name.lower() in _FOLDERS and path.is_dir()),
    ]
    found = []
    for path in (path for folder in folders for path in sorted(folder.iterdir())):
        split = folder_split(path.stem) if path.suffix.lower() in _SUFFIXES else None
        if split is not None and split[1] in _RESTS:
            found.append((path, split[0]))
    return found


def _by_name(images: Sequence[str]) -> dict[str, str]:
    """Return each image by its path and by its tails, without suffix; what is not unique is left out."""
    found: dict[str, str | None] = {}
    for image in images:
        parts = PurePosixPath(_plain(image)).parts
        for start in range(len(parts)):
            name = "/".join(parts[start:])
            found[name] = image if name not in found else None
    return {name: image for name, image in found.items() if image is not None}


def _plain(path: str) -> str:
    """Return a path without its suffix and `./`."""
    pure = PurePosixPath(path.replace("\\", "/"))
    return (pure.with_suffix("") if 1 < len(pure.suffix) <= 5 else pure).as_posix()


def _lines(file: Path) -> list[str]:
    try:
        return file.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError):
        return []
