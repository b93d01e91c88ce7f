"""`python -m tests.benchmarks.stress_study`: does the battery put what was planted first, and nothing elsewhere?

For each network, on images of val: the three strongest pulls towards each class that is of interest (those
with a planted cue, or the four strongest pulls of a network without any), with the strength of the change and p
after Holm. Prints the table in Markdown.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterator

import torch
from PIL import Image

from neuroinspect_tui.config import ModelConfig, PreprocessConfig
from neuroinspect_tui.data.transforms import as_pixels, to_bytes
from neuroinspect_tui.models.classifier import load_classifier
from neuroinspect_tui.results import Pull
from neuroinspect_tui.stages.stress import stress

from .real_sets import PREPROCESS, RealSet, open_demo, open_real
from .repair_data import REAL

PLANTED = {
    "tint_birdplane": ("airplane", "bird"),
    "tint_birdplane/severe": ("airplane", "bird"),
    "patch_cat": ("cat",),
    "demo": ("mug", "boat"),
}
NATURAL = ("resnet20", "resnet56")
EVERY = 4
"""One image of so many of the plain set: it is large."""


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.stress_study")
    parser.add_argument("--sets", nargs="*", default=[*PLANTED, *NATURAL])
    parser.add_argument("--images", type=int, default=500)
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    print(
        "| network | images | class | strongest pulls: change at strength, pull, p |",
        "|---|---|---|---|",
        sep="\n",
    )
    for name in chosen.sets:
        found = _plain(name) if name in NATURAL else open_demo() if name == "demo" else open_real(REAL, name)
        for where, pulls, images in _lines(found, PLANTED.get(name, ()), chosen.images):
            cells = (f"{p.change} at {p.strength:.2f}, {p.pull:+.3f}, {p.p:.0e}" for p in pulls)
            print(f"| {name} | {images} | {where} | {'; '.join(cells)} |", flush=True)


def _lines(found: RealSet, planted: tuple[str, ...], most: int) -> Iterator[tuple[str, list[Pull], int]]:
    """Yield a class, its strongest pulls and the number of images; without planted classes all in one."""
    count = len(found.images)
    rows = torch.linspace(0, count - 1, min(count, most)).round().long().tolist()
    labels = found.labels[rows].tolist()
    pulls = stress(
        found.classifier, found.preprocess, rows, labels, lambda chosen: as_pixels(found.images[list(chosen)])
    )
    for name in planted:
        yield name, [pull for pull in pulls if found.classes[pull.target] == name][:3], len(rows)
    if not planted:
        where = ", ".join(found.classes[pull.target] for pull in pulls[:4])
        yield f"any: {where}", list(pulls[:4]), len(rows)


def _plain(function: str) -> RealSet:
    """Open CIFAR-10's public network of that name on images without a planted cue."""
    folder = REAL / "cifar10_jpeg"
    with (folder / "metadata.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))[::EVERY]
    names = dict(sorted((int(row["label"]), row["class_name"]) for row in rows))
    model = ModelConfig(
        f"{REAL / 'models.py'}:{function}", str(folder / f"model_cifar_{function}.safetensors")
    )
    classifier = load_classifier(model, PreprocessConfig(image_size=32), len(names), torch.device("cpu"))
    images = torch.stack([to_bytes(Image.open(folder / row["path"]).convert("RGB")) for row in rows])
    labels = torch.tensor([int(row["label"]) for row in rows])
    nothing = torch.empty(0)
    return RealSet(classifier, PREPROCESS, list(names.values()), rows, images, labels, nothing, nothing)


if __name__ == "__main__":
    main()
