"""Ranks with ties, of which the tests by ranks are made."""

from __future__ import annotations

import torch
from torch import Tensor


def average_ranks(values: Tensor) -> Tensor:
    """Return the ranks [n] float64 of `values` [n] from 1 on; equal ones share the mean of theirs."""
    _, place, counts = torch.unique(values, return_inverse=True, return_counts=True)
    ranks: Tensor = (counts.cumsum(0) - (counts - 1) / 2.0).double()[place]
    return ranks
