"""Synthetic features of a trained classifier, of any size, in memory-mapped files as a session keeps them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from neuroinspect_tui.tensors import GroupColumn, Head, SplitFeatures

_BLOCK = 4096
_ACTIVE = 0.08
"""Share of the neurons that speak for a class."""


def make_head(neurons: int, classes: int, seed: int = 0) -> tuple[Head, Tensor]:
    """Return a decision layer, and the class means [C,D] that it reads: a few strong neurons a class."""
    generator = torch.Generator().manual_seed(seed)
    speaks = torch.rand(classes, neurons, generator=generator) < _ACTIVE
    means = speaks * torch.rand(classes, neurons, generator=generator)
    weight = means - means.mean(dim=0)
    return Head(weight, -(weight * (means + means.mean(dim=0)) / 2).sum(dim=1)), means


def make_split(
    folder: Path, images: int, head: Head, means: Tensor, noise: float, seed: int = 1, name: str = "val"
) -> SplitFeatures:
    """Draw rectified features around the class means; more `noise` makes the head err more.

    A two-valued group column goes with the class in 95 % of the images.
    """
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(head.classes, (images,), generator=generator)
    place = (labels % 2) ^ (torch.rand(images, generator=generator) < 0.05).long()
    path = folder / f"{name}-{images}x{head.neurons}x{head.classes}.npy"
    if not path.exists():
        _write(path, labels, means, noise, generator)
    features = torch.from_numpy(np.load(path, mmap_mode="c"))
    parts = [head.logits(block).topk(min(5, head.classes), dim=1) for block in _blocks(features)]
    top, kinds = (torch.cat(column) for column in zip(*parts, strict=True))
    return SplitFeatures(
        split=name,
        features=features,
        labels=labels,
        top_logits=top,
        top_classes=kinds,
        confidence=top.softmax(dim=1)[:, 0],
        paths=Numbered(images),
        rows=torch.arange(images),
        groups={"place": GroupColumn("place", ("usual", "rare"), place)},
    )


class Numbered:
    """Paths that are made when asked for: a million strings are not what is measured."""

    def __init__(self, count: int) -> None:
        self.count = count

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, row: int) -> str:
        if not 0 <= row < self.count:
            raise IndexError(row)
        return f"{row:08d}.jpg"


def _blocks(features: Tensor) -> Iterator[Tensor]:
    yield from features.split(_BLOCK)


def _write(path: Path, labels: Tensor, means: Tensor, noise: float, generator: torch.Generator) -> None:
    shape = (len(labels), means.shape[1])
    mapped = np.lib.format.open_memmap(path, mode="w+", dtype=np.float16, shape=shape)
    for start in range(0, len(labels), _BLOCK):
        rows = slice(start, start + _BLOCK)
        mapped[rows] = draw(labels[rows], means, noise, generator).half().numpy()
    mapped.flush()


def draw(labels: Tensor, means: Tensor, noise: float, generator: torch.Generator) -> Tensor:
    """Return rectified features [n,D] float32 around the means of `labels` [n]."""
    features = torch.randn(len(labels), means.shape[1], generator=generator).mul_(noise)
    return features.add_(means[labels]).relu_()
