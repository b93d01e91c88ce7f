"""From factors to directions in feature space, and the scores of any image in them."""

from __future__ import annotations

import torch
from torch import Tensor

from ...tensors import OnProgress, SplitFeatures, no_progress
from .factorise import Factors
from .mistakes import BLOCK_ELEMENTS, Mistakes, read_rows


def directions_of(factors: Factors, mistakes: Mistakes, rows: Tensor) -> Tensor:
    """Return d_k = g_k ∘ (both parts of factor k), [K,D] of unit length, for the factors of `rows` [M].

    g_k = Σ u_ik g_i / Σ u_ik is the mean pull W_c − W_y of the mistakes by their shares in the factor.
    """
    neurons, data = mistakes.head.neurons, mistakes.data
    votes = torch.zeros(mistakes.head.classes, len(factors.parts))
    votes.index_add_(0, data.predicted[rows], factors.shares)
    votes.index_add_(0, data.labels[rows], factors.shares, alpha=-1)
    pull = votes.T @ mistakes.head.weight / factors.shares.sum(dim=0).clamp_min(1e-12)[:, None]
    # The pull gives the sign: a factor says how much a neuron did, the pull which way it acts.
    return unit(pull * (factors.parts[:, :neurons] + factors.parts[:, neurons:]))


def unit(directions: Tensor) -> Tensor:
    """Return directions [K,D] of length one; zeros stay zero."""
    return torch.nn.functional.normalize(directions, dim=1)


def scores(features: Tensor, directions: Tensor, on_progress: OnProgress = no_progress) -> Tensor:
    """Return s_k(x) = z·d_k, [N,K] float32, for features [N,D] of any float type, block by block."""
    found = torch.empty(len(features), len(directions))
    block = max(1, BLOCK_ELEMENTS // max(1, features.shape[1]))
    for start in range(0, len(features), block):
        on_progress(start, len(features))
        part = read_rows(features, slice(start, start + block))
        found[start : start + block] = part @ directions.T
    return found


def within_class(values: Tensor, labels: Tensor) -> Tensor:
    """Return `values` [N,K] less the mean of each image's class."""
    classes = int(labels.max()) + 1 if len(labels) else 1
    counts = torch.bincount(labels, minlength=classes).clamp_min(1)
    sums = torch.zeros(classes, values.shape[1]).index_add_(0, labels, values)
    return values - (sums / counts[:, None])[labels]


def agreement(own: Tensor, other: Tensor) -> Tensor:
    """Return the correlations [K,L] of the columns of centred scores [N,K] and [N,L]."""
    lengths = own.norm(dim=0)[:, None] * other.norm(dim=0)[None]
    return torch.where(lengths > 0, own.T @ other / lengths.clamp_min(1e-12), 0.0)


def sample_rows(data: SplitFeatures, count: int) -> Tensor:
    """Return up to `count` rows spread evenly over the split."""
    return torch.linspace(0, max(0, len(data) - 1), min(len(data), count)).round().long()
