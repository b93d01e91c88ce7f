"""Painting illusions, per picture and step: ours against the published loop (`method.md`), random weights."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from neuroinspect_tui.data.transforms import Preprocess
from neuroinspect_tui.models.attention import pack_attention
from neuroinspect_tui.models.classifier import prepare
from neuroinspect_tui.models.clip import Clip
from neuroinspect_tui.models.sources import ModelSource
from neuroinspect_tui.stages.augment import draw_views, view
from neuroinspect_tui.stages.easel import Easel, Guide, Pair
from neuroinspect_tui.stages.fourier import FourierBasis
from neuroinspect_tui.stages.neuron_statistics import NeuronStatistics
from neuroinspect_tui.stages.recipes import PAPER, Recipe

from .networks import plain_resnet
from .table import Row, Table
from .timing import Time, take_turns

TARGET = 3
PUBLISHED_BATCH = 4


def run(table: Table, quick: bool) -> None:
    """Fill the rows of stage 2: CLIP at every step, and at every second one."""
    size, batch, steps = (64, 4, 2) if quick else (224, 16, 2)
    module, plain, clip = plain_resnet(10), random_clip(), random_clip()
    pack_attention(clip._model)
    preprocess, text = Preprocess(size), F.normalize(torch.randn(512), dim=0)
    source = ModelSource("resnet18", plain_resnet(10))
    classifier = prepare(source, 10, size, torch.device("cpu")).differentiable()
    pairs = [Pair(neuron, TARGET) for neuron in range(batch)]

    def ours(recipe: Recipe) -> None:
        statistics = NeuronStatistics(torch.ones(512))
        easel = Easel(
            classifier, preprocess, Guide(clip, {TARGET: text}, {}), pairs, statistics, recipe, batch
        )
        for number in range(steps):
            easel.step(number)

    def published() -> None:
        for neuron in range(batch // PUBLISHED_BATCH):
            published_loop(module, plain._model, preprocess, text, neuron, steps)

    ways = {
        "every": lambda: ours(PAPER),
        "half": lambda: ours(replace(PAPER, clip_every=2)),
        "published": published,
    }
    taken = take_turns(ways, rounds=1 if quick else 3)
    each = {name: Time(t.wall / (batch * steps), t.cpu / (batch * steps)) for name, t in taken.items()}
    for name, note, goal in (("every", "CLIP every step", 1.5), ("half", "CLIP every 2nd step", 2.0)):
        table.add(
            Row(
                "illusion, a picture and step",
                f"ResNet-18 + ViT-B/32, {size} px, {batch} at once",
                each[name],
                published=each["published"],
                goal=None if quick else goal,
                goal_of="published",
                note=note,
            )
        )


def random_clip() -> Clip:
    """Return ViT-B/32 as open_clip builds it, with random weights, frozen."""
    import open_clip

    torch.manual_seed(0)
    model: Any = open_clip.create_model("ViT-B-32", pretrained=None).eval().requires_grad_(False)
    channels = {"mean": open_clip.OPENAI_DATASET_MEAN, "std": open_clip.OPENAI_DATASET_STD}
    return Clip("ViT-B-32", model, None, channels, torch.device("cpu"), torch.float32)


def published_loop(
    module: nn.Module, clip: Any, preprocess: Preprocess, text: Tensor, neuron: int, steps: int
) -> None:
    """Paint four pictures of one neuron: parameters not frozen, a coupled loss, text and numbers at every step."""
    for network in (module, clip.visual):
        network.requires_grad_(True)
    basis = FourierBasis.published(preprocess.image_size)
    side = (PUBLISHED_BATCH, 3, *basis.spectrum.shape, 2)
    coefficients = (1e-3 * torch.randn(side)).requires_grad_()
    optimiser = torch.optim.AdamW([coefficients], 9e-3, betas=(0.5, 0.99), weight_decay=2e-4)
    kept: list[Tensor] = []
    handle = module.get_submodule("avgpool").register_forward_hook(lambda *call: kept.append(call[2]))
    for number in range(steps):
        drawn = draw_views(torch.Generator().manual_seed(number), 1, PAPER.views)
        pictures = view(basis.paint(coefficients), drawn[torch.zeros(PUBLISHED_BATCH, dtype=torch.int64)])
        logits = module(preprocess.normalise(pictures))
        activation = kept.pop().flatten(1)[:, neuron, None]
        seen = F.interpolate(pictures, (224, 224), mode="bilinear")
        cosine = F.normalize(clip.encode_image(seen), dim=1) @ text
        loss = -((cosine + 0.05) * (activation + 0.5 * logits[:, TARGET, None])).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        _ = loss.item(), activation.mean().item(), cosine.mean().item()
    handle.remove()
    for network in (module, clip.visual):
        network.requires_grad_(False)
        network.zero_grad(set_to_none=True)
