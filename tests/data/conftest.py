"""Small data sets made on the spot."""

import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image


def picture(width=12, height=10, seed=0):
    """Return a smooth random RGB image."""
    pixels = np.random.default_rng(seed).integers(0, 256, (4, 4, 3), dtype=np.uint8)
    return Image.fromarray(pixels).resize((width, height), Image.Resampling.BICUBIC)


def save(path: Path, **options) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    picture(**options).save(path)
    return path


def write_csv(path: Path, rows) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)
    return path


@pytest.fixture
def class_folders(tmp_path):
    """`animals/` with two cats and three dogs."""
    root = tmp_path / "animals"
    for seed, name in enumerate(["cat/a.jpg", "cat/b.png", "dog/a.jpg", "dog/c.bmp", "dog/d.webp"]):
        save(root / name, seed=seed)
    return root
