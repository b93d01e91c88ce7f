"""A linear probe that a few dozen images suffice for: ridge regression solved in the space of the images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

STRENGTHS = tuple(10.0 ** (step / 2) for step in range(-8, 5))
BLOCK_ELEMENTS = 1 << 23
SMALLEST = 1e-12
"""The size of features that are all alike: the probe then knows nothing, but it is defined."""


@dataclass(frozen=True)
class Probe:
    """A linear map to one score a value, [K]: the highest wins.

    `noise` is the leave-one-out mean squared error of a difference of two scores, which is 1 or −1 in truth,
    `left_out` [n,K] the scores of the images that taught it, each without its own tag.
    """

    mean: Tensor
    weight: Tensor
    bias: Tensor
    noise: float
    left_out: Tensor

    def scores(self, features: Tensor) -> Tensor:
        """Return [N,K] float32 for features [N,D] of any float type, read block by block.

        Scores sum to 1 over the values, about 1 for the right one, but may leave 0…1.
        """
        found = torch.empty(len(features), len(self.bias))
        block = max(1, BLOCK_ELEMENTS // features.shape[1])
        for start in range(0, len(features), block):
            part = features[start : start + block].float() - self.mean
            found[start : start + block] = part @ self.weight + self.bias
        return found

    def chances(self, scores: Tensor) -> Tensor:
        """Return the probability [N] that the highest of `scores` [N,K] is right.

        With Gaussian errors of the leave-one-out size and equal priors, the odds of the highest against the
        second are exp(2 m / noise), m the margin between them.
        """
        return torch.sigmoid(2.0 * margins(scores) / max(self.noise, 1e-6))


def margins(scores: Tensor) -> Tensor:
    """Return the highest less the second highest score, [N], for scores [N,K], K ≥ 2."""
    best = scores.topk(2, dim=1).values
    return best[:, 0] - best[:, 1]


def fit_probe(features: Tensor, codes: Tensor, values: int, strengths: Sequence[float] = STRENGTHS) -> Probe:
    """Fit a probe on features [n,D] float32 and codes [n] int64 below `values`.

    Ridge regression of x = (z − mean, 1) on one-hot values, each value with the same total weight w, in dual
    form: with K = x xᵀ and G = K + λ s diag(1/w), the coefficients are xᵀ G⁻¹ t, s the mean of diag Σ w x xᵀ.
    λ has the lowest weighted leave-one-out error, whose terms are (G⁻¹t)_i / (G⁻¹)_ii (Rasmussen and
    Williams, Gaussian Processes for Machine Learning (2006), eq. 5.12). It costs one n×n eigendecomposition.
    """
    count = torch.bincount(codes, minlength=values)
    root = (1.0 / (count[codes] * int((count > 0).sum()))).double().sqrt()
    mean = features.mean(dim=0)
    centred = (features - mean).double()
    # + 1 is the constant feature: the bias is fitted, and shrunk, with the weights.
    spectrum, basis = torch.linalg.eigh(root[:, None] * (centred @ centred.T + 1.0) * root)
    size = max(SMALLEST, float((root[:, None] * centred).square().sum() / features.shape[1]))
    goal = torch.nn.functional.one_hot(codes, values).double() - 1.0 / values
    fits = [_dual(spectrum + strength * size, basis, root, goal) for strength in strengths]
    errors = [float((root[:, None] * left_out).square().sum()) for _, left_out in fits]
    best = min(range(len(fits)), key=errors.__getitem__)
    dual, residual = fits[best]
    bias = dual.sum(dim=0) + 1.0 / values
    left_out = (goal - residual + 1.0 / values).float()
    return Probe(mean, (centred.T @ dual).float(), bias.float(), 2.0 * errors[best], left_out)


def _dual(spectrum: Tensor, basis: Tensor, root: Tensor, goal: Tensor) -> tuple[Tensor, Tensor]:
    """Return G⁻¹ t [n,K] and the leave-one-out errors [n,K] for the regularised spectrum [n]."""
    half = root[:, None] * basis
    dual = half @ ((half.T @ goal) / spectrum[:, None])
    return dual, dual / (half.square() @ (1.0 / spectrum))[:, None]
