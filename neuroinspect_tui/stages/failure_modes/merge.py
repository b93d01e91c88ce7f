"""One cause seen from several classes: factors whose directions agree become one mode."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from .directions import agreement, unit

ALIKE = 0.75
"""Correlation of two directions' scores, within classes, from which on they are one (docs/benchmarks.md)."""


@dataclass(frozen=True)
class Merged:
    """Directions [K,D] by mistakes, largest first; `members` [M] is each mistake's, -1 for none.

    `component` [K] is the two-valued component that a direction is, -1 for one of the factors.
    """

    directions: Tensor
    members: Tensor
    component: Tensor

    @classmethod
    def ranked(cls, directions: Tensor, members: Tensor, component: Tensor) -> Merged:
        """Order directions [K,D] by their mistakes; those without any are left out."""
        count = torch.bincount(members[members >= 0], minlength=len(directions))
        order = count.argsort(descending=True, stable=True)[: int((count > 0).sum())]
        # One place more than there are modes: -1, no mode, indexes it and stays -1.
        rank = torch.full((len(directions) + 1,), -1, dtype=torch.int64)
        rank[order] = torch.arange(len(order))
        return cls(unit(directions[order]), rank[members], component[order])


def merge(directions: Tensor, members: Tensor, centred: Tensor, most: int | None = None) -> Merged:
    """Join the two most alike directions [K,D] again and again, until none agree in more than `ALIKE`.

    Where `most` is given they are joined until no more than so many are left.
    `centred` [N,K] are scores of images in the directions less their class's mean. The joint direction is
    the mean, by mistakes, of the directions scaled to the same spread; those without members are left out.
    """
    spread = centred.norm(dim=0).clamp_min(1e-12)
    present = torch.bincount(members[members >= 0], minlength=len(directions)).double()
    kept = present.nonzero().squeeze(1)
    scaled, seen, count = (directions / spread[:, None])[kept], (centred / spread)[:, kept], present[kept]
    owner = torch.full((len(directions) + 1,), -1, dtype=torch.int64)
    owner[kept] = torch.arange(len(kept))
    while len(scaled) > 1:
        # Compared by what they score, not by their weights: correlated neurons stand in for one another.
        alike = agreement(seen, seen).fill_diagonal_(-1)
        first, second = sorted(divmod(int(alike.argmax()), len(scaled)))
        if float(alike[first, second]) < ALIKE and (most is None or len(scaled) <= most):
            break
        share = (count[second] / (count[first] + count[second])).float()
        joint = torch.lerp(seen[:, first], seen[:, second], share)
        length = joint.norm().clamp_min(1e-12)
        seen[:, first] = joint / length
        scaled[first] = torch.lerp(scaled[first], scaled[second], share) / length
        count[first] += count[second]
        rest = torch.arange(len(scaled)) != second
        owner[owner == second] = first
        owner = torch.where(owner > second, owner - 1, owner)
        scaled, seen, count = scaled[rest], seen[:, rest], count[rest]
    return Merged.ranked(scaled, owner[members], torch.full((len(scaled),), -1))
