"""Rows of a split as the tables show them."""

from __future__ import annotations

from torch import Tensor

from ..tensors import SplitFeatures


def select_rows(
    data: SplitFeatures, target: int, predicted: int | None = None, only_mistakes: bool = True
) -> Tensor:
    """Return the rows [K] of class `target` in order: all, its mistakes, or those of one prediction."""
    wanted = data.labels == target
    if predicted is not None:
        wanted = wanted & (data.predicted == predicted)
    elif only_mistakes:
        wanted = wanted & data.mistakes
    return wanted.nonzero().squeeze(1)
