"""The decision layer, found by data flow: the last layer whose output is the logits (design §2)."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
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
    if isinstance(output, Mapping) and isinstance(output.get("logits"), Tensor):
        return output["logits"]
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
    `W·z + b` differs from them by more than 1e-4.
    """
    calls: list[tuple[str, nn.Module, Tensor, Tensor]] = []
    handles = [
        layer.register_forward_hook(_recorder(calls, name))
        for name, layer in module.named_modules()
        if _could_decide(layer)
    ]
    try:
        with torch.no_grad():
            logits = logits_of(module(images)).float()
    finally:
        for handle in handles:
            handle.remove()
    if logits.dim() != 2 or len(logits) != len(images):
        message = f"the model returns shape {list(logits.shape)} for {len(images)} images"
        raise InputError(message, "let it return logits [images, classes]")
    if not torch.isfinite(logits).all():
        raise InputError("the model's logits are not finite numbers", "check its weights for NaN")
    return _last_match(calls, logits)


def _could_decide(layer: nn.Module) -> bool:
    if isinstance(layer, nn.Conv2d):
        return layer.kernel_size == (1, 1) and layer.groups == 1 and layer.stride == (1, 1)
    return isinstance(layer, nn.Linear)


def _recorder(calls: list[tuple[str, nn.Module, Tensor, Tensor]], name: str) -> Any:
    def record(layer: nn.Module, arguments: tuple[Any, ...], output: Tensor) -> None:
        calls.append((name, layer, arguments[0], output))

    return record


def _last_match(calls: list[tuple[str, nn.Module, Tensor, Tensor]], logits: Tensor) -> HeadSite:
    last = "it has none"
    for name, layer, layer_input, output in reversed(calls):
        last = f"the last one, {name!r}, does not" if last == "it has none" else last
        first = isinstance(layer, nn.Conv2d)
        if output.dim() < 2 or output.shape[1 if first else -1] != logits.shape[1]:
            continue
        if not _close(pooled(output, first).float(), logits, float(logits.abs().max())):
            continue
        site = HeadSite(name, layer, _head_of(layer))  # type: ignore[arg-type]
        if not _close(
            site.head.logits(site.features(layer_input)), logits, max(1.0, float(logits.abs().max()))
        ):
            message = f"layer {name!r} gives the logits, but not as W·z + b within {TOLERANCE:g}"
            raise InputError(message, "let the model end in a plain nn.Linear")
        return site
    message = f"no nn.Linear or 1x1 convolution of the model gives its logits as W·z + b ({last})"
    raise InputError(message, "let it return the raw output of its last linear layer")


def _head_of(layer: Any) -> Head:
    weight = layer.weight.detach().float().cpu().flatten(1).clone()
    bias = layer.bias
    return Head(weight, torch.zeros(len(weight)) if bias is None else bias.detach().float().cpu().clone())


def _close(found: Tensor, logits: Tensor, scale: float) -> bool:
    return found.shape == logits.shape and float((found - logits).abs().max()) <= TOLERANCE * scale
