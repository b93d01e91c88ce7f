"""A cue that fills the picture, taken away: the colours of images with it become those of images without."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Recolour:
    """Mean and deviation of red, green and blue, [3] each, over images `with_cue` and over others `without`.

    Linear transfer of colour (Reinhard et al. 2001) between two groups of images rather than two images: what
    an image has of its own colours stays.
    """

    mean: Tensor
    deviation: Tensor
    wanted_mean: Tensor
    wanted_deviation: Tensor

    @classmethod
    def of(cls, with_cue: Tensor, without: Tensor) -> Recolour:
        """Measure the groups, images [n,3,H,W] and [m,3,H,W] in 0…1."""
        return cls(*_moments(with_cue), *_moments(without))

    @property
    def reversed(self) -> Recolour:
        """The change that gives the others' images the colours of those with the cue."""
        return Recolour(self.wanted_mean, self.wanted_deviation, self.mean, self.deviation)

    def applied(self, images: Tensor) -> Tensor:
        """Return images [B,3,H,W] in the colours of the others."""
        return self._moved(images, self.wanted_mean - self.mean)

    def controls(self, images: Tensor) -> tuple[Tensor, ...]:
        """Return the images with their mean colour moved as far, four times at right angles to `applied`."""
        shift = self.wanted_mean - self.mean
        axis = torch.eye(3, dtype=shift.dtype)[int(shift.abs().argmin())]
        first = torch.linalg.cross(shift, axis)
        second = torch.linalg.cross(shift, first)
        length = shift.norm()
        sides = [length * side / side.norm().clamp_min(1e-12) for side in (first, second)]
        return tuple(self._moved(images, sign * side) for side in sides for sign in (1, -1))

    def _moved(self, images: Tensor, shift: Tensor) -> Tensor:
        mean, ratio, wanted = (
            part[:, None, None].to(images)
            for part in (self.mean, self.wanted_deviation / self.deviation.clamp_min(1e-3), self.mean + shift)
        )
        return ((images - mean) * ratio + wanted).clamp(0, 1)


def _moments(images: Tensor) -> tuple[Tensor, Tensor]:
    pixels = images.detach().float().cpu().transpose(0, 1).flatten(1)
    return pixels.mean(dim=1), pixels.std(dim=1, unbiased=False)
