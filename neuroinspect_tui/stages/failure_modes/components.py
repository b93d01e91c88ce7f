"""Independent components of what the images of some classes have beyond their class."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from .mistakes import Mistakes, read_rows
from .nmf import leading

MOST_COMPONENTS = 20
IMAGES_EACH = 25
"""Images that a component needs at least: with fewer, noise looks like two kinds of images."""

_ROUNDS, _TOLERANCE = 200, 1e-4
_FLAT = 1e-3


@dataclass(frozen=True)
class Components:
    """`filters` [r,D]: the value of component j is (z − μ_y)·filter_j, of variance 1 over the images.

    `shifts` [r,D] are the change of the features for one unit of a component, `kurtosis` [r] is in excess
    of a normal distribution's: −2 for two values that are seen equally often, 0 for normal ones.
    """

    filters: Tensor
    shifts: Tensor
    kurtosis: Tensor

    @classmethod
    def of(cls, mistakes: Mistakes, rows: Tensor, seed: int = 0, each: int = IMAGES_EACH) -> Components:
        """Find the components of the images `rows` [n], one for `each` so many of them; none of fewer than two."""
        beyond = read_rows(mistakes.data.features, rows) - mistakes.means[mistakes.data.labels[rows]]
        beyond -= beyond.mean(dim=0) if len(rows) else 0.0
        count = min(MOST_COMPONENTS, len(rows) // each, beyond.shape[1])
        if count < 2:
            nothing = torch.zeros(0, beyond.shape[1])
            return cls(nothing, nothing, torch.zeros(0))
        left, values, right = (part[..., :count] for part in leading(beyond, count, seed))
        kept = values > _FLAT * values[0].clamp_min(1e-12)
        left, scale, right = left[:, kept], values[kept] / len(rows) ** 0.5, right[:, kept]
        rotation = rotate(left * len(rows) ** 0.5, seed)
        sources = left * len(rows) ** 0.5 @ rotation.T
        return cls(
            rotation @ (right / scale).T, rotation @ (right * scale).T, sources.pow(4).mean(dim=0) - 3
        )


def rotate(white: Tensor, seed: int) -> Tensor:
    """Return the rotation [r,r] that makes white data [n,r] independent (FastICA, Hyvärinen 1999).

    All components at once, with log cosh as the measure of how far from normal one is.
    """
    size = white.shape[1]
    generator = torch.Generator().manual_seed(seed)
    rotation = torch.linalg.qr(torch.randn(size, size, generator=generator)).Q
    for _ in range(_ROUNDS):
        bent = torch.tanh(white @ rotation.T)
        step = bent.T @ white / len(white) - (1 - bent.square()).mean(dim=0)[:, None] * rotation
        left, _, right = torch.linalg.svd(step)
        turned = ((left @ right * rotation).sum(dim=1).abs() - 1).abs().max()
        rotation = left @ right
        if float(turned) < _TOLERANCE:
            break
    return rotation
