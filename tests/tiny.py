"""A project small enough to compute by hand: flat colours, four neurons, three classes, one planted fault.

Images are 8 x 8 pixels of one colour. The neurons are the mean of red, of green, of blue and of all three. The head
takes the largest colour, but "blue" images with a red tint (group column `tint`) have more red than blue.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import torch
from PIL import Image
from safetensors.torch import save_file

from neuroinspect_tui.config import ComputeConfig, DataConfig, ModelConfig, PreprocessConfig, RunConfig

COLOURS = {
    ("red", "none"): (200, 20, 20),
    ("red", "red"): (220, 30, 30),
    ("green", "none"): (20, 200, 20),
    ("green", "red"): (100, 180, 20),
    ("blue", "none"): (20, 20, 200),
    ("blue", "red"): (180, 20, 120),
}
EACH = 6
"""Images of a class and tint in a split; those of one split differ by one grey level each."""

MODEL = """
import torch
from torch import nn


class Tiny(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 1, bias=False)
        self.relu = nn.ReLU()
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(4, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.fc(self.pool(self.relu(self.conv(x))).flatten(1))


def tiny() -> nn.Module:
    return Tiny()
"""


@dataclass(frozen=True)
class TinyProject:
    """Where its files lie; `options` are what the command line needs."""

    root: Path
    model: str
    weights: Path
    manifest: Path
    split: str = "val"

    @property
    def config(self) -> RunConfig:
        """What `options` ask for."""
        preprocess = PreprocessConfig(8, 1.0, mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0))
        model, data = ModelConfig(self.model, str(self.weights)), DataConfig(str(self.manifest))
        return RunConfig(model, data, preprocess, ComputeConfig(device="cpu"))

    @property
    def options(self) -> list[str]:
        """`-m … -w … -d …` and the preprocessing."""
        inputs = ["-m", self.model, "-w", str(self.weights), "-d", str(self.manifest)]
        return [
            *inputs,
            "--image-size",
            "8",
            "--crop-pct",
            "1",
            "--mean",
            "0,0,0",
            "--std",
            "1,1,1",
            "--device",
            "cpu",
            *(() if self.split == "val" else ("--split", self.split)),
        ]


def state() -> dict[str, torch.Tensor]:
    """The weights: the head reads each class's colour; classes are blue, green, red, as names are sorted."""
    return {
        "conv.weight": torch.tensor([[1.0, 0, 0], [0, 1, 0], [0, 0, 1], [1 / 3, 1 / 3, 1 / 3]]).reshape(
            4, 3, 1, 1
        ),
        "fc.weight": 10 * torch.tensor([[0.0, 0, 1, 0], [0, 1, 0, 0], [1, 0, 0, 0]]),
        "fc.bias": torch.zeros(3),
    }


def make_tiny(root: Path, each: int = EACH) -> TinyProject:
    """Write images, manifest, model and weights below `root`: 3 classes x 2 tints x `each` images a split."""
    rows = []
    for split in ("train", "val", "test"):
        for (name, tint), colour in COLOURS.items():
            for index in range(each):
                path = f"{split}/{name}-{tint}-{index}.png"
                (root / "data" / split).mkdir(parents=True, exist_ok=True)
                shade = tuple(level + index for level in colour)
                Image.new("RGB", (8, 8), shade).save(root / "data" / path)
                rows.append((path, name, split, tint))
    with (root / "data" / "manifest.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("path", "label", "split", "tint"))
        writer.writerows(rows)
    (root / "tiny.py").write_text(MODEL)
    save_file(state(), root / "tiny.safetensors")
    return TinyProject(
        root, f"{root / 'tiny.py'}:tiny", root / "tiny.safetensors", root / "data" / "manifest.csv"
    )
