"""Which scenes make up train, val and test, and the faults planted in them.

1. `boat` comes on water in 95 % of its training images, any other class in 1 %.
2. `mug` carries the watermark in 95 % of its training images, any other class in 1 %.
3. `apple` and `pear` look alike.
4. Six val images carry a wrong label (three pairs with exchanged labels).

In val and test every class comes equally often on every ground, and half the time with the watermark.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.random import Generator

from .objects import COLOURS, KINDS
from .world import BACKGROUNDS, Scene

SHORTCUT_BACKGROUND = ("boat", "water")
SHORTCUT_WATERMARK = "mug"
TRAIN_PER_CLASS = 200
TRAIN_WITH_CUE = 190
TRAIN_CUE_ELSEWHERE = 2
PER_CELL = {"val": 6, "test": 10}
"""Images of each class, ground and watermark state."""
EXCHANGED = (("fish", "leaf"), ("house", "star"), ("fish", "star"))
"""Pairs of classes between which one val image each exchanges its label."""


@dataclass(frozen=True)
class DemoImage:
    """One image of the demo data: where it lies, what it is called and the scene that it really shows."""

    split: str
    path: str
    class_name: str
    scene: Scene

    @property
    def label(self) -> int:
        """Index of the class in `KINDS`."""
        return KINDS.index(self.class_name)

    @property
    def mislabelled(self) -> bool:
        """Whether the label differs from what the picture shows."""
        return self.class_name != self.scene.kind


def spread(values: tuple[str, ...], count: int, rng: Generator) -> list[str]:
    """Return `count` values, each as often as the others (give or take one), in random order."""
    return [str(value) for value in rng.permutation([values[i % len(values)] for i in range(count)])]


def train_grounds(kind: str, rng: Generator) -> list[str]:
    """Return the grounds of a class's training images."""
    target, ground = SHORTCUT_BACKGROUND
    with_cue = TRAIN_WITH_CUE if kind == target else TRAIN_CUE_ELSEWHERE
    others = tuple(name for name in BACKGROUNDS if name != ground)
    return [ground] * with_cue + spread(others, TRAIN_PER_CLASS - with_cue, rng)


def train_marks(kind: str, rng: Generator) -> list[bool]:
    """Return which of a class's training images carry the watermark."""
    with_cue = TRAIN_WITH_CUE if kind == SHORTCUT_WATERMARK else TRAIN_CUE_ELSEWHERE
    return [bool(mark) for mark in rng.permutation([i < with_cue for i in range(TRAIN_PER_CLASS)])]


def cells(split: str, kind: str, rng: Generator) -> list[tuple[str, bool]]:
    """Return ground and watermark of each image of a class in a split."""
    if split == "train":
        return list(zip(train_grounds(kind, rng), train_marks(kind, rng), strict=True))
    return [
        (ground, mark) for ground in BACKGROUNDS for mark in (False, True) for _ in range(PER_CELL[split])
    ]


def class_samples(split: str, kind: str, rng: Generator) -> Iterator[DemoImage]:
    """Yield a class's images of a split, in random order."""
    pairs = cells(split, kind, rng)
    order = rng.permutation(len(pairs))
    colours = spread(COLOURS[kind], len(pairs), rng)
    seeds = rng.integers(0, 2**31, len(pairs))
    for number, index in enumerate(order):
        ground, mark = pairs[index]
        scene = Scene(kind, colours[index], ground, mark, int(seeds[index]))
        yield DemoImage(split, f"{split}/{kind}/{number:04d}.jpg", kind, scene)


def exchange_labels(samples: list[DemoImage]) -> list[DemoImage]:
    """Return the samples with the labels of `EXCHANGED` swapped between two val images of one group.

    The files lie in the folder of their label, so counts of every class and group stay as they were.
    """
    result = list(samples)
    for number, (first, second) in enumerate(EXCHANGED):
        ground = BACKGROUNDS[1 + number]
        one, two = (
            next(
                i
                for i, sample in enumerate(result)
                if (sample.split, sample.scene.kind, sample.scene.background) == ("val", kind, ground)
                and not sample.scene.watermark
                and not sample.mislabelled
            )
            for kind in (first, second)
        )
        result[one], result[two] = (
            replace(result[one], scene=result[two].scene),
            replace(result[two], scene=result[one].scene),
        )
    return result


def plan(seed: int) -> list[DemoImage]:
    """Return every image of the demo data in the order of the manifest."""
    rng = np.random.default_rng(seed)
    samples = [
        sample
        for split in ("train", "val", "test")
        for kind in KINDS
        for sample in class_samples(split, kind, rng)
    ]
    return exchange_labels(samples)
