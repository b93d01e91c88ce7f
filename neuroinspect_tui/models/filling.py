"""A module of the right size for a file of weights: the file knows its classes, channels and positions."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from torch import Tensor, nn

from ..config import ModelConfig
from .fitting import Fitted, fit_into, misshapen
from .weights import StateFile

_PREFIX_TOKENS = (0, 1, 2)


def filled(
    build: Callable[..., nn.Module], state: StateFile, config: ModelConfig, options: dict[str, Any]
) -> tuple[nn.Module, Fitted]:
    """Build a module with `options`, again with those that the file contradicts, and fill it.

    The options that may change are `num_classes`, `in_chans` and `img_size`, where they are in `options`.
    Raises InputError where the file does not fit.
    """
    module = build(**options)
    stated = {name: value for name, value in options_from(module, state).items() if name in options}
    if any(options[name] != value for name, value in stated.items()):
        module = build(**(options | stated))
    return module, fit_into(module, state, average=config.ema)


def options_from(module: nn.Module, state: StateFile) -> dict[str, int]:
    """Return what the file's shapes say of `num_classes`, `in_chans`, `img_size` where `module` differs."""
    stated: dict[str, int] = {}
    counts = set()
    for name, (found, own) in misshapen(module, state).items():
        if "pos_embed" in name:
            side = _image_side(module, found, own)
            stated |= {"img_size": side} if side else {}
        elif found.dim() == 4 and len(found) == len(own) and found.shape[2:] == own.shape[2:]:
            stated["in_chans"] = found.shape[1]
        elif found.dim() and found.shape[1:] == own.shape[1:]:
            counts.add(len(found))
    return stated | ({"num_classes": counts.pop()} if len(counts) == 1 else {})


def _image_side(module: nn.Module, found: Tensor, own: Tensor) -> int | None:
    """Return the image side in pixels for which position embeddings [1,T,D] `found` were made."""
    first = next((part for part in module.modules() if isinstance(part, nn.Conv2d)), None)
    if first is None or found.dim() != 3 or found.shape[2] != own.shape[2]:
        return None
    for prefix in _PREFIX_TOKENS:
        sides = [math.isqrt(max(0, tensor.shape[1] - prefix)) for tensor in (found, own)]
        if all(side**2 + prefix == tensor.shape[1] for side, tensor in zip(sides, (found, own), strict=True)):
            return sides[0] * first.kernel_size[0]
    return None
