"""The images that show a mode best."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from ...tensors import SplitFeatures
from .carried import concerned_classes, of_classes
from .discover import FailureModes


@dataclass(frozen=True)
class ModeImages:
    """Rows of a split that score high on a mode, highest first.

    Its own `mistakes` (those of the split on which it was found), `right` answers of the classes that it
    concerns, images of all `others`; and `without`, the images of its classes that score lowest.
    """

    mistakes: tuple[int, ...]
    right: tuple[int, ...]
    others: tuple[int, ...]
    without: tuple[int, ...]


def exemplars_of(
    data: SplitFeatures, found: FailureModes, mode: int, values: Tensor, count: int
) -> ModeImages:
    """Return up to `count` images of each kind by the mode's scores `values` [N] on the split `data`."""
    own = found.rows_of(mode)
    classes = concerned_classes(data.labels[own])
    inside = of_classes(data.labels, classes)
    right = (inside & ~data.mistakes).nonzero().squeeze(1)
    others = (~inside).nonzero().squeeze(1)
    lowest = inside.nonzero().squeeze(1)
    mistakes, correct, rest = (_highest(values, rows, count) for rows in (own, right, others))
    return ModeImages(mistakes, correct, rest, without=_highest(-values, lowest, count))


def _highest(values: Tensor, rows: Tensor, count: int) -> tuple[int, ...]:
    order = values[rows].argsort(descending=True, stable=True)[:count]
    return tuple(rows[order].tolist())
