"""The data set in memory: names, labels and columns of each split, and how to open an image."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

import torch
from PIL import Image
from torch import Tensor

from ..config import nearest
from ..errors import InputError
from .files import FileImages
from .label_view import LabelView

_SPLIT_WORDS = {
    **dict.fromkeys(("train", "training", "trn", "trainval"), "train"),
    **dict.fromkeys(("val", "valid", "validation", "dev", "eval", "evaluation"), "val"),
    **dict.fromkeys(("test", "testing", "tst"), "test"),
}
_FILLERS = ("dataset", "data", "set", "split", "images", "image", "imgs", "img", "seg", "folder", "samples")
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+")


def split_name(text: str) -> str:
    """Return `train`, `val` or `test` for their usual spellings, any other name as it is."""
    return _SPLIT_WORDS.get(text.strip().lower(), text.strip())


def folder_split(name: str) -> tuple[str, str] | None:
    """Return the split that the name of a folder or file says, and the rest of the name; None: no split.

    `seg_train`, `trainingSet` and `train2017` say train and leave nothing, `flowers_train` leaves "flowers".
    """
    splits, rest = [], []
    for word in map(str.lower, _WORD.findall(name)):
        stem = next((word.removesuffix(filler) for filler in _FILLERS if word.endswith(filler)), word)
        if word in _SPLIT_WORDS or stem in _SPLIT_WORDS:
            splits.append(_SPLIT_WORDS[word if word in _SPLIT_WORDS else stem])
        elif word not in _FILLERS:
            rest.append(word)
    return (splits[0], " ".join(rest)) if len(splits) == 1 else None


def plain_split(name: str) -> str | None:
    """Return the split that a name says when it says nothing else."""
    found = folder_split(name)
    return found[0] if found is not None and not found[1] else None


class ImageSource(Protocol):
    """Where a split's images come from."""

    def open(self, row: int, mode: str = "RGB") -> Image.Image:
        """Return image `row` as RGB, L or RGBA; raises UnreadableImage."""


@dataclass(frozen=True)
class Split:
    """One split: `paths` N names as the source gives them, `labels` [N] int64, `columns` of N texts each.

    Where an image may have several labels, `marks` [N,L] int8 are 1 for those it has, 0 for those it has not,
    -1 where that is not known; `labels` are then 1 and 0, of the one label that is looked at.
    """

    name: str
    paths: Sequence[str]
    labels: Tensor
    columns: Mapping[str, Sequence[str]]
    source: ImageSource = field(repr=False)
    marks: Tensor | None = field(default=None, repr=False)

    def __len__(self) -> int:
        return len(self.paths)

    def open(self, row: int, mode: str = "RGB") -> Image.Image:
        """Return image `row` as RGB, L or RGBA; raises UnreadableImage."""
        return self.source.open(row) if mode == "RGB" else self.source.open(row, mode)


@dataclass(frozen=True)
class ImageDataset:
    """Class names and splits of one data set; `notes` say what the user should know about how it was read."""

    name: str
    root: Path | None
    class_names: tuple[str, ...]
    splits: dict[str, Split]
    notes: tuple[str, ...] = ()
    absent: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """Splits that are there but cannot be used: why not, and what helps."""
    view: LabelView | None = None
    """Which label is looked at, where an image may have several."""

    @property
    def output_names(self) -> tuple[str, ...]:
        """What the classifier's outputs are called, as far as the data say: classes, or labels."""
        return self.class_names if self.view is None else self.view.names

    def split(self, name: str) -> Split:
        """Return the split by any of its usual spellings; raises InputError that names those there are."""
        spelled = split_name(name)
        known = spelled if spelled in (*self.splits, *self.absent) else plain_split(name) or spelled
        if known in self.absent:
            raise InputError(*self.absent[known])
        found = self.splits.get(known)
        if found is None:
            remedy = " ".join(
                filter(None, [nearest(name, self.splits), f"use one of {', '.join(self.splits)}"])
            )
            raise InputError(f'--split "{name}" is not in the data {self.name}', remedy)
        return found

    def no_larger_than(self, side: int) -> ImageDataset:
        """Return the same with JPEG files decoded at reduced size, their sides at least `side` pixels."""

        def reduced(split: Split) -> Split:
            if not isinstance(split.source, FileImages):
                return split
            return replace(split, source=replace(split.source, shortest=side))

        return replace(self, splits={name: reduced(split) for name, split in self.splits.items()})

    def fingerprint(self) -> str:
        """Return a sha256 over class names and every split's paths, labels and columns (not the root)."""
        digest = hashlib.sha256()

        def add(values: Sequence[str]) -> None:
            digest.update(f"{len(values)}\0".encode())
            digest.update("\0".join(values).encode("utf-8", "surrogateescape"))

        add(self.class_names)
        if self.view is not None:
            add((repr(self.view),))
        for name in sorted(self.splits):
            split = self.splits[name]
            add((name, *sorted(split.columns)))
            add(split.paths)
            digest.update(split.labels.to(torch.int64).contiguous().numpy().tobytes())
            for column in sorted(split.columns):
                add(split.columns[column])
        return digest.hexdigest()
