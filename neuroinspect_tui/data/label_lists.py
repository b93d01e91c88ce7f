"""The list of labels of a flat folder of images, as ImageNet's `val/` and many test sets have one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from ..errors import InputError
from .class_names import INTEGER

_SEPARATOR = re.compile(r"[,;\t ]+")
_HEADERS = frozenset(("image", "imageid", "image_id", "file_name", "filename", "file", "path", "id"))


def read_label_list(folder: Path, images: Sequence[str]) -> list[tuple[str, str]] | None:
    """Return (image, label) of the `images` of a flat folder from the list in it or beside it; None: no list.

    A line is the name of an image (its suffix may be left out) and its label; further words are not read. A
    list of labels alone, one line for each image in sorted order, must not be of numbers, which could count
    in any order. Raises InputError for images that the list leaves out.
    """
    for file in _candidates(folder):
        rows = [_SEPARATOR.split(line.strip()) for line in _lines(file) if line.strip()]
        if rows and rows[0][0].lower() in _HEADERS:
            rows = rows[1:]
        label_of = {_stem(row[0]): row[1] for row in rows if len(row) > 1}
        if any(_stem(image) in label_of for image in images):
            return _labelled(file, images, label_of)
        words = [row[0] for row in rows]
        if len(words) == len(images) and not any(map(INTEGER.fullmatch, words)):
            return list(zip(sorted(images), words, strict=True))
    return None


def _candidates(folder: Path) -> list[Path]:
    """Return the text files that may be the list: any in the folder, those named after it beside it."""
    folder = folder.resolve()
    name = folder.name.lower()
    here = [path for path in sorted(folder.iterdir()) if path.suffix.lower() in (".txt", ".csv", ".tsv")]
    beside = [
        path for path in sorted(folder.parent.iterdir()) if path.suffix.lower() in (".txt", ".csv", ".tsv")
    ]
    return here + [path for path in beside if name in path.stem.lower() or path.stem.lower() == "labels"]


def _lines(file: Path) -> list[str]:
    try:
        return file.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError:
        return []


def _stem(name: str) -> str:
    path = PurePosixPath(name.strip('"'))
    return path.stem if len(path.suffix) <= 5 else path.name


def _labelled(file: Path, images: Sequence[str], label_of: dict[str, str]) -> list[tuple[str, str]]:
    missing = [image for image in images if _stem(image) not in label_of]
    if missing:
        line = f"{file} has no label for {len(missing)} images, for example {missing[0]}"
        raise InputError(line, "add their lines, or move these images away")
    return [(image, label_of[_stem(image)].strip('"')) for image in images]
