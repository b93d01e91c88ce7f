"""How likely a neuron follows a cue that is not the class: two kinds of evidence.

*Pull*: among images of all other classes, those on which the neuron fires are pushed towards the class (or
away from it), whatever they show. It needs the cached features alone. *Outside*: CLIP loses less of the class
when the neuron's region is taken out of its exemplars than when the same region elsewhere is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ..tensors import Head, OnProgress, SplitFeatures, no_progress
from .illusion_optimizer import ImageEncoder
from .masks import activation_mask

_BLOCK_ROWS = 8192


@dataclass(frozen=True)
class Suspicion:
    """`score` 0…1 (higher: more likely a spurious cue) and the evidence: `pull` −1…1, `outside` 0…1."""

    score: float
    pull: float
    outside: float | None = None


def pulls(
    data: SplitFeatures,
    head: Head,
    target: int,
    neurons: Sequence[int],
    on_progress: OnProgress = no_progress,
) -> list[float]:
    """Return for each of `neurons` how its firing moves images of other classes towards `target`, −1…1.

    It is the correlation, over the images of all other classes and within these classes, of z_n with the lead
    (W_c − mean W)·z of the class; 0 for a neuron that never changes.
    """
    chosen = torch.as_tensor(list(neurons), dtype=torch.int64)
    direction = head.weight[target] - head.weight.mean(0)
    rows = (data.labels != target).nonzero().squeeze(1)
    table = torch.empty(len(rows), len(chosen) + 1)
    for start in range(0, len(rows), _BLOCK_ROWS):
        on_progress(start, len(rows))
        block = data.features[rows[start : start + _BLOCK_ROWS]].float()
        table[start : start + len(block), :-1] = block[:, chosen]
        table[start : start + len(block), -1] = block @ direction
    centred = _within(table, data.labels[rows], head.classes)
    spread = centred.square().sum(0).sqrt()
    product = (centred[:, :-1] * centred[:, -1:]).sum(0)
    scale = spread[:-1] * spread[-1]
    return torch.where(scale > 0, product / scale.clamp_min(1e-12), 0.0).tolist()


def outside_share(encoder: ImageEncoder, text: Tensor, images: Tensor, maps: Tensor) -> float:
    """Return the share of exemplars whose class CLIP sees rather outside the neuron's region, 0…1.

    Takes exemplars `images` [K,3,S,S] in 0…1, their `maps` [K,h,w] of the neuron, the class's `text` [E].
    The region is painted over with the image's mean colour, and so, for comparison, is the region mirrored.
    0.5 is chance, also where a region mirrors onto itself.
    """
    kept = activation_mask(maps, *images.shape[-2:])[:, None] == 1
    mean = images.mean((2, 3), keepdim=True)
    with torch.no_grad():
        without = encoder.encode_image(torch.where(kept, mean, images)) @ text
        elsewhere = encoder.encode_image(torch.where(kept.flip(2, 3), mean, images)) @ text
    return float(((without > elsewhere).float() + (without == elsewhere).float() / 2).mean())


def suspicion(pull: float, outside: float | None = None) -> Suspicion:
    """Weigh the evidence: |pull|, and half of what CLIP says beyond chance where it was asked."""
    score = abs(pull)
    if outside is not None:
        score = score + (1 - score) * max(0.0, outside - 0.5)
    return Suspicion(min(1.0, score), pull, outside)


def _within(table: Tensor, labels: Tensor, classes: int) -> Tensor:
    """Return the table [N,K] less the mean of each row's class."""
    counts = torch.bincount(labels, minlength=classes).clamp_min(1)
    sums = torch.zeros(classes, table.shape[1]).index_add_(0, labels, table)
    return table - (sums / counts[:, None])[labels]
