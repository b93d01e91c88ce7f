"""Trains the demo's CLIP: a small open_clip model that knows the words of the demo world and nothing else.

Pictures are fresh scenes (seeds from 2³¹ on, the classifier's lie below) in which kind, colour, ground and
watermark are independent; half are seen whole, half as crops. A batch's pictures and captions make a
contrastive loss in which a picture belongs to every caption of the batch that is true of it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.random import Generator
from safetensors.torch import save_file
from torch import Tensor, nn

from ..torchvision_compat import import_torchvision
from .captions import Caption, Facts, caption, visible
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
STEPS = 1_000
BATCH = 96
PEAK_RATE = 2e-3
WATERMARKED = 0.35


@dataclass(frozen=True)
class Album:
    """Fresh scenes and their drawings."""

    scenes: list[Scene]
    drawings: list[Drawing]

    def view(self, index: int, rng: Generator) -> tuple[Tensor, Facts]:
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


def truths(captions: list[Caption], facts: list[Facts]) -> Tensor:
    """Return [B,B] float: 1 where caption j is true of picture i."""
    return torch.tensor([[float(caption.holds(fact)) for caption in captions] for fact in facts])


def contrastive_loss(logits: Tensor, truth: Tensor) -> Tensor:
    """Return the symmetric cross entropy of similarities [B,B] to an even share for every true pair."""
    rows = truth / truth.sum(1, keepdim=True)
    columns = truth / truth.sum(0, keepdim=True)
    return (F.cross_entropy(logits, rows) + F.cross_entropy(logits.T, columns.T)) / 2


def new_model(seed: int) -> nn.Module:
    """Return the untrained model."""
    import_torchvision()
    from open_clip.model import CLIP

    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return CLIP(**CONFIG)


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


def train_clip(
    seed: int, report: Callable[[str], None], scenes: int = SCENES, steps: int = STEPS
) -> nn.Module:
    """Return the trained model in eval mode."""
    model: Any = new_model(seed)
    from open_clip import SimpleTokenizer

    tokenizer = SimpleTokenizer(context_length=CONFIG["text_cfg"]["context_length"])
    album, rng = fresh_album(scenes, seed, report), np.random.default_rng([seed, 1])
    optimizer = torch.optim.AdamW(model.parameters(), lr=PEAK_RATE, weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, PEAK_RATE, total_steps=steps, pct_start=0.1)
    used = torch.zeros(0, dtype=torch.long)
    for step in range(1, steps + 1):
        views = [album.view(int(i), rng) for i in rng.integers(0, scenes, BATCH)]
        facts = [fact for _, fact in views]
        captions = [caption(fact, rng) for fact in facts]
        tokens = tokenizer([sentence.text for sentence in captions])
        used = torch.unique(torch.cat([used, tokens.flatten()]))
        pictures = usual_normalisation(torch.stack([picture for picture, _ in views]))
        images, texts, scale = model(pictures, tokens)
        loss = contrastive_loss(scale * images @ texts.T, truths(captions, facts))
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        if step % 50 == 0:
            report(f"CLIP step {step}/{steps}: loss {loss.item():.3f}")
    forget_unused_words(model, used)
    return model.eval()


def write_clip(model: nn.Module, folder: Path) -> None:
    """Write `config.json` and `model.safetensors` (half precision)."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(CONFIG, indent=1) + "\n", encoding="utf-8")
    state = {
        name: (tensor.half() if tensor.is_floating_point() else tensor).contiguous()
        for name, tensor in model.state_dict().items()
    }
    save_file(state, folder / "model.safetensors", {"format": "pt"})
