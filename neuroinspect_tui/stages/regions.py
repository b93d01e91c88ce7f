"""Where in a picture a direction scores highest: found, covered, moved elsewhere and put into others."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from .masks import upsample

SHARE = 0.15
"""The share of a picture that the cover test covers: where the direction's map is highest."""

CUE_SHARE = 0.08
"""The share that counterfactual pictures change: flip rates near those of real pairs (docs/benchmarks.md)."""

_BLUR = 8


def strongest_region(maps: Tensor, height: int, width: int, share: float = SHARE) -> Tensor:
    """Return [B,H,W] bool: the `share` of the pixels where each map [B,h,w] is highest, always as many."""
    grown = upsample(maps, height, width).flatten(1)
    count = max(1, round(share * grown.shape[1]))
    region = torch.zeros_like(grown, dtype=torch.bool)
    return region.scatter_(1, grown.topk(count, dim=1).indices, True).view(len(maps), height, width)


def elsewhere(region: Tensor) -> tuple[Tensor, ...]:
    """Return the region [B,H,W] moved by half the picture across, down and both: equal area, same form."""
    height, width = region.shape[-2:]
    moves = ((0, width // 2), (height // 2, 0), (height // 2, width // 2))
    return tuple(region.roll(move, (-2, -1)) for move in moves)


def cover(images: Tensor, region: Tensor) -> Tensor:
    """Return images [B,3,H,W] with the region [B,H,W] painted over by a blur of what surrounds it.

    The blur is a normalised convolution over the pixels outside the region (Knutsson and Westin 1993), as
    wide as an eighth of the picture; where it sees none of them, their mean takes its place.
    """
    outside = (~region)[:, None].to(images.dtype)
    known = _blurred(outside)
    mean = (images * outside).sum((2, 3), keepdim=True) / outside.sum((2, 3), keepdim=True).clamp_min(1)
    filled = torch.where(known > 1e-3, _blurred(images * outside) / known.clamp_min(1e-3), mean)
    return torch.where(region[:, None], filled, images)


def put_in(images: Tensor, donors: Tensor, region: Tensor) -> Tensor:
    """Return images [B,3,H,W] with the donors' pixels in the region [B,H,W]."""
    return torch.where(region[:, None], donors, images)


def _blurred(images: Tensor) -> Tensor:
    """Return images [B,C,H,W] under a Gaussian of an eighth of their side, zero beyond the border."""
    sigma = max(1.0, max(images.shape[-2:]) / _BLUR)
    reach = int(2 * sigma)
    places = torch.arange(-reach, reach + 1, device=images.device, dtype=images.dtype)
    kernel = (-0.5 * (places / sigma).square()).exp()
    kernel = (kernel / kernel.sum()).expand(images.shape[1], 1, -1)
    groups = images.shape[1]
    across = F.conv2d(images, kernel[:, :, None], padding=(0, reach), groups=groups)
    return F.conv2d(across, kernel[..., None], padding=(reach, 0), groups=groups)
