"""Repairs of layers without a bias: what a method puts into the bias goes into the weights."""

from __future__ import annotations

import torch
from torch import Tensor

from ...tensors import Head
from .examples import Examples

_PENALTY = 1e-4


def constant_direction(examples: Examples) -> Tensor:
    """Return u [D] with z·u as near to 1 as the examples allow: ridge regression of 1 on the features.

    The penalty is 1e-4 of the mean square of a feature. Features after a ReLU have such a direction nearly
    exactly; where they have mean 0, u is about 0.
    """
    gram = torch.zeros(examples.neurons, examples.neurons, dtype=torch.float64)
    total = torch.zeros(examples.neurons, dtype=torch.float64)
    for _, features in examples.blocks():
        rows = features.double()
        gram += rows.T @ rows
        total += rows.sum(0)
    scale = float(gram.diagonal().mean())
    gram.diagonal().add_(_PENALTY * scale or 1.0)
    direction: Tensor = torch.linalg.solve(gram, total)
    return direction.float()


def without_bias(head: Head, untouched: Head, constant: Tensor) -> Head:
    """Return `head` with the bias of the `untouched` layer, its own change carried by z·`constant`."""
    change = head.bias - untouched.bias
    return Head(head.weight + change[:, None] * constant, untouched.bias, has_bias=False)
