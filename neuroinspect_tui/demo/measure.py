"""Measures what the demo's files are worth: accuracies of the classifier and of the CLIP."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors.torch import load_file
from torch import Tensor

from ..models.clip import load_clip
from .classifier_training import predictions
from .network import demo_resnet
from .objects import KINDS

Row = dict[str, str]


def read_split(assets: Path, split: str) -> tuple[Tensor, list[Row]]:
    """Return a split's uint8 pixels [N,3,64,64] and the lines of its manifest."""
    with (assets / "data" / "manifest.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["split"] == split]
    pictures = [np.asarray(Image.open(assets / "data" / row["path"])) for row in rows]
    return torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).contiguous(), rows


def labels_of(rows: list[Row]) -> Tensor:
    """Return the labels [N] of manifest lines."""
    return torch.tensor([int(row["label"]) for row in rows])


def classifier_hits(assets: Path, split: str) -> tuple[Tensor, list[Row]]:
    """Return whether the classifier is right about each image of a split, bool [N], and its manifest."""
    pixels, rows = read_split(assets, split)
    network = demo_resnet().eval()
    network.load_state_dict(load_file(assets / "classifier.safetensors"))
    return predictions(network, pixels) == labels_of(rows), rows


@torch.inference_mode()
def zero_shot_hits(assets: Path, split: str) -> Tensor:
    """Return whether CLIP finds the class of each image of a split by name alone, bool [N]."""
    pixels, rows = read_split(assets, split)
    folder = assets / "clip"
    clip = load_clip(f"{folder / 'config.json'}:{folder / 'model.safetensors'}", torch.device("cpu"))
    if clip is None:
        raise RuntimeError("the demo's CLIP was not loaded")
    names = torch.stack([clip.class_embedding(kind) for kind in KINDS])
    found = [clip.encode_image(part.float() / 255) @ names.T for part in pixels.split(200)]
    return torch.cat(found).argmax(1) == labels_of(rows)


def rate(hits: Tensor, rows: list[Row], wanted: Mapping[str, str]) -> float:
    """Return the percentage of hits among the lines with these values."""
    chosen = [i for i, row in enumerate(rows) if all(row[name] == value for name, value in wanted.items())]
    return 100 * hits[chosen].double().mean().item()


def worst_group(hits: Tensor, rows: list[Row], column: str) -> tuple[str, str, float]:
    """Return class, value and percentage of the group of a column in which the fewest are right."""
    groups = sorted({(row["class_name"], row[column]) for row in rows})
    rates = [(rate(hits, rows, {"class_name": kind, column: value}), kind, value) for kind, value in groups]
    lowest, kind, value = min(rates)
    return kind, value, lowest
