"""Who carries a mode: mistakes and right answers of its classes above its threshold, and an exact test."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ...results.failure_modes import Carried, ScoreHistogram
from ...significance import holm
from ...tensors import SplitFeatures
from .exact import exact_p

CONCERNED = 0.9
BINS = 20
Counts = tuple[tuple[int, int], tuple[int, int]]
"""(above the threshold, all) of the mistakes and of the right answers."""


def concerned_classes(labels: Tensor) -> Tensor:
    """Return the classes, most mistakes first, that hold 90 % of the mistakes with these `labels` [m]."""
    classes, counts = labels.unique(return_counts=True)
    order = counts.argsort(descending=True, stable=True)
    before = counts[order].cumsum(0) - counts[order]
    concerned: Tensor = classes[order[before < CONCERNED * len(labels)]]
    return concerned


def of_classes(labels: Tensor, classes: Tensor) -> Tensor:
    """Return [N] bool: whether each label is one of `classes` [c]."""
    if not len(labels) or not len(classes):
        return torch.zeros(len(labels), dtype=torch.bool)
    wanted = torch.zeros(int(torch.maximum(labels.max(), classes.max())) + 1, dtype=torch.bool)
    wanted[classes] = True
    return wanted[labels]


def threshold_of(values: Tensor) -> float:
    """Return where scores [n] part into two (Otsu 1979): the cut of largest variance between its sides.

    It is midway between two neighbouring scores; the score itself where all are the same, +inf for none.
    """
    if not len(values):
        return float("inf")
    ordered = values.double().sort().values
    count = torch.arange(1, len(ordered), dtype=torch.float64)
    below = ordered.cumsum(0)[:-1]
    rest = len(ordered) - count
    # Otsu's criterion for every cut at once, from running sums of the ordered scores.
    between = count * rest * (below / count - (ordered.sum() - below) / rest).square()
    if not len(between) or float(between.max()) <= 0:
        return float(ordered[0])
    place = int(between.argmax())
    return float((ordered[place] + ordered[place + 1]) / 2)


def count_carried(data: SplitFeatures, classes: Tensor, values: Tensor, threshold: float) -> Counts:
    """Count (above the threshold, all) of the mistakes and the right answers of `classes`, by scores [N]."""
    own = of_classes(data.labels, classes)
    above, wrong = values > threshold, data.mistakes
    mistakes, right = own & wrong, own & ~wrong
    return (
        (int((mistakes & above).sum()), int(mistakes.sum())),
        (int((right & above).sum()), int(right.sum())),
    )


def histogram(data: SplitFeatures, inside: Tensor, values: Tensor, threshold: float) -> ScoreHistogram:
    """Count mistakes and right answers among the images `inside` [N] in `BINS` equal bins of scores [N]."""
    own, wrong = values[inside].double(), data.mistakes[inside]
    low, high = (float(own.min()), float(own.max())) if len(own) else (0.0, 0.0)
    edges = torch.linspace(low, high if high > low else low + 1, BINS + 1, dtype=torch.float64)
    bins = (torch.bucketize(own, edges, right=True) - 1).clamp(0, BINS - 1)
    mistakes, right = (tuple(torch.bincount(bins[k], minlength=BINS).tolist()) for k in (wrong, ~wrong))
    return ScoreHistogram(tuple(edges.tolist()), mistakes, right, threshold)


def carried_by(counts: Sequence[Counts], held_out: Sequence[Counts]) -> tuple[Carried, ...]:
    """Return each mode's counts with Fisher's exact p (more mistakes than right answers), after Holm.

    The mode was made from these mistakes: the p is the larger one of theirs and of the counts `held_out`.
    """
    chances = [max(_fisher(*own), _fisher(*other)) for own, other in zip(counts, held_out, strict=True)]
    return tuple(Carried(*own, p) for own, p in zip(counts, holm(chances), strict=True))


def _fisher(mistakes: tuple[int, int], right: tuple[int, int]) -> float:
    return exact_p([(*mistakes, mistakes[0] + right[0], mistakes[1] + right[1])])
