"""Least-squares erasure of the group from what the head reads, folded into the head."""

from __future__ import annotations

import torch
from torch import Tensor

from ...errors import InputError
from ...tensors import Head, OnProgress, no_progress
from .candidates import Candidate
from .examples import Examples, thinned
from .moments import Moments, moments

SHARES = (0.25, 0.5, 0.75, 1.0)
RELATIVE_RIDGE = 1e-3
LARGEST_FIT = 32_768


def leace(
    examples: Examples, head: Head, seed: int = 0, on_progress: OnProgress = no_progress
) -> list[Candidate]:
    """Return heads that read the features with the groups erased, in part and (last) wholly.

    Every (group value, class) has the same weight. Of more than 32 768 images the largest groups are thinned.
    Raises InputError without two group values in some class.
    """
    if not has_groups(examples):
        raise InputError(
            "--repair leace needs a class that is in two groups", "tag images, or name a column with --groups"
        )
    examples = thinned(examples, LARGEST_FIT, torch.Generator().manual_seed(seed))
    return erased_heads(moments(examples, examples.balanced_weights(), on_progress), head)


def erased_heads(found: Moments, head: Head) -> list[Candidate]:
    """Return the head that reads erased features for each of four shares of the erasing step.

    LEACE (arXiv 2306.03819, theorem 4.3): r(z) = z − Σ_zg (Σ_zgᵀ Σ_zz⁺ Σ_zg)⁺ Σ_zgᵀ Σ_zz⁺ (z − μ) is the
    least change of z after which no linear probe for g beats a constant; the head W r(z) + b is again a
    head. Of several group columns the span is erased. g is the one-hot group value less its mean in the
    image's class, so that the class itself is not
    erased with a group that follows it, and 0 where the group is unknown.
    """
    groups = _within_class(found)
    spread = found.gram[:-1, :-1] - torch.outer(found.mean, found.mean)
    weight, bias = head.weight.double(), head.bias.double()
    step = weight @ eraser(spread, found.sums[:, :-1].T @ groups)
    return [
        Candidate(
            Head((weight - share * step).float(), (bias + share * step @ found.mean).float()),
            {"share": share},
        )
        for share in SHARES
    ]


def has_groups(examples: Examples) -> bool:
    """Return whether some class has images of two known groups."""
    for codes in examples.codes.T:
        pairs = torch.stack([examples.labels, codes])[:, codes >= 0].unique(dim=1)
        if len(pairs[0]) > len(pairs[0].unique()):
            return True
    return False


def eraser(spread: Tensor, shared: Tensor) -> Tensor:
    """Return E [D,D] with r(z) = z − E (z − μ), for Σ_zz `spread` [D,D] and Σ_zg `shared` [D,K] float64.

    A thousandth of its mean diagonal is added to Σ_zz, which may be singular: E Σ_zg = Σ_zg, the erasure,
    holds for any such matrix; the change of z is the least for the exact one.
    """
    ridge = RELATIVE_RIDGE * spread.diagonal().mean()
    factor = torch.linalg.cholesky(spread + ridge * torch.eye(len(spread), dtype=spread.dtype))
    whitened = torch.cholesky_solve(shared, factor)
    erased: Tensor = shared @ torch.linalg.pinv(shared.T @ whitened, rtol=1e-9) @ whitened.T
    return erased


def _within_class(found: Moments) -> Tensor:
    """Return g of each cell, [K,V] float64, V the values of all columns: the span of all is erased."""
    return torch.cat([_column_within_class(found, codes) for codes in found.codes.T], dim=1)


def _column_within_class(found: Moments, codes: Tensor) -> Tensor:
    """Return one-hot values [K,V] less their weighted mean among the class's known."""
    known = (codes >= 0).double()
    one_hot = torch.nn.functional.one_hot(codes.clamp(min=0)).double() * known[:, None]
    total = torch.zeros(int(found.labels.max()) + 1, one_hot.shape[1], dtype=torch.float64)
    total.index_add_(0, found.labels, found.sums[:, -1:] * one_hot)
    mean = total / total.sum(dim=1, keepdim=True).clamp(min=1e-12)
    return (one_hot - mean[found.labels]) * known[:, None]
