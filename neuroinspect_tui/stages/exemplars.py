"""The real images on which a neuron fires most, and where in them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from ..results import ExemplarKind
from ..tensors import Head, SplitFeatures
from .masks import THRESHOLD, activation_mask, standardise, upsample
from .units import Units

_SMALLEST_SHARE = 1 / 3
_MARGIN = 0.1

Box = tuple[int, int, int, int]
"""Left, top, right and bottom in pixels, right and bottom exclusive."""


@dataclass(frozen=True)
class Ranked:
    """An image by its `row`, and what the neuron did for its decision.

    `contribution` is (W_pn − W_on)·z_n: what the neuron adds to the lead of the predicted class p over o, the
    image's own class where it was mistaken, the runner-up where it was not.
    """

    row: int
    activation: float
    contribution: float


def rank_exemplars(
    data: SplitFeatures,
    head: Head,
    target: int,
    neuron: int,
    count: int,
    order: Literal["activation", "contribution"] = "activation",
    units: Units | None = None,
) -> dict[ExemplarKind, list[Ranked]]:
    """Return the `count` images on which `neuron` fires most: of all, of the class, of the class's mistakes.

    With `units` it may be the number of a direction: what (W_p − W_o)·d̂ adds is then its contribution.
    Strongest first, by activation or by contribution; images on which it is silent are left out.
    """
    known = units or Units.none(head.neurons)
    activation = known.activation(data.features, neuron)
    contribution = activation * _lead(data, known.weight(head, neuron))
    own = data.labels == target
    among: dict[ExemplarKind, Tensor] = {
        "overall": torch.ones_like(own),
        "class": own,
        "mistakes": own & data.mistakes,
    }
    by = activation if order == "activation" else contribution
    ranked: dict[ExemplarKind, list[Ranked]] = {}
    for kind, wanted in among.items():
        rows = (wanted & (activation > 0)).nonzero().squeeze(1)
        best = rows[by[rows].argsort(descending=True, stable=True)[:count]]
        columns = (best.tolist(), activation[best].tolist(), contribution[best].tolist())
        ranked[kind] = [Ranked(*values) for values in zip(*columns, strict=True)]
    return ranked


def _lead(data: SplitFeatures, weight: Tensor) -> Tensor:
    """Return [N]: the `weight` [C] for the predicted class less that for the class it had to beat."""
    runner_up = data.top_classes[:, min(1, data.top_classes.shape[1] - 1)]
    return weight[data.predicted] - weight[torch.where(data.mistakes, data.labels, runner_up)]


def crop_from_map(height: int, width: int, neuron_map: Tensor) -> tuple[Box, Tensor]:
    """Return a square box around where the map [h,w] is strongest, and the mask [height,width] of the image.

    The box reaches as far as the map above the mask's threshold does on average, weighted by its height, with
    a margin; it is never smaller than a third of the shorter side. A constant map keeps the whole image.
    """
    mask = activation_mask(neuron_map, height, width)
    scores = standardise(upsample(neuron_map, height, width))
    if not bool((scores > THRESHOLD).any()):
        return (0, 0, width, height), mask
    row, column = divmod(int(scores.argmax()), width)
    weight = (scores - THRESHOLD).clamp_min(0)
    rows, columns = torch.arange(height) - row, torch.arange(width) - column
    distance = torch.maximum(rows.abs()[:, None].expand(height, width), columns.abs()[None])
    reach = float((weight * distance).sum() / weight.sum())
    shorter = min(height, width)
    half = min(shorter / 2, max(_SMALLEST_SHARE * shorter / 2, reach * (1 + _MARGIN)))
    side = max(1, round(2 * half))
    left = min(max(0, column - side // 2), width - side)
    top = min(max(0, row - side // 2), height - side)
    return (left, top, left + side, top + side), mask
