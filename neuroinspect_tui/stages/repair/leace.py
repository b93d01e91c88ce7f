"""Least-squares erasure of the group from what the head reads, folded into the head."""

from __future__ import annotations

import torch
from torch import Tensor

from ...errors import InputError
from ...tensors import Head, OnProgress, no_progress
from .candidates import Candidate
from .examples import Examples, thinned
from .moments import DualMoments, Moments, dual_moments, is_wide, moments

SHARES = (0.25, 0.5, 0.75, 1.0)
RELATIVE_RIDGE = 1e-3
LARGEST_FIT = 32_768
LARGEST_DUAL = 4096


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
    generator = torch.Generator().manual_seed(seed)
    if is_wide(examples):
        examples = thinned(examples, LARGEST_DUAL, generator)
        return erased_heads(dual_moments(examples, examples.balanced_weights(), on_progress), head)
    examples = thinned(examples, LARGEST_FIT, generator)
    return erased_heads(moments(examples, examples.balanced_weights(), on_progress), head)


def erased_heads(found: Moments | DualMoments, head: Head) -> list[Candidate]:
    """Return the head that reads erased features for each of four shares of the erasing step.

    LEACE (arXiv 2306.03819, theorem 4.3): r(z) = z − Σ_zg (Σ_zgᵀ Σ_zz⁺ Σ_zg)⁺ Σ_zgᵀ Σ_zz⁺ (z − μ) is the
    least change of z after which no linear probe for g beats a constant; the head W r(z) + b is again a
    head. Of several group columns the span is erased. g is the one-hot group value less its mean in the
    image's class, so that the class itself is not
    erased with a group that follows it, and 0 where the group is unknown. A thousandth of its mean diagonal
    is added to Σ_zz, which may be singular: E Σ_zg = Σ_zg, the erasure, holds for any such matrix.
    """
    shared = found.sums[:, :-1].T @ _within_class(found)
    whitened = found.whitened(shared, RELATIVE_RIDGE)
    weight, bias = head.weight.double(), head.bias.double()
    step = erasing_step(weight, shared, whitened)
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


def erasing_step(weight: Tensor, shared: Tensor, whitened: Tensor) -> Tensor:
    """Return W E [C,D], r(z) = z − E (z − μ), for `shared` Σ_zg and `whitened` Σ_zz⁻¹ Σ_zg, both [D,V]."""
    inner: Tensor = torch.linalg.pinv(shared.T @ whitened, rtol=1e-9)
    return (weight @ shared) @ inner @ whitened.T


def _within_class(found: Moments | DualMoments) -> Tensor:
    """Return g of each cell, [K,V] float64, V the values of all columns: the span of all is erased."""
    return torch.cat([_column_within_class(found, codes) for codes in found.codes.T], dim=1)


def _column_within_class(found: Moments | DualMoments, codes: Tensor) -> Tensor:
    """Return one-hot values [K,V] less their weighted mean among the class's known."""
    known = (codes >= 0).double()
    one_hot = torch.nn.functional.one_hot(codes.clamp(min=0)).double() * known[:, None]
    total = torch.zeros(int(found.labels.max()) + 1, one_hot.shape[1], dtype=torch.float64)
    total.index_add_(0, found.labels, found.sums[:, -1:] * one_hot)
    mean = total / total.sum(dim=1, keepdim=True).clamp(min=1e-12)
    return (one_hot - mean[found.labels]) * known[:, None]
