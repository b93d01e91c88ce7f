"""The tensors for a head that a decision shall have: parameters, or those of which they are computed."""

from __future__ import annotations

import copy
from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from ..tensors import Head
from .decision import DecisionPart, HeadSite, capture
from .products import Product


def rewritten(module: nn.Module, site: HeadSite, head: Head) -> dict[str, Tensor] | None:
    """Return the tensors, by all their names in the state dict, with which `module` would decide as `head`.

    A weight that is computed (weight norm, a parametrization with an inverse) is written as what computes to
    it. None where there is no such thing, as for spectral norm.
    """
    held = module.state_dict(keep_vars=True)
    written: dict[str, Tensor] = {}
    for part, whole in zip(site.parts, site.split(head), strict=True):
        found = _of_part(part, whole)
        if found is None:
            return None
        for name, value in found.items():
            written |= {alias: value for alias, tensor in held.items() if tensor is held[name]}
    return written


def _of_part(part: DecisionPart, whole: Head) -> dict[str, Tensor] | None:
    if isinstance(part.layer, Product):
        return _of_product(part.layer, whole)
    found = _of_layer(part.layer, whole)
    prefix = f"{part.name}." if part.name else ""
    return None if found is None else {prefix + name: value for name, value in found.items()}


def _of_product(product: Product, whole: Head) -> dict[str, Tensor] | None:
    if product.stored is None:
        return None
    written = {product.stored: whole.weight.T if product.transposed else whole.weight}
    return written if product.stored_bias is None else written | {product.stored_bias: whole.bias}


def _of_layer(layer: nn.Linear | nn.Conv2d, whole: Head) -> dict[str, Tensor] | None:
    own = layer.state_dict()
    weight = whole.weight.reshape(layer.weight.shape)
    written: dict[str, Tensor] = {} if layer.bias is None else {"bias": whole.bias}
    if "weight" in own:
        return written | {"weight": weight}
    if {"weight_g", "weight_v"} <= own.keys():
        norm = weight.flatten(1).norm(dim=1).reshape(own["weight_g"].shape)
        return written | {"weight_g": norm, "weight_v": weight}
    twin = copy.deepcopy(layer)
    if not parametrize.is_parametrized(twin, "weight"):
        return None
    try:
        with torch.no_grad():
            twin.weight = weight.to(layer.weight)
    except (NotImplementedError, RuntimeError, ValueError):
        return None
    return written | {name: value for name, value in twin.state_dict().items() if name != "bias"}


def unwritable(module: nn.Module, site: HeadSite, images: Tensor) -> str | None:
    """Say why no tensors of the decision's layers could hold another head, or return None.

    Another head is written and the module asked for its logits of `images` [B,c,H,W].
    """
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(site.head.weight.shape, generator=generator)
    other = replace(site.head, weight=site.head.weight * (1 + 0.5 * noise))
    written = rewritten(module, site, other)
    if written is not None and _decides(module, site, written, other, images):
        return None
    return f"the weight of layer {site.name!r} is computed from others"


def _decides(
    module: nn.Module, site: HeadSite, written: dict[str, Tensor], head: Head, images: Tensor
) -> bool:
    """Tell whether the module with what was `written` in it answers what `head` makes of its features."""
    held = module.state_dict(keep_vars=True)
    once = {id(held[name]): name for name in written}
    swapped = {name: written[name].to(held[name]).reshape(held[name].shape) for name in once.values()}
    with torch.no_grad():
        with capture(site) as captured:
            module(images)
        features = captured.features()
        logits = head.logits(features)
        output = torch.func.functional_call(module, swapped, (images,))
        gap = site.gap(output, logits)
        size = features.abs().cpu() @ head.weight.abs().T
    return float(gap.max()) <= 1e-3 * float(logits.abs().max()) + 8 * site.eps * float(size.max())
