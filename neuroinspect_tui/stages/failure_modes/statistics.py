"""Simple properties of the images, and the one that goes most with a mode."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ...results.failure_modes import ImageStatistic
from ...significance import SIGNIFICANT, holm
from .ranks import average_ranks

NAMES = (
    "brightness",
    "contrast",
    "sharpness",
    "red",
    "green",
    "blue",
    "border red",
    "border green",
    "border blue",
    "width",
    "height",
    "aspect",
)
"""The columns of `image_statistics`; a colour is its share of red, green and blue together."""

_GREY = (0.299, 0.587, 0.114)
_BORDER = 1 / 12


def image_statistics(images: Tensor, sizes: Tensor) -> Tensor:
    """Return [B,12] float32, in the order of `NAMES`, for images [B,3,H,W] in 0…1.

    `sizes` [B,2] are width and height of the files themselves. Brightness is the mean grey, contrast its
    deviation, sharpness the mean absolute Laplacian of the grey, aspect the log of width over height.
    """
    images, sizes = images.float().cpu(), sizes.float()
    grey = (images * torch.tensor(_GREY)[:, None, None]).sum(1)
    inner = grey[:, 1:-1, 1:-1]
    laplacian = grey[:, 2:, 1:-1] + grey[:, :-2, 1:-1] + grey[:, 1:-1, 2:] + grey[:, 1:-1, :-2] - 4 * inner
    columns = [grey.mean((1, 2)), grey.std((1, 2)), laplacian.abs().mean((1, 2))]
    edge = max(1, round(_BORDER * min(images.shape[-2:])))
    border = torch.ones(images.shape[-2:], dtype=torch.bool)
    border[edge:-edge, edge:-edge] = False
    for pixels in (images.flatten(2), images[:, :, border]):
        colour = pixels.mean(2)
        columns += (colour / colour.sum(1, keepdim=True).clamp_min(1e-6)).unbind(1)
    aspect = (sizes[:, 0] / sizes[:, 1].clamp_min(1)).clamp_min(1e-6).log()
    return torch.stack([*columns, sizes[:, 0], sizes[:, 1], aspect], dim=1)


def strongest_statistic(
    table: Tensor, labels: Tensor, carries: Tensor, modes: int = 1
) -> ImageStatistic | None:
    """Return the column of `table` [N,12] with the largest effect on `carries` [N] bool within `labels` [N].

    Effect is twice (the share of pairs within a class in which the carrier has the larger value, less ½);
    p is van Elteren's stratified rank test (1960), after Holm over the columns and Bonferroni over `modes`.
    None where no p is below .05.
    """
    found = [_effect(column, labels, carries) for column in table.double().T]
    chances = holm([chance for _, chance in found])
    best = max(
        (place for place, chance in enumerate(chances) if chance * modes < SIGNIFICANT),
        key=lambda place: abs(found[place][0]),
        default=None,
    )
    if best is None:
        return None
    return ImageStatistic(NAMES[best], found[best][0], min(1.0, chances[best] * modes))


def _effect(values: Tensor, labels: Tensor, carries: Tensor) -> tuple[float, float]:
    """Return the effect of one statistic and its two-sided p, over the classes that have both kinds."""
    pairs = wins = statistic = variance = 0.0
    for label in labels.unique().tolist():
        own, having = values[labels == label], carries[labels == label]
        size, first = len(own), int(having.sum())
        if first in (0, size):
            continue
        ranks = average_ranks(own)
        surplus = float(ranks[having].sum()) - first * (size + 1) / 2
        pairs += first * (size - first)
        wins += surplus
        weight = 1 / (size + 1)
        spread = float((ranks - (size + 1) / 2).square().sum())
        statistic += weight * surplus
        variance += weight**2 * first * (size - first) * spread / (size * (size - 1))
    if not pairs or not variance:
        return 0.0, 1.0
    return 2 * wins / pairs, math.erfc(abs(statistic) / math.sqrt(2 * variance))
