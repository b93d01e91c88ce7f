"""Weighted second moments of the features, summed block by block."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from scipy.linalg.blas import ssyrk
from torch import Tensor

from ...tensors import Tick, no_tick
from .examples import Examples


@dataclass(frozen=True)
class Moments:
    """With x = (z, 1): `gram` [D+1,D+1] = Σ w x xᵀ and `cross` [D+1,K] = Σ w x rᵀ, float32.

    The last row and column hold the sums of w z, and Σ w.
    """

    gram: Tensor
    cross: Tensor


def with_one(features: Tensor) -> Tensor:
    """Return (z, 1) [B,D+1] of features [B,D]."""
    return torch.cat([features, features.new_ones(len(features), 1)], dim=1)


def moments(
    examples: Examples, weights: Tensor, right: Callable[[slice, Tensor], Tensor], tick: Tick = no_tick
) -> Moments:
    """Sum the moments of the examples with `weights` [N] against r = `right(rows, features)` [B,K].

    The Gram matrix is built by symmetric rank-k updates: half the work of a product.
    """
    size = examples.neurons + 1
    gram, cross = torch.zeros(size, size, dtype=torch.float64), torch.zeros(())
    for where, features in examples.blocks():
        tick(where.start, len(examples))
        root = weights[where, None].sqrt()
        rows = with_one(features) * root
        gram += torch.from_numpy(ssyrk(1.0, rows.numpy().T))
        cross = cross + (rows.T @ (right(where, features) * root)).double()
    upper = gram.triu()
    return Moments((upper + upper.triu(1).T).float(), cross.float())
