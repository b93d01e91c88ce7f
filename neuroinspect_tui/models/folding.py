"""Batch normalisation folded into the convolutions before it: the same function, fewer passes over memory."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_weights

from .answers import find_answers


def folded(module: nn.Module, images: Tensor) -> nn.Module:
    """Return a copy of `module` (eval mode) without the batch norms that directly follow a convolution.

    Which follows which is seen by running it on `images` [B,3,H,W]. If the copy's logits differ by more than
    1e-3 of the largest one (a convolution that changes its weights, an output with two readers), the copy
    is returned as it was.
    """
    changed = copy.deepcopy(module)
    with torch.no_grad():
        expected = find_answers(changed(images), len(images))
        for convolution, norm in _pairs(changed, images):
            _fold(changed, convolution, norm)
        found = find_answers(changed(images), len(images))
    alike = (
        (one - other).abs().max() <= 1e-3 * one.abs().max()
        for (_, one), (_, other) in zip(expected, found, strict=True)
    )
    return changed if all(alike) else copy.deepcopy(module)


def _pairs(module: nn.Module, images: Tensor) -> list[tuple[str, str]]:
    """Names of (convolution, batch norm), each called once, the first's output being the second's input."""
    made: list[tuple[str, Tensor]] = []
    read: list[tuple[str, Tensor]] = []

    def keep_output(name: str) -> Any:
        return lambda part, arguments, output: made.append((name, output))

    def keep_input(name: str) -> Any:
        return lambda part, arguments: read.append((name, arguments[0]))

    handles = []
    for name, part in module.named_modules():
        if isinstance(part, nn.Conv2d):
            handles.append(part.register_forward_hook(keep_output(name)))
        elif isinstance(part, nn.BatchNorm2d) and _replacement(part) is not None:
            handles.append(part.register_forward_pre_hook(keep_input(name)))
    try:
        module(images)
    finally:
        for handle in handles:
            handle.remove()
    calls = [name for name, _ in made + read]
    sources = {id(output): name for name, output in made}
    found = [(sources.get(id(tensor)), name) for name, tensor in read]
    return [(conv, norm) for conv, norm in found if conv and calls.count(conv) == calls.count(norm) == 1]


def _fold(module: nn.Module, convolution: str, norm: str) -> None:
    conv, batch_norm = module.get_submodule(convolution), module.get_submodule(norm)
    assert isinstance(conv, nn.Conv2d) and isinstance(batch_norm, nn.BatchNorm2d)
    assert batch_norm.running_mean is not None and batch_norm.running_var is not None
    parts = (conv.weight, conv.bias, batch_norm.running_mean, batch_norm.running_var)
    affine = (batch_norm.weight, batch_norm.bias)
    weight, bias, mean, variance, scale, shift = (_double(part) for part in (*parts, *affine))
    # In double precision: a deep network adds up the rounding of every layer.
    fused = fuse_conv_bn_weights(weight, bias, mean, variance, batch_norm.eps, scale, shift)
    conv.weight, conv.bias = (nn.Parameter(part.to(conv.weight), requires_grad=False) for part in fused)
    parent, _, last = norm.rpartition(".")
    setattr(module.get_submodule(parent), last, _replacement(batch_norm))


def _double(tensor: Tensor | None) -> Any:
    return None if tensor is None else tensor.double()


def _replacement(norm: nn.BatchNorm2d) -> nn.Module | None:
    """What stays of a batch norm once folded: nothing, or timm's activation; None where not known."""
    if norm.running_mean is None:
        return None
    if type(norm) is nn.BatchNorm2d:
        return nn.Identity()
    if type(norm).__name__ == "BatchNormAct2d":
        return nn.Sequential(norm.get_submodule("drop"), norm.get_submodule("act"))
    return None
