"""The decision layer, found by data flow: the last layer whose output is the logits (design §2)."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ..errors import InputError
from ..tensors import Head

TOLERANCE = 1e-4
DecisionLayer = nn.Linear | nn.Conv2d


@dataclass(frozen=True)
class HeadSite:
    """Where a module decides: the layer `name`, an nn.Linear or a 1x1 nn.Conv2d, and its `head` in float32.

    A layer that runs at each position or token before a mean has that mean of its input as features.
    """

    name: str
    layer: DecisionLayer
    head: Head

    def features(self, layer_input: Tensor) -> Tensor:
        """Reduce the layer's input, [B,D], [B,…,D] or (convolution) [B,D,h,w], to z [B,D] float32."""
        return pooled(layer_input, isinstance(self.layer, nn.Conv2d)).float()


class Captured:
    """What `capture` saw: the input of the layer's last call."""

    input: Tensor


@contextlib.contextmanager
def capture(layer: nn.Module) -> Iterator[Captured]:
    """Keep the input of `layer`'s last call in this context; the hook is removed however it ends."""
    captured = Captured()

    def keep(module: nn.Module, arguments: tuple[Any, ...]) -> None:
        captured.input = arguments[0]

    handle = layer.register_forward_pre_hook(keep)
    try:
        yield captured
    finally:
        handle.remove()


def logits_of(output: Any) -> Tensor:
    """Return the logits in what a model returns: a tensor, a tuple with it first, or `.logits`."""
    for found in (output, getattr(output, "logits", None)):
        if isinstance(found, Tensor):
            return found
    if isinstance(output, Mapping) and isinstance(logits := output.get("logits"), Tensor):
        return logits
    if isinstance(output, (tuple, list)) and output:
        return logits_of(output[0])
    raise InputError(f"the model returns {type(output).__name__}", "let it return logits [images, classes]")


def pooled(tensor: Tensor, channels_first: bool) -> Tensor:
    """Mean of [B,C,…] or [B,…,C] over all but the first axis and the channels: [B,C]."""
    if channels_first:
        return tensor.flatten(2).mean(2)
    return tensor.reshape(len(tensor), -1, tensor.shape[-1]).mean(1)


def locate_head(module: nn.Module, images: Tensor) -> HeadSite:
    """Find the decision layer of `module` (eval mode) by running it on `images` [B,3,H,W], B ≥ 2.

    Raises InputError, with the reason, when no nn.Linear or 1x1 convolution gives the logits, or when
    `W·z + b` differs from them by more than 1e-4 (of the largest logit, where that exceeds 1).
    """
    with _last_calls(module) as calls, torch.no_grad():
        logits = logits_of(module(images)).float()
    if logits.dim() != 2 or len(logits) != len(images):
        message = f"the model returns shape {list(logits.shape)} for {len(images)} images"
        raise InputError(message, "let it return logits [images, classes]")
    if not torch.isfinite(logits).all():
        raise InputError("the model's logits are not finite numbers", "check its weights for NaN")
    for call in reversed(calls.values()):
        if _gives(call, logits):
            return _proven(call, logits)
    last = f"the last one, {next(reversed(calls))!r}, does not" if calls else "it has none"
    message = f"no nn.Linear or 1x1 convolution of the model gives its logits as W·z + b: {last}"
    raise InputError(message, "let it return the raw output of its last linear layer")


@dataclass(frozen=True)
class _Call:
    name: str
    layer: DecisionLayer
    input: Tensor
    output: Tensor


@contextlib.contextmanager
def _last_calls(module: nn.Module) -> Iterator[dict[str, _Call]]:
    """Keep the last call of each layer that could decide, in the order of these calls; always unhooks."""
    calls: dict[str, _Call] = {}

    def recorder(name: str) -> Callable[..., None]:
        def record(layer: Any, arguments: tuple[Any, ...], output: Tensor) -> None:
            calls.pop(name, None)
            calls[name] = _Call(name, layer, arguments[0], output)

        return record

    layers = [(name, layer) for name, layer in module.named_modules() if _could_decide(layer)]
    handles = [layer.register_forward_hook(recorder(name)) for name, layer in layers]
    try:
        yield calls
    finally:
        for handle in handles:
            handle.remove()


def _could_decide(layer: nn.Module) -> bool:
    if isinstance(layer, nn.Conv2d):
        return layer.kernel_size == (1, 1) and layer.groups == 1 and layer.stride == (1, 1)
    return isinstance(layer, nn.Linear)


def _gives(call: _Call, logits: Tensor) -> bool:
    channels_first = isinstance(call.layer, nn.Conv2d)
    if call.output.dim() < 2 or call.output.shape[1 if channels_first else -1] != logits.shape[1]:
        return False
    found = pooled(call.output, channels_first).float()
    return _difference(found, logits) <= TOLERANCE * float(logits.abs().max())


def _proven(call: _Call, logits: Tensor) -> HeadSite:
    weight = call.layer.weight.detach().float().cpu().flatten(1).clone()
    bias = call.layer.bias
    bias = torch.zeros(len(weight)) if bias is None else bias.detach().float().cpu().clone()
    site = HeadSite(call.name, call.layer, Head(weight, bias))
    again = site.head.logits(site.features(call.input))
    if _difference(again, logits) > TOLERANCE * max(1.0, float(logits.abs().max())):
        message = f"layer {call.name!r} gives the logits, but not as W·z + b within {TOLERANCE:g}"
        raise InputError(message, "let the model end in a plain nn.Linear")
    return site


def _difference(found: Tensor, logits: Tensor) -> float:
    return float((found - logits).abs().max()) if found.shape == logits.shape else float("inf")
