"""Makes the demo's files from a seed: `python -m neuroinspect_tui.demo.make [--only PART]`."""

from __future__ import annotations

import argparse
import csv
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image
from safetensors.torch import save_file

from .captions import vocabulary
from .card import write_card
from .classifier_training import train_classifier
from .clip_training import train_clip, write_clip
from .measure import labels_of, read_split
from .objects import KINDS
from .splits import DemoImage, plan
from .world import draw

SEED = 0
COLUMNS = ("path", "label", "class_name", "split", "background", "watermark")
PARTS = ("data", "classifier", "clip", "card")
Report = Callable[[str], None]


def write_picture(pixels: np.ndarray, path: Path) -> None:
    """Write uint8 [H,W,3] as a JPEG, quality 92, colour at full resolution."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, "JPEG", quality=92, subsampling=0, optimize=True)


def manifest_row(sample: DemoImage) -> tuple[str, int, str, str, str, str]:
    """Return a sample's line of the manifest."""
    mark = "yes" if sample.scene.watermark else "no"
    return sample.path, sample.label, sample.class_name, sample.split, sample.scene.background, mark


def write_table(path: Path, header: Sequence[str], rows: Sequence[Sequence[str | int]]) -> None:
    """Write a csv file."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def make_data(assets: Path, seed: int, report: Report) -> None:
    """Draw every picture and write `data/manifest.csv` and `data/mislabelled.csv`."""
    folder, samples = assets / "data", plan(seed)
    shutil.rmtree(folder, ignore_errors=True)
    for number, sample in enumerate(samples, start=1):
        write_picture(draw(sample.scene).pixels, folder / sample.path)
        if number % 500 == 0:
            report(f"drawn {number}/{len(samples)}")
    write_table(folder / "manifest.csv", COLUMNS, [manifest_row(sample) for sample in samples])
    wrong = [(sample.path, sample.class_name, sample.scene.kind) for sample in samples if sample.mislabelled]
    write_table(folder / "mislabelled.csv", ("path", "class_name", "shows"), wrong)


def make_classifier(assets: Path, seed: int, report: Report) -> None:
    """Train the classifier on `data/train` and write `classifier.safetensors`."""
    pixels, rows = read_split(assets, "train")
    network = train_classifier(pixels, labels_of(rows), seed, report)
    state = {name: tensor.contiguous() for name, tensor in network.state_dict().items()}
    metadata = {"architecture": "neuroinspect_tui.demo.network:demo_resnet", "classes": ",".join(KINDS)}
    save_file(state, assets / "classifier.safetensors", metadata)


def make_clip(assets: Path, seed: int, report: Report) -> None:
    """Train CLIP on fresh scenes and write `clip/` and `vocabulary.txt`."""
    write_clip(train_clip(seed, report), assets / "clip")
    (assets / "vocabulary.txt").write_text("\n".join(vocabulary()) + "\n", encoding="utf-8")


def make_card(assets: Path, seed: int, report: Report) -> None:
    """Measure what was made and write `CARD.md`."""
    write_card(assets, seed)
    report(f"wrote {assets / 'CARD.md'}")


def main(arguments: Sequence[str] | None = None) -> None:
    """Make all of the demo's files, or one part of them."""
    parser = argparse.ArgumentParser(prog="python -m neuroinspect_tui.demo.make", description=__doc__)
    parser.add_argument("--out", type=Path, default=Path(__file__).resolve().parents[2] / "assets")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--only", choices=PARTS, action="append")
    options = parser.parse_args(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    makers = dict(zip(PARTS, (make_data, make_classifier, make_clip, make_card), strict=True))
    for part in options.only or PARTS:
        makers[part](options.out, options.seed, lambda line: print(line, flush=True))


if __name__ == "__main__":
    main()
