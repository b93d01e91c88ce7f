"""Trains the demo's CLIP: a small open_clip model that knows the words of the demo world and nothing else.

Pictures are fresh scenes (seeds from 2³¹ on, the classifier's lie below) in which kind, colour, ground and
watermark are independent; half are seen whole, half as crops. Sentences are a caption of each picture of the
batch and one about each concept. The contrastive loss gives a picture to every sentence that is true of it;
beside it each concept is distinguished from the others of its facet.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.random import Generator
from safetensors.torch import save_file
from torch import Tensor, nn

from ..torchvision_compat import import_torchvision
from .captions import Caption, SceneFacts, caption, concepts, visible
from .objects import HUES, KINDS
from .world import BACKGROUNDS, SIZE, Box, Drawing, Scene, draw

CONFIG: dict[str, Any] = {
    "embed_dim": 64,
    "vision_cfg": {"layers": [1, 2, 2, 1], "width": 12, "image_size": SIZE, "patch_size": None},
    "text_cfg": {"context_length": 24, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 2},
}
"""The open_clip model config: a modified ResNet, and a text tower of two layers."""

FRESH_SEEDS = 2**31
SCENES = 10_000
STEPS = 2_200
BATCH = 96
VISION_RATE, TEXT_RATE = 3e-3, 1.5e-3
WATERMARKED = 0.35
FACET_SIZES = (len(KINDS), len(BACKGROUNDS), len(HUES), 3)
FACETS = tuple(
    slice(stop - size, stop) for size, stop in zip(FACET_SIZES, accumulate(FACET_SIZES), strict=True)
)
"""Where among the concepts the kinds, the grounds, the colours, and watermark, darkness and blur stand."""


@dataclass(frozen=True)
class Album:
    """Fresh scenes and their drawings."""

    scenes: list[Scene]
    drawings: list[Drawing]

    def view(self, index: int, rng: Generator) -> tuple[Tensor, SceneFacts]:
        """Return a picture [3,64,64] 0…1, whole or a square crop enlarged to full size, and what it shows."""
        scene, drawing = self.scenes[index], self.drawings[index]
        side = SIZE if rng.random() < 0.5 else int(rng.integers(SIZE // 4, SIZE))
        left, top = (int(v) for v in rng.integers(0, SIZE - side + 1, 2))
        box: Box = (left / SIZE, top / SIZE, (left + side) / SIZE, (top + side) / SIZE)
        crop = np.ascontiguousarray(drawing.pixels[top : top + side, left : left + side])
        picture = torch.from_numpy(crop).permute(2, 0, 1).float() / 255
        if side < SIZE:
            picture = F.interpolate(picture[None], (SIZE, SIZE), mode="bicubic", align_corners=False)[0]
        return picture.clamp(0, 1), visible(scene, drawing, box)


def fresh_album(count: int, seed: int, report: Callable[[str], None]) -> Album:
    """Draw scenes in which nothing goes with anything."""
    rng = np.random.default_rng([seed, FRESH_SEEDS])
    scenes = [
        Scene(
            kind=KINDS[rng.integers(len(KINDS))],
            colour=list(HUES)[rng.integers(len(HUES))],
            background=BACKGROUNDS[rng.integers(len(BACKGROUNDS))],
            watermark=bool(rng.random() < WATERMARKED),
            seed=FRESH_SEEDS + int(rng.integers(2**31)),
        )
        for _ in range(count)
    ]
    drawings = []
    for number, scene in enumerate(scenes, start=1):
        drawings.append(draw(scene))
        if number % 2000 == 0:
            report(f"drawn {number}/{count} scenes for CLIP")
    return Album(scenes, drawings)


def truths(captions: list[Caption], facts: list[SceneFacts]) -> Tensor:
    """Return [B,T] float: 1 where caption j is true of picture i."""
    return torch.tensor([[float(caption.holds(fact)) for caption in captions] for fact in facts])


def share_loss(logits: Tensor, truth: Tensor) -> Tensor:
    """Return the cross entropy of logits [R,K] to even shares of the true pairs, over rows that have any."""
    known = truth.sum(1) > 0
    shares = truth[known] / truth[known].sum(1, keepdim=True)
    return F.cross_entropy(logits[known], shares)


def matching_loss(logits: Tensor, truth: Tensor, facets: Sequence[slice]) -> Tensor:
    """Return the loss of similarities [B,T] by rows and by columns, over all and within each facet."""
    parts = [(logits, truth)] + [(logits[:, facet], truth[:, facet]) for facet in facets]
    return (
        torch.stack([share_loss(part, true) + share_loss(part.T, true.T) for part, true in parts]).sum() / 2
    )


def new_model(seed: int) -> nn.Module:
    """Return the untrained model."""
    import_torchvision()
    from open_clip.model import CLIP

    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model: nn.Module = CLIP(**CONFIG)
        return model


def usual_normalisation(images: Tensor) -> Tensor:
    """Return images [B,3,H,W] 0…1 as an open_clip model without own constants expects them."""
    from open_clip import OPENAI_DATASET_MEAN, OPENAI_DATASET_STD

    mean, std = (torch.tensor(values).view(3, 1, 1) for values in (OPENAI_DATASET_MEAN, OPENAI_DATASET_STD))
    return (images - mean) / std


def forget_unused_words(model: Any, used: Tensor) -> None:
    """Set the embedding of every token that no caption had to zero: an unknown word says nothing."""
    unknown = torch.ones(model.token_embedding.num_embeddings, dtype=torch.bool)
    unknown[used] = False
    with torch.no_grad():
        model.token_embedding.weight[unknown] = 0


@dataclass(frozen=True)
class Lesson:
    """A batch: normalised pictures [B,3,64,64], what they show, B captions, one about each concept."""

    pictures: Tensor
    facts: list[SceneFacts]
    captions: list[Caption]

    @classmethod
    def draw(cls, album: Album, rng: Generator) -> Lesson:
        """Return random views of the album with random captions."""
        views = [album.view(int(i), rng) for i in rng.integers(0, len(album.scenes), BATCH)]
        facts = [fact for _, fact in views]
        pictures = usual_normalisation(torch.stack([picture for picture, _ in views]))
        captions = [caption(fact, rng) for fact in facts] + concepts(rng)
        return cls(pictures.contiguous(memory_format=torch.channels_last), facts, captions)

    def loss(self, images: Tensor, texts: Tensor, scale: Tensor) -> Tensor:
        """Return the loss of unit embeddings of the pictures [B,E] and the captions [T,E]."""
        facets = [slice(BATCH + facet.start, BATCH + facet.stop) for facet in FACETS]
        return matching_loss(scale * images @ texts.T, truths(self.captions, self.facts), facets)


def train_clip(
    seed: int, report: Callable[[str], None], scenes: int = SCENES, steps: int = STEPS
) -> nn.Module:
    """Return the trained model in eval mode."""
    model: Any = new_model(seed)
    from open_clip import SimpleTokenizer

    model.visual.to(memory_format=torch.channels_last)
    tokenizer = SimpleTokenizer(context_length=CONFIG["text_cfg"]["context_length"])
    album, rng = fresh_album(scenes, seed, report), np.random.default_rng([seed, 1])
    seeing = list(model.visual.parameters())
    reading = [parameter for name, parameter in model.named_parameters() if not name.startswith("visual.")]
    optimizer = torch.optim.AdamW([{"params": seeing}, {"params": reading}], weight_decay=0.02)
    rates = [VISION_RATE, TEXT_RATE]
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rates, total_steps=steps, pct_start=0.1)
    used = torch.zeros(0, dtype=torch.long)
    for step in range(1, steps + 1):
        lesson = Lesson.draw(album, rng)
        tokens = tokenizer([sentence.text for sentence in lesson.captions])
        used = torch.unique(torch.cat([used, tokens.flatten()]))
        loss = lesson.loss(*model(lesson.pictures, tokens))
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        if step % 50 == 0:
            report(f"CLIP step {step}/{steps}: loss {loss.item():.3f}")
    forget_unused_words(model, used)
    trained: nn.Module = model.eval()
    return trained


def write_clip(model: nn.Module, folder: Path) -> None:
    """Write `config.json` and `model.safetensors` (half precision)."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(CONFIG, indent=1) + "\n", encoding="utf-8")
    state = {
        name: (tensor.half() if tensor.is_floating_point() else tensor).contiguous()
        for name, tensor in model.state_dict().items()
    }
    save_file(state, folder / "model.safetensors", {"format": "pt"})
