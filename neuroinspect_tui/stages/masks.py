"""Where a neuron fires: its map over a picture, kept above a threshold and dimmed below it."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

THRESHOLD = 0.5
"""In standard deviations above the map's mean (the published value)."""

DIMMED = 0.5
"""What the mask leaves of a pixel below the threshold."""


def upsample(neuron_map: Tensor, height: int, width: int) -> Tensor:
    """Return a map [...,h,w] bilinearly resampled to [...,height,width]."""
    flat = neuron_map.reshape(-1, 1, *neuron_map.shape[-2:]).float()
    grown = F.interpolate(flat, (height, width), mode="bilinear", align_corners=False)
    return grown.reshape(*neuron_map.shape[:-2], height, width)


def standardise(neuron_map: Tensor) -> Tensor:
    """Return a map [...,h,w] as z-scores over its positions; zeros where it is constant."""
    mean = neuron_map.mean((-2, -1), keepdim=True)
    std = neuron_map.std((-2, -1), keepdim=True, unbiased=False)
    flat = std <= 1e-6 * neuron_map.abs().amax((-2, -1), keepdim=True)
    return torch.where(flat, 0.0, (neuron_map - mean) / std.clamp_min(1e-12))


def activation_mask(neuron_map: Tensor, height: int, width: int) -> Tensor:
    """Return [...,height,width]: 1 where the map's z-score exceeds the threshold, `DIMMED` elsewhere.

    A constant map, a neuron without a place, keeps the whole picture.
    """
    scores = standardise(upsample(neuron_map, height, width))
    constant = (scores == 0).all(-1, keepdim=True).all(-2, keepdim=True)
    return torch.where((scores > THRESHOLD) | constant, 1.0, DIMMED)


def dim(rgb: Tensor, mask: Tensor) -> Tensor:
    """Return uint8 pictures [...,H,W,3] with the mask [...,H,W] in 0…1 applied."""
    return (rgb.float() * mask[..., None]).round().to(torch.uint8)
