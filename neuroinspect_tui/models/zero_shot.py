"""`-m clip:NAME:TAG`: CLIP as a zero-shot classifier, the texts of the class names its decision layer."""

from __future__ import annotations

import json
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..config import ModelPreprocess
from ..tensors import Head
from .clip import Clip, load_clip
from .source import ClassNames, ModelSource, Wanted


class ZeroShot(nn.Module):
    """Unit image embeddings, then a linear layer: scale · (image · text), each text of unit length."""

    def __init__(self, visual: nn.Module, texts: Tensor, scale: float) -> None:
        super().__init__()
        self.visual, self.head = visual, nn.Linear(texts.shape[1], len(texts))
        with torch.no_grad():
            self.head.weight.copy_(scale * texts)
            self.head.bias.zero_()

    def forward(self, images: Tensor) -> Tensor:
        """Return logits [B,C] of normalised images [B,3,S,S]."""
        logits: Tensor = self.head(F.normalize(self.visual(images), dim=-1))
        return logits


class LinearHead:
    """Exports a repaired layer alone: what reads unit embeddings of this CLIP."""

    def __init__(self, model: str, names: Sequence[str]) -> None:
        self.metadata = {"model": model, "class_names": json.dumps(list(names))}

    def __call__(self, head: Head) -> tuple[dict[str, Tensor], dict[str, str]]:
        """Return `weight` [C,E], `bias` [C] and what they belong to."""
        return {"weight": head.weight.contiguous(), "bias": head.bias.contiguous()}, self.metadata


def from_clip(name: str, wanted: Wanted) -> ModelSource:
    """Return CLIP (NAME:TAG, NAME:FILE or CONFIG.json:FILE) for the data's classes. Raises InputError."""
    clip = load_clip(name, torch.device("cpu"), option="-m clip:")
    assert isinstance(clip, Clip)
    names = tuple(wanted.data_classes())
    texts = torch.stack([clip.class_embedding(one) for one in names])
    module = ZeroShot(clip.visual, texts, clip.scale)
    facts = ModelPreprocess(
        image_size=clip.image_size,
        crop_pct=1.0,
        mean=clip.mean,
        std=clip.std,
        interpolation="bicubic",
        crop_mode="squash" if clip.squashes else "center",
    )
    exporter = LinearHead(wanted.spec, names)
    return ModelSource(wanted.spec, module, facts, classes=ClassNames(names), exporter=exporter)
