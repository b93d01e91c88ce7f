"""Two-valued components of what images have beyond their class: causes that an image has or has not."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from .mistakes import Mistakes, read_rows
from .nmf import leading

IMAGES = 2048
"""Images that components are sought in at most."""

IMAGES_EACH = 12
"""Images for each dimension at least: with fewer, noise seems to have two values."""

MOST_DIMENSIONS, FIRST = 128, 20
TWO_VALUED = -1.15
"""Excess kurtosis up to which a component has two values; noise reaches −1.11 (docs/benchmarks.md)."""

_CANDIDATE = -0.4
_STARTS, _ROUNDS, _TOLERANCE = 3, 40, 1e-3
_SHARPER, _STEEP, _RIDGE = 10, 3.0, 0.05
_SAME, _FLAT = 0.7, 1e-3


@dataclass(frozen=True)
class Components:
    """`filters` [r,D]: the value of component j is (z − μ_y)·filter_j, of variance 1 over the images.

    `shifts` [r,D] are how the features change with one unit of a component.
    """

    filters: Tensor
    shifts: Tensor

    @classmethod
    def of(cls, mistakes: Mistakes, rows: Tensor, seed: int = 0, each: int = IMAGES_EACH) -> Components:
        """Find the two-valued components of the images `rows` [n], with `each` images a dimension.

        Independent components of the `FIRST` principal components are made sharper in all dimensions.
        """
        neurons = mistakes.head.neurons
        count = min(MOST_DIMENSIONS, len(rows) // each, neurons)
        if count < 2:
            return cls(*torch.zeros(2, 0, neurons))
        features = read_rows(mistakes.data.features, rows)
        beyond = features.sub_(mistakes.means[mistakes.data.labels[rows]])
        beyond -= beyond.mean(dim=0)
        left, values, right = (part[..., :count] for part in leading(beyond, count, seed, powers=3))
        kept = values > _FLAT * values[0].clamp_min(1e-12)
        if int(kept.sum()) < 2:
            return cls(*torch.zeros(2, 0, neurons))
        scale, right = values[kept] / len(rows) ** 0.5, right[:, kept]
        white = left[:, kept] * len(rows) ** 0.5
        weights = _two_valued(white, scale, min(FIRST, len(rows) // (2 * each)), seed)
        sources = white @ weights.T
        return cls(weights @ (right / scale).T, sources.T @ beyond / len(rows))


def _two_valued(white: Tensor, scale: Tensor, first: int, seed: int) -> Tensor:
    """Return the directions [r,k], unit length, in which white data [n,k] have two values, no two alike.

    `scale` [k] is how far the data spread before they were whitened.
    """
    leading_part = white[:, :first]
    starts = torch.cat(
        [leading_part @ rotation(leading_part, seed + turn).T for turn in range(_STARTS)], dim=1
    )
    sources = starts[:, kurtosis(starts) <= _CANDIDATE]
    # What an image's side of the middle says of its features, again and again, as in two-means clustering
    # with the within-cluster spread as the metric; thin dimensions count less.
    ridge = scale.square() / (scale.square() + _RIDGE * scale.square().mean())
    weights = torch.zeros(0, white.shape[1])
    for _ in range(_SHARPER):
        weights = (torch.tanh(_STEEP * sources).T @ white) * ridge
        weights = torch.nn.functional.normalize(weights, dim=1)
        sources = white @ weights.T
    spread = kurtosis(sources)
    chosen: list[int] = []
    for place in spread.argsort().tolist():
        if float(spread[place]) <= TWO_VALUED and all(
            abs(float(weights[place] @ weights[other])) < _SAME for other in chosen
        ):
            chosen.append(place)
    return weights[chosen]


def rotation(white: Tensor, seed: int) -> Tensor:
    """Return the rotation [r,r] that makes white data [n,r] independent (FastICA, Hyvärinen 1999).

    All components at once, with log cosh as the measure of how far from normal one is.
    """
    size = white.shape[1]
    generator = torch.Generator().manual_seed(seed)
    found: Tensor = torch.linalg.qr(torch.randn(size, size, generator=generator)).Q
    for _ in range(_ROUNDS):
        bent = torch.tanh(white @ found.T)
        step = bent.T @ white / len(white) - (1 - bent.square()).mean(dim=0)[:, None] * found
        left, _, right = torch.linalg.svd(step)
        turned = ((left @ right * found).sum(dim=1).abs() - 1).abs().max()
        found = left @ right
        if float(turned) < _TOLERANCE:
            break
    return found


def kurtosis(values: Tensor) -> Tensor:
    """Return the kurtosis of each column of `values` [n,k] in excess of the normal distribution's, [k].

    −2 for two values that are seen equally often.
    """
    centred = values - values.mean(dim=0)
    spread = centred.square().mean(dim=0).square().clamp_min(1e-12)
    excess: Tensor = centred.pow(4).mean(dim=0) / spread - 3
    return excess
