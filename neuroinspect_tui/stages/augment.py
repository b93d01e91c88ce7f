"""Random views of a picture: an affine map of its own for every picture and every step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor


@dataclass(frozen=True)
class ViewRange:
    """How far a view may go: ± degrees, ± shift (share of the size), scale range, ± shift of each colour."""

    degrees: float
    shift: float
    smallest: float
    largest: float
    per_axis: bool = False
    colour: float = 0.0


@dataclass(frozen=True)
class Views:
    """Maps `affine` [N,2,3] from view to picture coordinates (-1…1) and colour shifts `colour` [N,3]."""

    affine: Tensor
    colour: Tensor

    def __getitem__(self, index: Any) -> Views:
        return Views(self.affine[index], self.colour[index])

    @classmethod
    def stack(cls, views: Sequence[Views]) -> Views:
        """Return N views of each of P pictures as [P,N,…]."""
        return cls(torch.stack([each.affine for each in views]), torch.stack([each.colour for each in views]))

    def to(self, device: torch.device) -> Views:
        """Return the same views on `device`."""
        return Views(self.affine.to(device), self.colour.to(device))


def draw_views(generator: torch.Generator, count: int, limits: ViewRange) -> Views:
    """Draw `count` views; a colour shift fades to zero over them (the paper's annealing)."""

    def uniform(low: float, high: float, columns: int) -> Tensor:
        return low + (high - low) * torch.rand(count, columns, generator=generator)

    angle = torch.deg2rad(uniform(-limits.degrees, limits.degrees, 1))
    scale = uniform(limits.smallest, limits.largest, 2 if limits.per_axis else 1).expand(count, 2)
    shift = 2 * uniform(-limits.shift, limits.shift, 2)
    rotation = torch.stack([angle.cos(), angle.sin(), -angle.sin(), angle.cos()], -1).view(count, 2, 2)
    inverse = rotation / scale[:, :, None]
    affine = torch.cat([inverse, -inverse @ shift[:, :, None]], 2)
    fade = torch.linspace(1, 0, count)[:, None]
    return Views(affine, uniform(-limits.colour, limits.colour, 3) * fade)


def view(pictures: Tensor, views: Views) -> Tensor:
    """Return the views [B,3,H,W] of pictures [B,3,H,W]: bilinear, mirrored beyond the border, never black."""
    grid = F.affine_grid(views.affine, list(pictures.shape), align_corners=False)
    seen = F.grid_sample(pictures, grid, mode="bilinear", padding_mode="reflection", align_corners=False)
    return seen + views.colour[:, :, None, None]
