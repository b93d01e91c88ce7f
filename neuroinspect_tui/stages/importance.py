"""How much a class leans on a neuron: the retaining ratio (arXiv 2310.07184, stage 1)."""

from __future__ import annotations

import torch
from torch import Tensor

from ..tensors import Head, OnProgress, no_progress

BLOCK_ELEMENTS = 1 << 20
LARGEST_EXPONENT = 700.0


def mean_features(
    features: Tensor, rows: Tensor | None = None, on_progress: OnProgress = no_progress
) -> Tensor:
    """Return the mean [D] float64 of features [N,D], or of its `rows` [K], read block by block.

    Rows with features that are not finite are left out; the mean over no rows is zero.
    """
    size = len(features) if rows is None else len(rows)
    block = max(1, BLOCK_ELEMENTS // features.shape[1])
    total, count = torch.zeros(features.shape[1], dtype=torch.float64), 0
    for start in range(0, size, block):
        on_progress(start, size)
        chosen = slice(start, start + block) if rows is None else rows[start : start + block]
        part = features[chosen].float()
        sums = part.sum(dim=0)
        if not bool(sums.isfinite().all()):
            part = part[part.isfinite().all(dim=1)]
            sums = part.sum(dim=0)
        total += sums
        count += len(part)
    return total / max(count, 1)


def retaining_ratio(mean: Tensor, head: Head, target: int, neurons: Tensor | None = None) -> Tensor:
    """Return r_n = p(z̄)_c / p(z̄ with z̄_n = 0)_c, [K] float64 for `neurons` [K] (None: all D).

    `mean` is z̄ [D], `target` is c; above 1 the class leans on the neuron. Closed form: the logits without
    n are W z̄ + b - W[:,n] z̄_n, so no [B,D,D] tensor is made. A ratio is capped at e^700.
    """
    chosen = torch.arange(head.neurons) if neurons is None else neurons
    mean, weight = mean.double(), head.weight.double()
    logits = weight @ mean + head.bias.double()
    kept = torch.log_softmax(logits, dim=0)[target]
    ratios = []
    for part in chosen.split(max(1, BLOCK_ELEMENTS // head.classes)):
        without = logits - (weight[:, part] * mean[part]).T
        ratios.append((kept - torch.log_softmax(without, dim=1)[:, target]).clamp(max=LARGEST_EXPONENT).exp())
    return torch.cat(ratios) if ratios else torch.empty(0, dtype=torch.float64)
