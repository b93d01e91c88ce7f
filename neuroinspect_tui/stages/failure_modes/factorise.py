"""The factors of the table of contributions (non-negative matrix factorisation, Lee and Seung 1999)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ...tensors import OnProgress, no_progress
from .mistakes import Mistakes
from .nmf import express, fit

FIT_ROWS = 1024
"""Of more mistakes as many are drawn at random and factorised; all are then expressed in their factors."""

_FEWEST_MEMBERS = 3


@dataclass(frozen=True)
class Factors:
    """`shares` [M,K] ≥ 0 of the mistakes in the factors `parts` [K,2D] ≥ 0, each of unit length."""

    shares: Tensor
    parts: Tensor

    @property
    def members(self) -> Tensor:
        """[M] int64: the factor with the largest share in each mistake; -1 where none has any."""
        largest = self.shares.max(dim=1)
        return torch.where(largest.values > 0, largest.indices, -1)


def factorise(
    mistakes: Mistakes, rows: Tensor, k: int, seed: int, on_progress: OnProgress = no_progress
) -> Factors:
    """Factorise the contributions of `rows` [M] into `k` factors, at most M/3 or 2D and at least one.

    Contributions of at most `FIT_ROWS` mistakes are in memory at once.
    """
    drawn = draw_rows(rows, FIT_ROWS, seed)
    shares, parts = fit_parts(mistakes.contributions(drawn), k, len(rows), seed)
    if len(drawn) < len(rows):
        shares = _express(parts, mistakes, rows, on_progress)
    return normalised(shares, parts)


def draw_rows(rows: Tensor, most: int, seed: int) -> Tensor:
    """Return `rows`, or `most` of them drawn at random, in order."""
    if len(rows) <= most:
        return rows
    order = torch.randperm(len(rows), generator=torch.Generator().manual_seed(seed))
    return rows[order[:most].sort().values]


def fit_parts(table: Tensor, k: int, mistakes: int, seed: int) -> tuple[Tensor, Tensor]:
    """Fit at most `k` factors of a table [n,P] for so many mistakes; return shares [n,K] and parts [K,P]."""
    count = max(1, min(k, mistakes // _FEWEST_MEMBERS, table.shape[1]))
    if not bool((table > 0).any()):
        return torch.zeros(len(table), count), torch.zeros(count, table.shape[1])
    return fit(table, count, seed)


def normalised(shares: Tensor, parts: Tensor) -> Factors:
    """Return factors of unit length with the shares that keep their product."""
    # A factorisation leaves the scale between shares and parts open; unit parts make shares comparable.
    length = parts.norm(dim=1)
    return Factors(shares * length, parts / length.clamp_min(1e-12)[:, None])


def _express(parts: Tensor, mistakes: Mistakes, rows: Tensor, on_progress: OnProgress) -> Tensor:
    """Return the shares [M,K] of all `rows` in factors that were found, block by block."""
    found: list[Tensor] = []
    for block in mistakes.blocks(rows):
        on_progress(sum(map(len, found)), len(rows))
        found.append(express(mistakes.contributions(block), parts))
    return torch.cat(found)
