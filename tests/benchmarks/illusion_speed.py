"""Painting illusions, per picture and step: ours against the published loop (`method.md`), random weights.

The published loop computes in single precision; on a GPU ours is timed in half precision, as the product
chooses, and in single precision too.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from neuroinspect_tui.data.transforms import Preprocess
from neuroinspect_tui.models.attention import pack_attention
from neuroinspect_tui.models.classifier import prepare
from neuroinspect_tui.models.clip import Clip
from neuroinspect_tui.models.device import choose_painting_precision
from neuroinspect_tui.models.sources import ModelSource
from neuroinspect_tui.stages.augment import draw_views, view
from neuroinspect_tui.stages.fourier import FourierBasis
from neuroinspect_tui.stages.illusion_optimizer import Guide, IllusionOptimizer, Pair
from neuroinspect_tui.stages.neuron_statistics import NeuronStatistics
from neuroinspect_tui.stages.recipes import PAPER, Recipe

from .networks import plain_resnet
from .table import Row, Table
from .timing import Time, take_turns

TARGET = 3
PUBLISHED_BATCH = 4


def run(table: Table, quick: bool) -> None:
    """Fill the rows of stage 2: CLIP at every step, and at every second one."""
    device = torch.device(table.machine.device)
    gpu = table.machine.on_gpu
    size, batch, steps = (64, 4, 2) if quick else (224, 128, 4) if gpu else (224, 16, 2)
    name = "resnet50" if gpu else "resnet18"
    module, plain = plain_resnet(10, name).to(device), random_clip(device)
    preprocess, text = Preprocess(size), F.normalize(torch.randn(512), dim=0).to(device)

    def published() -> None:
        for neuron in range(batch // PUBLISHED_BATCH):
            published_loop(module, plain._model, preprocess, text, neuron, steps)

    ways: dict[tuple[str, int], Callable[[], None]] = {}
    for dtype in dict.fromkeys((choose_painting_precision(device), torch.float32)):
        render_queue = _Painter(name, size, batch, steps, device, dtype, text)
        for every in (1, 2):
            recipe = replace(PAPER, clip_every=every)
            ways[str(dtype).removeprefix("torch."), every] = partial(render_queue.paint, recipe)
    taken = take_turns({**ways, "published": published}, rounds=1 if quick else 3)
    each = {way: Time(t.wall / (batch * steps), t.cpu / (batch * steps)) for way, t in taken.items()}
    for precision, every in ways:
        table.add(
            Row(
                "illusion, a picture and step",
                f"{name} + ViT-B/32, {size} px, {batch} at once",
                each[precision, every],
                published=each["published"],
                goal=None if quick else 1.5 if every == 1 else 2.0,
                goal_of="published",
                basis=table.machine.basis,
                note=f"{precision}, CLIP every {'step' if every == 1 else '2nd step'}",
            )
        )


class _Painter:
    """Our way: all pictures side by side, by the published recipe."""

    def __init__(
        self,
        name: str,
        size: int,
        batch: int,
        steps: int,
        device: torch.device,
        dtype: torch.dtype,
        text: Tensor,
    ) -> None:
        source = ModelSource(name, plain_resnet(10, name))
        self.classifier = prepare(source, 10, size, device, dtype).differentiable()
        clip = random_clip(device, dtype)
        pack_attention(clip._model)
        self.guide = Guide(clip, {TARGET: text}, {})
        self.preprocess, self.batch, self.steps = Preprocess(size), batch, steps

    def paint(self, recipe: Recipe) -> None:
        """Take the steps."""
        pairs = [Pair(neuron, TARGET) for neuron in range(self.batch)]
        statistics = NeuronStatistics(torch.ones(self.classifier.head.neurons))
        optimizer = IllusionOptimizer(
            self.classifier, self.preprocess, self.guide, pairs, statistics, recipe, self.batch
        )
        for number in range(self.steps):
            optimizer.step(number)


def random_clip(device: torch.device, dtype: torch.dtype = torch.float32) -> Clip:
    """Return ViT-B/32 as open_clip builds it, with random weights, frozen."""
    import open_clip

    torch.manual_seed(0)
    model: Any = open_clip.create_model("ViT-B-32", pretrained=None).eval().requires_grad_(False)
    channels = {"mean": open_clip.OPENAI_DATASET_MEAN, "std": open_clip.OPENAI_DATASET_STD}
    return Clip("ViT-B-32", model.to(device), None, channels, device, dtype)


def published_loop(
    module: nn.Module, clip: Any, preprocess: Preprocess, text: Tensor, neuron: int, steps: int
) -> None:
    """Paint four pictures of one neuron: parameters not frozen, a coupled loss, text and numbers at every step."""
    for network in (module, clip.visual):
        network.requires_grad_(True)
    basis, device = FourierBasis.published(preprocess.image_size).to(text.device), text.device
    side = (PUBLISHED_BATCH, 3, *basis.spectrum.shape, 2)
    coefficients = (1e-3 * torch.randn(side, device=device)).requires_grad_()
    optimizer = torch.optim.AdamW([coefficients], 9e-3, betas=(0.5, 0.99), weight_decay=2e-4)
    kept: list[Tensor] = []
    handle = module.get_submodule("avgpool").register_forward_hook(lambda *call: kept.append(call[2]))
    for number in range(steps):
        drawn = draw_views(torch.Generator().manual_seed(number), 1, PAPER.views).to(device)
        pictures = view(basis.paint(coefficients), drawn[torch.zeros(PUBLISHED_BATCH, dtype=torch.int64)])
        logits = module(preprocess.normalise(pictures))
        activation = kept.pop().flatten(1)[:, neuron, None]
        seen = F.interpolate(pictures, (224, 224), mode="bilinear")
        cosine = F.normalize(clip.encode_image(seen), dim=1) @ text
        loss = -((cosine + 0.05) * (activation + 0.5 * logits[:, TARGET, None])).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        _ = loss.item(), activation.mean().item(), cosine.mean().item()
    handle.remove()
    for network in (module, clip.visual):
        network.requires_grad_(False)
        network.zero_grad(set_to_none=True)
