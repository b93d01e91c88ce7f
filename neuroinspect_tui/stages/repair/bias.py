"""The control that moves one logit: what a threshold alone would repair."""

from __future__ import annotations

import torch
from torch import Tensor

from ...tensors import Head, OnProgress, no_progress
from .candidates import Candidate, score
from .examples import Examples, thinned

OFFSETS = 41
LARGEST_SAMPLE = 16_384


def shift_bias(
    examples: Examples, choosing: Examples, head: Head, target: int, on_progress: OnProgress = no_progress
) -> Candidate:
    """Return the old head with its target bias raised or lowered by what scores best on `choosing`.

    The offsets tried are 0 and 40 quantiles over `examples` (at most 16 384) of best other logit − target
    logit, the values at which decisions change. A shift decides between the target and the best other class
    alone, so one pass over the features judges all of them.
    """
    sample = thinned(examples, LARGEST_SAMPLE, torch.Generator().manual_seed(0))
    margins, _ = _margins(sample, head, target, on_progress)
    quantiles = torch.quantile(margins, torch.linspace(0.01, 0.99, OFFSETS - 1))
    margins, others = _margins(choosing, head, target, on_progress)
    wins_ties = target < others

    def decided(offset: float) -> Tensor:
        wins = (margins < offset) | ((margins == offset) & wins_ties)
        return torch.where(wins, target, others)

    best = max((0.0, *quantiles.tolist()), key=lambda offset: score(choosing, decided(offset)))
    bias = head.bias.clone()
    bias[target] += best
    return Candidate(Head(head.weight, bias), {"offset": best})


def _margins(examples: Examples, head: Head, target: int, on_progress: OnProgress) -> tuple[Tensor, Tensor]:
    """Return the best other logit − target logit [N] float32, and the class of that other [N] int64."""
    margins, others = torch.empty(len(examples)), torch.empty(len(examples), dtype=torch.int64)
    for where, features in examples.blocks():
        on_progress(where.start, len(examples))
        logits = head.logits(features)
        own = logits[:, target].clone()
        logits[:, target] = -torch.inf
        best, others[where] = logits.max(dim=1)
        margins[where] = best - own
    return margins, others
