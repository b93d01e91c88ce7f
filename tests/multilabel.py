"""A drawn set with two labels and one planted fault: blue is dim beside red, and the classifier misses it.

Images are 8 x 8 pixels of one colour; the classifier's outputs are the probabilities of red and of blue, each read
off the colour's own mean. `blue` is bright (200) without red and dim (90) with it; an image without blue has
110 of it, with red 30. So at 0.5, where a mean of 127.5 is, the ten of each split that are dim are missed.
"""

from __future__ import annotations

import csv
from itertools import product
from pathlib import Path

import torch
from PIL import Image
from safetensors.torch import save_file

EACH = 10
LEVELS = {(False, True): 200, (True, True): 90, (False, False): 110, (True, False): 30}
"""Of blue, by whether the image has red and blue."""
MODEL = """
import torch
from torch import nn


class TwoLabels(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 1, bias=False)
        self.fc = nn.Linear(3, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.fc(self.conv(x).relu().mean((2, 3)))


class Probabilities(TwoLabels):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(x).sigmoid()


def build() -> nn.Module:
    return TwoLabels()


def probabilities() -> nn.Module:
    return Probabilities()


class Exclusive(TwoLabels):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(x).softmax(1)


def exclusive() -> nn.Module:
    return Exclusive()
"""
PREPROCESSING = [
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
]

Row = tuple[str, str, bool, bool]


def draw(root: Path) -> list[Row]:
    """Write images, model and weights below `root`; return path, split, red and blue of each image."""
    rows = []
    for split in ("train", "val", "test"):
        (root / split).mkdir(parents=True)
        for (red, blue), index in product(product((True, False), repeat=2), range(EACH)):
            path = f"{split}/{red:d}{blue:d}-{index}.png"
            colour = (180 + index if red else 20 + index, 3 * index, LEVELS[red, blue] + index % 3)
            Image.new("RGB", (8, 8), colour).save(root / path)
            rows.append((path, split, red, blue))
    (root / "labels.py").write_text(MODEL)
    save_file(state(), root / "labels.safetensors")
    return rows


def state() -> dict[str, torch.Tensor]:
    """The weights: each output reads its colour, less one half."""
    return {
        "conv.weight": torch.eye(3).reshape(3, 3, 1, 1),
        "fc.weight": torch.tensor([[20.0, 0, 0], [0, 0, 20.0]]),
        "fc.bias": torch.tensor([-10.0, -10.0]),
    }


def write_columns(root: Path, rows: list[Row]) -> Path:
    """Write the labels as a column each."""
    return _write(root / "columns.csv", ("path", "split", "red", "blue"), rows)


def write_lists(root: Path, rows: list[Row]) -> Path:
    """Write the labels of an image in one cell."""
    cells = [
        (path, split, "|".join(name for name, has in (("red", red), ("blue", blue)) if has) or "none")
        for path, split, red, blue in rows
    ]
    return _write(root / "lists.csv", ("path", "split", "labels"), cells)


def _write(file: Path, header: tuple[str, ...], rows: object) -> Path:
    with file.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(header)
        writer.writerows(
            [int(cell) if isinstance(cell, bool) else cell for cell in row]
            for row in rows  # type: ignore[attr-defined]
        )
    return file


def options(root: Path, data: Path, builder: str = "build") -> list[str]:
    """Return `-m … -w … -d …` and the preprocessing."""
    return [
        *("-m", f"{root / 'labels.py'}:{builder}", "-w", str(root / "labels.safetensors"), "-d", str(data)),
        *PREPROCESSING,
    ]
