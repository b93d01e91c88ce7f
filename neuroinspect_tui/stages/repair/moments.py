"""Weighted first and second moments of the features, summed block by block: all that closed forms need."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from scipy.linalg.blas import ssyrk
from torch import Tensor

from ...tensors import OnProgress, no_progress
from .examples import Examples


@dataclass(frozen=True)
class Moments:
    """Moments of x = (z, 1) of examples with weights w that sum to 1, float64.

    `gram` [D+1,D+1] = Σ w x xᵀ; `sums` [K,D+1] = Σ w x over each (class, group values) cell, whose class and
    values are `labels` [K] and `codes` [K,G] int64 (-1 unknown).
    """

    gram: Tensor
    sums: Tensor
    labels: Tensor
    codes: Tensor

    @property
    def mean(self) -> Tensor:
        """Return Σ w z, [D]."""
        return self.gram[:-1, -1]

    @property
    def size(self) -> float:
        """Return the mean of diag Σ w z zᵀ: what strengths are relative to."""
        return float(self.gram.diagonal()[:-1].mean())


def with_one(features: Tensor) -> Tensor:
    """Return (z, 1) [B,D+1] of features [B,D]."""
    return torch.cat([features, features.new_ones(len(features), 1)], dim=1)


def moments(examples: Examples, weights: Tensor, on_progress: OnProgress = no_progress) -> Moments:
    """Sum the moments of the examples with `weights` [N] float32.

    The Gram matrix is built by symmetric rank-k updates: half the work of a product.
    """
    cell, count = examples.cells()
    first = torch.full((len(count),), len(examples)).scatter_reduce(0, cell, torch.arange(len(cell)), "amin")
    gram = torch.zeros(examples.neurons + 1, examples.neurons + 1, dtype=torch.float64)
    sums = torch.zeros(len(count), examples.neurons + 1, dtype=torch.float64)
    for where, features in examples.blocks():
        on_progress(where.start, len(examples))
        root = weights[where, None].sqrt()
        rows = with_one(features).mul_(root)
        gram += torch.from_numpy(ssyrk(1.0, rows.numpy().T))
        part = torch.zeros(len(count), rows.shape[1]).index_add_(0, cell[where], rows.mul_(root))
        sums += part
    upper = gram.triu()
    return Moments(upper + upper.triu(1).T, sums, examples.labels[first], examples.codes[first])
