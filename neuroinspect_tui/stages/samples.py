"""Rows of a split as the tables show them."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from ..results import Sample
from ..tensors import SplitFeatures


def select_rows(
    data: SplitFeatures, target: int, predicted: int | None = None, only_mistakes: bool = True
) -> Tensor:
    """Return the rows [K] of class `target` in order: all, its mistakes, or those taken for `predicted`."""
    wanted = data.labels == target
    if predicted is not None:
        wanted = wanted & (data.predicted == predicted)
    elif only_mistakes:
        wanted = wanted & data.mistakes
    return wanted.nonzero().squeeze(1)


def list_samples(
    data: SplitFeatures, rows: Tensor, culprits: Sequence[tuple[int, ...]] | None = None
) -> tuple[Sample, ...]:
    """Return one Sample for each of `rows` [K], with its own `culprits` where they are known."""
    columns = zip(
        rows.tolist(),
        data.labels[rows].tolist(),
        data.predicted[rows].tolist(),
        data.confidence[rows].tolist(),
        culprits or [()] * len(rows),
        strict=True,
    )
    return tuple(
        Sample(data.split, row, data.paths[row], label, predicted, confidence, own)
        for row, label, predicted, confidence, own in columns
    )
