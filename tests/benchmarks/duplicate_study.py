"""How many planted copies `stages.duplicates` finds: `python -m tests.benchmarks.duplicate_study FOLDER [COPIES [SEED]]`.

FOLDER holds a metadata.csv or manifest.csv with path and split. Copies of train images, recompressed, resized,
mirrored or several of these, are planted in test, in memory; every image is opened, so that no model is needed.
"""

from __future__ import annotations

import csv
import io
import random
import sys
from collections import defaultdict
from pathlib import Path

import torch
from PIL import Image, ImageOps

from neuroinspect_tui.stages.duplicates import find_duplicates
from neuroinspect_tui.tensors import SplitFeatures

KINDS = ("jpeg", "resize", "mirror", "jpeg mirror", "resize jpeg", "resize mirror jpeg")


def main() -> None:
    """Plant, search and print recall and precision, and the copies that the data itself has."""
    folder, count = Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 500
    images = _images(folder)
    own = sum(
        len(found.rows) for found in find_duplicates(_splits(images), lambda *place: _open(images, place))
    )
    chances = random.Random(int(sys.argv[3]) if len(sys.argv) > 3 else 0)
    chosen = chances.sample(range(len(images["train"])), count)
    truth = {(row, len(images["test"]) + place) for place, row in enumerate(chosen)}
    for row in chosen:
        images["test"].append(_planted(_open(images, ("train", row)), chances))
    pairs = {name: images[name] for name in ("train", "test")}
    found = {
        (one, other)
        for duplicates in find_duplicates(_splits(pairs), lambda *place: _open(images, place))
        for one, other in duplicates.rows.tolist()
    }
    right = len(found & truth)
    print(f"{folder.name}: {own} pairs of its own; {count} planted: recall {right / count:.3f}, ", end="")
    print(f"precision {right / max(len(found), 1):.3f}")


def _images(folder: Path) -> dict[str, list[Path | Image.Image]]:
    table = next(path for path in (folder / "metadata.csv", folder / "manifest.csv") if path.exists())
    images: dict[str, list[Path | Image.Image]] = defaultdict(list)
    with table.open(newline="") as file:
        for row in csv.DictReader(file):
            images[row["split"]].append(folder / row["path"])
    return images


def _splits(images: dict[str, list[Path | Image.Image]]) -> dict[str, SplitFeatures]:
    return {name: _without_features(name, len(found)) for name, found in images.items()}


def _without_features(name: str, count: int) -> SplitFeatures:
    nothing, whole = torch.zeros(count, 5), torch.zeros(count, dtype=torch.int64)
    return SplitFeatures(
        name, nothing, whole, nothing, nothing.long(), nothing[:, 0], [""] * count, torch.arange(count)
    )


def _open(images: dict[str, list[Path | Image.Image]], place: tuple[str, int]) -> Image.Image:
    found = images[place[0]][place[1]]
    return Image.open(found).convert("RGB") if isinstance(found, Path) else found


def _planted(image: Image.Image, chances: random.Random) -> Image.Image:
    kind = chances.choice(KINDS)
    if "mirror" in kind:
        image = ImageOps.mirror(image)
    if "resize" in kind:
        scale = chances.uniform(0.6, 1.6)
        image = image.resize(
            (round(image.width * scale), round(image.height * scale)), Image.Resampling.BICUBIC
        )
    if "jpeg" in kind:
        file = io.BytesIO()
        image.save(file, "JPEG", quality=chances.randint(40, 80))
        image = Image.open(file).convert("RGB")
    return image


if __name__ == "__main__":
    main()
