"""Non-negative matrix factorisation, as scikit-learn's NMF finds it: loading that takes as long as torch."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

ITERATIONS = 100
TOLERANCE = 1e-4
_SMALL = 1e-6
_OVERSAMPLED, _POWERS = 10, 6


def fit(table: Tensor, count: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Return U [M,K] and V [K,D], both >= 0, with a small |table - U V|² for a table [M,D] >= 0.

    Coordinate descent (Cichocki and Phan 2009) from the leading singular vectors (NNDSVDa, Boutsidis and
    Gallopoulos 2008), until the projected gradient has fallen to 1e-4 of the first or for 100 rounds.
    """
    left, right = _initial(table, count, seed)
    first = None
    for _ in range(ITERATIONS):
        violation = _sweep(left, right @ table.T, right @ right.T)
        violation += _sweep(right, left @ table, left @ left.T)
        first = first or violation
        if violation <= TOLERANCE * first:
            break
    return left.T, right


def express(table: Tensor, right: Tensor) -> Tensor:
    """Return U [M,K] >= 0 with the smallest |table - U V|² for given factors V [K,D]."""
    left = torch.zeros(len(right), len(table))
    product, gram = right @ table.T, right @ right.T
    first = None
    for _ in range(ITERATIONS):
        violation = _sweep(left, product, gram)
        first = first or violation
        if violation <= TOLERANCE * first:
            break
    return left.T


def _sweep(factor: Tensor, product: Tensor, gram: Tensor) -> float:
    """Minimise over each row of `factor` [K,n] in turn, in place; return the sum of the projected gradient.

    `product` [K,n] is the other factor times the table, `gram` [K,K] the other factor's inner products.
    It works on numpy's view of them: a few hundred numbers at a time, torch's calls cost three times as much.
    """
    rows, wanted, inner = factor.numpy(), product.numpy(), gram.numpy()
    violation = 0.0
    for k, own in enumerate(rows):
        gradient = inner[k] @ rows - wanted[k]
        violation += float(np.abs(np.where(own > 0, gradient, np.minimum(gradient, 0))).sum())
        if inner[k, k] > 0:
            np.maximum(own - gradient / inner[k, k], 0, out=own)
    return violation


def leading(table: Tensor, count: int, seed: int, powers: int = _POWERS) -> tuple[Tensor, Tensor, Tensor]:
    """Return the leading singular vectors and values of a table [M,D]: [M,k], [k], [D,k], k >= `count`.

    They are found by subspace iteration (Halko, Martinsson and Tropp 2011); of a small table there are fewer.
    """
    generator = torch.Generator().manual_seed(seed)
    basis = torch.randn(min(count + _OVERSAMPLED, *table.shape), table.shape[1], generator=generator)
    for _ in range(powers):
        basis = torch.linalg.qr((basis @ table.T @ table).T).Q.T
    left, values, rotation = torch.linalg.svd((basis @ table.T).T, full_matrices=False)
    return left, values, (rotation @ basis).T


def _initial(table: Tensor, count: int, seed: int) -> tuple[Tensor, Tensor]:
    """Return U [K,M] and V [K,D], the larger non-negative halves of the leading singular vectors.

    Zeros become the table's mean.
    """
    left, values, right = leading(table, count, seed)
    pairs = [_half(left[:, k], right[:, k], float(values[k]), first=k == 0) for k in range(count)]
    first, second = (torch.stack(side) for side in zip(*pairs, strict=True))
    mean = table.mean()
    return torch.where(first < _SMALL, mean, first), torch.where(second < _SMALL, mean, second)


def _half(left: Tensor, right: Tensor, value: float, first: bool) -> tuple[Tensor, Tensor]:
    """Return the non-negative pair that stands for singular vectors [M], [D]."""
    if first:
        return left.abs() * value**0.5, right.abs() * value**0.5
    halves = [(left.clamp_min(0), right.clamp_min(0)), ((-left).clamp_min(0), (-right).clamp_min(0))]
    sizes = [float(own.norm() * other.norm()) for own, other in halves]
    place = sizes[1] > sizes[0]
    own, other = halves[place]
    scale = (value * sizes[place]) ** 0.5
    return scale * own / own.norm().clamp_min(1e-12), scale * other / other.norm().clamp_min(1e-12)
