"""A layer's own tensors for a weight that it shall have: its parameters, or those of which it is computed."""

from __future__ import annotations

import copy
from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils import parametrize

from ..tensors import Head
from .head import DecisionLayer, HeadSite


def rewritten(layer: DecisionLayer, head: Head) -> dict[str, Tensor] | None:
    """Return the layer's state dict by its own names for the weight and bias of `head`.

    A weight that is computed (weight norm, a parametrization with an inverse) is written as what computes to
    it. None where there is no such thing, as for spectral norm.
    """
    own = layer.state_dict()
    weight = head.weight.reshape(layer.weight.shape)
    written: dict[str, Tensor] = {} if layer.bias is None else {"bias": head.bias}
    if "weight" in own:
        return written | {"weight": weight}
    twin = copy.deepcopy(layer)
    with torch.no_grad():
        if {"weight_g", "weight_v"} <= own.keys():
            norm = weight.flatten(1).norm(dim=1).reshape(own["weight_g"].shape)
            written |= {"weight_g": norm, "weight_v": weight}
        elif parametrize.is_parametrized(twin, "weight"):
            try:
                twin.weight = weight.to(layer.weight)
            except (NotImplementedError, RuntimeError, ValueError):
                return None
            written |= {name: value for name, value in twin.state_dict().items() if name != "bias"}
        else:
            return None
        return written if _computes(twin, written, head) else None


def _computes(twin: DecisionLayer, written: dict[str, Tensor], head: Head) -> bool:
    """Tell whether a copy of the layer that holds `written` gives `W·z + b`."""
    twin.load_state_dict(written, strict=False)
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(8, head.neurons, generator=generator)
    shaped = features.to(twin.weight)
    if isinstance(twin, nn.Conv2d):
        shaped = shaped[:, :, None, None]
    found = twin(shaped).flatten(1).float().cpu()
    bias = None if twin.bias is None else head.bias
    expected = F.linear(features, head.weight, bias)
    return bool((found - expected).abs().max() <= 1e-4 * expected.abs().max())


def unwritable(site: HeadSite) -> str | None:
    """Say why no tensors of the decision's layers could hold another head, or return None."""
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(site.head.weight.shape, generator=generator)
    other = replace(site.head, weight=site.head.weight * (1 + 0.1 * noise))
    for part, own in zip(site.parts, site.split(other), strict=True):
        if rewritten(part.layer, own) is None:
            return f"the weight of layer {part.name!r} is computed from others"
    return None
