"""Least-squares erasure of the group from what the head reads, folded into the head."""

from __future__ import annotations

import torch
from torch import Tensor

from ...errors import InputError
from ...tensors import Head, Tick, no_tick
from .candidates import Candidate
from .examples import Examples
from .moments import moments

SHARES = (0.25, 0.5, 0.75, 1.0)
RELATIVE_RIDGE = 1e-6


def leace(examples: Examples, head: Head, tick: Tick = no_tick) -> list[Candidate]:
    """Return heads that read the features with the group erased, wholly and in part.

    LEACE (arXiv 2306.03819, theorem 4.3): r(z) = z − Σ_zg (Σ_zgᵀ Σ_zz⁺ Σ_zg)⁺ Σ_zgᵀ Σ_zz⁺ (z − μ) is the
    least change of z after which no linear probe for g beats a constant; the head W r(z) + b is again a
    head. g is the one-hot group value less its mean in the image's class, and images are weighted so that
    every (value, class) counts the same: the class itself is not erased with a group that follows it.
    Shares below 1 take that part of the step. Images of unknown group are left out. Raises InputError
    without two group values in some class.
    """
    if not has_groups(examples):
        raise InputError(
            "--repair leace needs a class that is in two groups", "tag images, or name a column with --groups"
        )
    part = examples.subset((examples.codes >= 0).nonzero()[:, 0])
    weights = part.balanced_weights()
    groups = _within_class(part, weights, head.classes)
    found = moments(part, weights, lambda rows, _: groups[rows], tick)
    mean = found.gram[:-1, -1].double()
    spread = found.gram[:-1, :-1].double() - torch.outer(mean, mean)
    shared = found.cross[:-1].double() - torch.outer(mean, found.cross[-1].double())
    erase = eraser(spread, shared)
    weight, step = head.weight.double(), head.weight.double() @ erase
    return [
        Candidate(
            Head((weight - share * step).float(), (head.bias.double() + share * step @ mean).float()),
            {"share": share},
        )
        for share in SHARES
    ]


def has_groups(examples: Examples) -> bool:
    """Return whether some class has images of two known groups."""
    known = examples.codes >= 0
    pairs = torch.stack([examples.labels, examples.codes])[:, known].unique(dim=1)
    return len(pairs[0]) > len(pairs[0].unique())


def eraser(spread: Tensor, shared: Tensor) -> Tensor:
    """Return E [D,D] with r(z) = z − E (z − μ), for Σ_zz `spread` [D,D] and Σ_zg `shared` [D,K] float64."""
    ridge = RELATIVE_RIDGE * spread.diagonal().mean()
    factor = torch.linalg.cholesky(spread + ridge * torch.eye(len(spread), dtype=spread.dtype))
    whitened = torch.cholesky_solve(shared, factor)
    return shared @ torch.linalg.pinv(shared.T @ whitened, rtol=1e-9) @ whitened.T


def _within_class(examples: Examples, weights: Tensor, classes: int) -> Tensor:
    """Return one-hot group values less their weighted mean in the image's class, [N,K] float32."""
    one_hot = torch.nn.functional.one_hot(examples.codes).float()
    total = torch.zeros(classes, one_hot.shape[1]).index_add_(0, examples.labels, weights[:, None] * one_hot)
    mean = total / total.sum(dim=1, keepdim=True).clamp(min=1e-12)
    return one_hot - mean[examples.labels]
