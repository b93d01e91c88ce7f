"""Weighted first and second moments of the features, summed block by block: all that closed forms need."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from scipy.linalg.blas import ssyrk
from torch import Tensor

from ...tensors import OnProgress, no_progress
from .examples import Examples

WIDE = 8192


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

    def whitened(self, shared: Tensor, ridge: float) -> Tensor:
        """Return (Σ_zz + ρ)⁻¹ v for `shared` v [D,V], ρ `ridge` times the mean diagonal of Σ_zz."""
        spread = self.gram[:-1, :-1] - torch.outer(self.mean, self.mean)
        spread.diagonal().add_(ridge * spread.diagonal().mean())
        return torch.cholesky_solve(shared, torch.linalg.cholesky(spread))


@dataclass(frozen=True)
class DualMoments:
    """The same of few images with very many neurons, where D × D would not fit: everything through N × N.

    `rows` [N,D+1] float32 are √w x; `sums`, `labels` and `codes` as in `Moments`.
    """

    rows: Tensor
    sums: Tensor
    labels: Tensor
    codes: Tensor

    @property
    def mean(self) -> Tensor:
        """Return Σ w z, [D] float64."""
        return self.sums[:, :-1].sum(dim=0)

    @property
    def size(self) -> float:
        """Return the mean of diag Σ w z zᵀ."""
        return float(self.rows[:, :-1].double().square().sum()) / (self.rows.shape[1] - 1)

    def whitened(self, shared: Tensor, ridge: float) -> Tensor:
        """Return (Σ_zz + ρ)⁻¹ v by the matrix inversion lemma, with B = √w (z − μ), Σ_zz = Bᵀ B:

        (v − Bᵀ (B Bᵀ + ρ)⁻¹ B v) / ρ.
        """
        centred = self.rows[:, :-1].double() - self.rows[:, -1:].double() * self.mean
        rho = ridge * float(centred.square().sum()) / centred.shape[1]
        kernel = centred @ centred.T
        kernel.diagonal().add_(rho)
        inner = torch.cholesky_solve(centred @ shared, torch.linalg.cholesky(kernel))
        return (shared - centred.T @ inner) / rho


def is_wide(examples: Examples) -> bool:
    """Return whether D × D is too much: more than 8192 neurons."""
    return examples.neurons >= WIDE


def dual_moments(examples: Examples, weights: Tensor, on_progress: OnProgress = no_progress) -> DualMoments:
    """Take the examples with `weights` [N] into memory."""
    cell, count = examples.cells()
    first = torch.full((len(count),), len(examples)).scatter_reduce(0, cell, torch.arange(len(cell)), "amin")
    rows = torch.empty(len(examples), examples.neurons + 1)
    sums = torch.zeros(len(count), examples.neurons + 1, dtype=torch.float64)
    for where, features in examples.blocks():
        on_progress(where.start, len(examples))
        root = weights[where, None].sqrt()
        rows[where] = with_one(features) * root
        sums.index_add_(0, cell[where], (rows[where] * root).double())
    return DualMoments(rows, sums, examples.labels[first], examples.codes[first])


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
