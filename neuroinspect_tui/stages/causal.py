"""The causal check: which share of a class's mistakes is fixed when neurons are set to fixed values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ..tensors import Head, OnProgress, no_progress

BLOCK_ELEMENTS = 1 << 20


@dataclass(frozen=True)
class Intervention:
    """Set `neurons` [K] int64 to `values` [K] float32 in every mistake."""

    neurons: Tensor
    values: Tensor


def fixed_shares(
    features: Tensor,
    rows: Tensor,
    target: int,
    head: Head,
    interventions: Sequence[Intervention],
    on_progress: OnProgress = no_progress,
) -> list[float]:
    """Return, for each intervention, the share of the mistakes that it turns into `target`.

    `rows` [M] are the mistakes of class `target` among features [N,D]. A mistake that the stored (rounded)
    features already decide rightly is fixed by nothing. Memory is bounded for any M, D and C.
    """
    fixed = torch.zeros(len(interventions), dtype=torch.int64)
    block = max(1, BLOCK_ELEMENTS // max(head.classes, head.neurons))
    for start in range(0, len(rows), block):
        on_progress(start, len(rows))
        z = features[rows[start : start + block]].float()
        lead = _lead(head.logits(z), target)
        # The mistakes are the model's: from rounded features a near tie may come out right, which no
        # intervention has fixed.
        wrong = lead.amin(dim=1) <= 0
        z, lead = z[wrong], lead[wrong]
        for index, change in enumerate(interventions):
            moved = _move(z, target, head, change)
            fixed[index] += (lead + moved).amin(dim=1).gt(0).sum()
    return (fixed.double() / max(len(rows), 1)).tolist()


def _lead(logits: Tensor, target: int) -> Tensor:
    """Return how far the target's logit is above each other class, [M,C]; its own column is infinite."""
    lead = logits[:, target : target + 1] - logits
    lead[:, target] = torch.inf
    return lead


def _move(z: Tensor, target: int, head: Head, change: Intervention) -> Tensor:
    """Return how much `change` adds to the target's lead over each class, [M,C]."""
    weight = head.weight[:, change.neurons]
    return (change.values - z[:, change.neurons]) @ (weight[target] - weight).T
