"""The data set in memory: names, labels and columns of each split, and how to open an image."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import torch
from PIL import Image
from torch import Tensor

from ..config import nearest
from ..errors import InputError

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
            raise InputError(f'--split "{name}" is not in the data {self.name}', remedy)
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
