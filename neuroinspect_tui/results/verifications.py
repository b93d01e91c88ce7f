"""What a repair's exported weights do when they are loaded anew, beside what its verdict counted."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class JudgedImages:
    """The N images of `split` that a repair was judged on: its `rows` there, paths, labels and predictions.

    `untouched` and `repaired` are the classes that the two decision layers predict, `classes` the
    names of all.
    """

    split: str
    rows: tuple[int, ...]
    paths: tuple[str, ...]
    labels: tuple[int, ...]
    untouched: tuple[int, ...]
    repaired: tuple[int, ...]
    classes: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.rows)


@dataclass(frozen=True)
class DifferingImage:
    """An image for which the loaded weights predict `found` (None: it cannot be read), not `counted`."""

    path: str
    label: int
    counted: int
    found: int | None


@dataclass(frozen=True)
class Verification:
    """Of the `images` that repair `number` was judged on, `equal` get the class that its verdict counted.

    `weights` is the loaded file, relative to the session; `counted` and `found` are the accuracies by the
    verdict and by the loaded weights; `differing` holds the first images that differ. `fresh` says that
    another process did it; a model that stands in memory alone can only be copied in its own.
    """

    number: int
    weights: str
    split: str
    images: int
    equal: int
    counted: float
    found: float
    differing: tuple[DifferingImage, ...] = ()
    fresh: bool = True

    @property
    def holds(self) -> bool:
        """Whether every image is as the verdict counted it."""
        return self.equal == self.images
