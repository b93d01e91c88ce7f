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
TWO_VALUED = -1.22
"""Excess kurtosis up to which a component has two values: less than a uniform one, and than noise, has."""

_CANDIDATE = -0.4
_STARTS, _TURNS, _TOLERANCE = 3, 40, 1e-3
_SHARPER, _STEEP, _RIDGE = 12, 3.0, 0.05
_SAME, _FLAT = 0.7, 1e-3


@dataclass(frozen=True)
class Components:
    """`filters` [r,D]: the value of component j is (z − μ_y)·filter_j, of variance 1 over the images.

    `shifts` [r,D] are how the features change with one unit of a component.
    """

    filters: Tensor
    shifts: Tensor

    @classmethod
    def of(cls, mistakes: Mistakes, rows: Tensor, seed: int = 0, half: bool = False) -> Components:
        """Find the two-valued components of the images `rows` [n].

        They are sought from the independent components of the `FIRST` principal components on. In `half` of
        the images as many dimensions are looked at, and what noise could be is kept.
        """
        neurons = mistakes.head.neurons
        images = 2 * len(rows) if half else len(rows)
        count = min(MOST_DIMENSIONS, images // IMAGES_EACH, neurons)
        if count < 2:
            return cls(*torch.zeros(2, 0, neurons))
        features = read_rows(mistakes.data.features, rows)
        beyond = features.sub_(mistakes.means[mistakes.data.labels[rows]])
        beyond -= beyond.mean(dim=0)
        # Squares of very large features would be infinite.
        size = beyond.abs().max().clamp_min(1e-30)
        beyond /= size
        left, values, right = (part[..., :count] for part in leading(beyond, count, seed, powers=3))
        kept = values > _FLAT * values[0].clamp_min(1e-12)
        if int(kept.sum()) < 2:
            return cls(*torch.zeros(2, 0, neurons))
        scale, right = values[kept] / len(rows) ** 0.5, right[:, kept]
        white = left[:, kept] * len(rows) ** 0.5
        limit = _CANDIDATE if half else TWO_VALUED
        weights = _two_valued(white, scale, limit, min(FIRST, images // (2 * IMAGES_EACH)), seed)
        return cls(weights @ (right / scale).T / size, (white @ weights.T).T @ beyond * size / len(rows))


def _two_valued(white: Tensor, scale: Tensor, limit: float, first: int, seed: int) -> Tensor:
    """Return the directions [c,r], unit length, in which white data [n,r] have two values, no two alike.

    Excess kurtosis is at most `limit`. `scale` [r] is how far the data spread before they were whitened.
    """
    weights = _sharpened(white, scale, _independent(white, first, seed))
    spread = kurtosis(white @ weights.T)
    chosen: list[int] = []
    for place in spread.argsort().tolist():
        alike = weights[chosen] @ weights[place]
        if float(spread[place]) <= limit and not bool((alike.abs() >= _SAME).any()):
            chosen.append(place)
    return weights[chosen]


def _independent(white: Tensor, first: int, seed: int) -> Tensor:
    """Return the independent components of the `first` dimensions that are flat, not peaked, [k,r]."""
    part = white[:, :first]
    turned = torch.cat([rotation(part, seed + start) for start in range(_STARTS)])
    flat = turned[kurtosis(part @ turned.T) <= _CANDIDATE]
    return torch.nn.functional.pad(flat, (0, white.shape[1] - part.shape[1]))


def _sharpened(white: Tensor, scale: Tensor, weights: Tensor) -> Tensor:
    """Turn each of the directions `weights` [k,r] until white data [n,r] part best into two along it.

    As in clustering by two means, with the spread within the clusters as the metric: the side of the middle
    on which images lie says where the line between the sides should run. Thin dimensions count less.
    """
    ridge = scale.square() / (scale.square() + _RIDGE * scale.square().mean())
    for _ in range(_SHARPER):
        sides = torch.tanh(_STEEP * white @ weights.T)
        weights = torch.nn.functional.normalize(sides.T @ white * ridge, dim=1)
    return weights


def rotation(white: Tensor, seed: int) -> Tensor:
    """Return the rotation [r,r] that makes white data [n,r] independent (FastICA, Hyvärinen 1999).

    All components at once, with log cosh as the measure of how far from normal one is.
    """
    size = white.shape[1]
    generator = torch.Generator().manual_seed(seed)
    found: Tensor = torch.linalg.qr(torch.randn(size, size, generator=generator)).Q
    for _ in range(_TURNS):
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
