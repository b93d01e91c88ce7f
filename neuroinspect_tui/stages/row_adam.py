"""AdamW over rows that may leave at any time, each as if it were optimised alone."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from .recipes import Recipe

_EPSILON = 1e-8


class RowAdam:
    """AdamW (Loshchilov & Hutter, arXiv 1711.05101) with the recipe's rate, which falls along a cosine."""

    def __init__(self, values: Tensor, recipe: Recipe) -> None:
        self.values, self.recipe = values, recipe
        self.momentum = torch.zeros_like(values)
        self.variance = torch.zeros_like(values)

    def rate(self, number: int) -> float:
        """Return the rate at step `number` (from 0)."""
        fall = 0.5 * (1 + math.cos(math.pi * number / self.recipe.steps))
        return self.recipe.rate * (self.recipe.final_rate + (1 - self.recipe.final_rate) * fall)

    def update(self, rows: Tensor, gradient: Tensor, number: int) -> None:
        """Move `rows` by their `gradient` at step `number`; all of them have taken the steps before it."""
        early, late = self.recipe.betas
        momentum = torch.lerp(gradient, self.momentum[rows], early)
        variance = torch.lerp(gradient.square(), self.variance[rows], late)
        step = momentum / (1 - early ** (number + 1))
        size = (variance / (1 - late ** (number + 1))).sqrt() + _EPSILON
        rate = self.rate(number)
        values = self.values[rows] * (1 - rate * self.recipe.decay) - rate * step / size
        self.values.index_copy_(0, rows, values)
        self.momentum.index_copy_(0, rows, momentum)
        self.variance.index_copy_(0, rows, variance)
