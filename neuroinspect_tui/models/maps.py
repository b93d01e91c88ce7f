"""Where in the image a neuron fires: the feature map, found by data flow (docs/method.md, decision layer).

If the mean or maximum of some module's output over its positions is z, that output is the map (square, as
the images are). With a class token as z, the map is the patch tokens beside it. Otherwise (VGG, a norm or
layer after the pooling) the map is gradient times activation at the last spatial output, summed over its
channels and scaled so that its mean over the positions is z to first order; for a pooled map it would be
that map itself.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn

Layout = Literal["channels first", "channels last", "tokens"]
Reading = Callable[[Tensor], Tensor]
_MOST_PREFIX_TOKENS = 16


@dataclass(frozen=True)
class MapSite:
    """The module whose output is the feature map; `pooled` when z is read from it without a detour."""

    name: str
    layout: Layout
    pooled: bool

    def spatial(self, output: Tensor) -> Tensor:
        """Bring the module's output to [B,C,h,w], class and register tokens left out."""
        return _spatial(output, self.layout)


class Outputs:
    """The outputs that `watch` saw: the last one of each module, in the order of these last calls."""

    def __init__(self) -> None:
        self.last: dict[str, Tensor] = {}


@contextlib.contextmanager
def watch(
    modules: dict[str, nn.Module], change: Callable[[Tensor], Tensor] | None = None
) -> Iterator[Outputs]:
    """Keep what `modules` return in this context, replaced by `change` of it if given; always unhooks."""
    outputs = Outputs()

    def hook(name: str) -> Callable[..., Any]:
        def keep(module: nn.Module, arguments: Any, output: Any) -> Any:
            if not isinstance(output, Tensor):
                return None
            outputs.last.pop(name, None)
            outputs.last[name] = output
            return change(output) if change else None

        return keep

    handles = [module.register_forward_hook(hook(name)) for name, module in modules.items()]
    try:
        yield outputs
    finally:
        for handle in handles:
            handle.remove()


def locate_map(module: nn.Module, features: Callable[[], Tensor]) -> MapSite | None:
    """Find the feature map of `module`; `features()` runs it on one batch and returns z [B,D] with its graph.

    None when nothing spatial leads to z.
    """
    modules = {name: part for name, part in module.named_modules() if name}
    with watch(modules) as outputs:
        z = features()
    candidates = [
        (name, layout, output)
        for name, output in reversed(outputs.last.items())
        for layout in _layouts(output, len(z))
    ]
    for name, layout, output in candidates:
        if _spatial(output, layout).shape[1] == z.shape[1] and reading(output, z.detach()):
            return MapSite(name, layout, True)
    return _last_with_gradient(candidates, z)


def read_maps(spatial: Tensor, wanted: Tensor) -> Tensor:
    """Return [B,K,h,w] of a map [B,D,h,w]: neurons `wanted` [B,K], or directions [B,K,D] as weighted sums."""
    if wanted.is_floating_point():
        return torch.einsum("bkd,bdhw->bkhw", wanted, spatial)
    return spatial.gather(1, wanted[..., None, None].expand(-1, -1, *spatial.shape[2:]))


def gradient_maps(leaf: Tensor, site: MapSite, features: Tensor, wanted: Tensor) -> Tensor:
    """Gradient times activation of z [B,D] at `leaf`, for neurons `wanted` [B,K] or directions [B,K,D]."""
    maps = []
    for chosen in wanted.unbind(1):
        along = features * chosen if wanted.is_floating_point() else features.gather(1, chosen[:, None])
        total = along.sum()
        (gradient,) = torch.autograd.grad(total, leaf, retain_graph=True)
        product = site.spatial(gradient.float() * leaf.detach().float())
        maps.append(product.sum(1) * product.shape[-2:].numel())
    return torch.stack(maps, 1)


def _layouts(output: Tensor, batch: int) -> list[Layout]:
    if len(output) != batch or not output.is_floating_point():
        return []
    if output.dim() == 4:
        _, first, middle, last = output.shape
        sides: list[tuple[Layout, int, int]] = [
            ("channels first", middle, last),
            ("channels last", first, middle),
        ]
        return [layout for layout, height, width in sides if height == width > 1]
    if output.dim() == 3 and output.shape[1] > 1 and _prefix_tokens(output) <= _MOST_PREFIX_TOKENS:
        return ["tokens"]
    return []


def _prefix_tokens(tokens: Tensor) -> int:
    return tokens.shape[1] - math.isqrt(tokens.shape[1]) ** 2


_READINGS: tuple[tuple[int, Reading], ...] = (
    (2, lambda output: output),
    (4, lambda output: output.mean((2, 3))),
    (4, lambda output: output.mean((1, 2))),
    (4, lambda output: output.amax((2, 3))),
    (4, lambda output: output.amax((1, 2))),
    (3, lambda tokens: tokens[:, 0]),
    (3, lambda tokens: tokens.mean(1)),
    (3, lambda tokens: tokens[:, _prefix_tokens(tokens) :].mean(1)),
    (3, lambda tokens: tokens.amax(1)),
)


def _spatial(output: Tensor, layout: Layout) -> Tensor:
    if layout == "channels first":
        return output
    if layout == "channels last":
        return output.permute(0, 3, 1, 2)
    patches = output[:, _prefix_tokens(output) :]
    grid: Tensor = patches.transpose(1, 2).unflatten(2, (math.isqrt(patches.shape[1]), -1))
    return grid


def reading(output: Tensor, z: Tensor) -> Reading | None:
    """Return how z [B,D] is read from `output` (itself, its mean, maximum, class token), or None."""
    for dimensions, read in _READINGS:
        if output.dim() != dimensions or len(output) != len(z):
            continue
        found = read(output.detach()).float()
        if found.shape == z.shape and float((found - z).abs().max()) <= 1e-4 * float(z.abs().max()):
            return read
    return None


def _last_with_gradient(candidates: list[tuple[str, Layout, Tensor]], z: Tensor) -> MapSite | None:
    usable = [candidate for candidate in candidates if candidate[2].requires_grad]
    if not usable:
        return None
    generator = torch.Generator().manual_seed(0)
    weights = torch.rand(z.shape[1], generator=generator).to(z.device)
    gradients = torch.autograd.grad((z @ weights).sum(), [output for *_, output in usable], allow_unused=True)
    for (name, layout, _), gradient in zip(usable, gradients, strict=True):
        if gradient is not None and _spatial(gradient, layout)[0].any(0).count_nonzero() > 1:
            return MapSite(name, layout, False)
    return None
