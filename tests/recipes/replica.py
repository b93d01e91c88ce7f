"""Miniature data sets in the formats of the originals, and a classifier whose every decision is known by hand.

An image has the flat colour of its class, a little lighter or darker; a cue, where it has one, takes a quarter of it:
16 of 64 squares, others in each image, so that none is a copy of another. The classifier has a neuron for each colour: on an image without a cue its class's neuron is near 1, with one
it is near 3/4 and the cue's near 1/4, all others are 0. The decision layer gives each class 10 for its own neuron,
and may lean on cues.
"""

from __future__ import annotations

import csv
import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors.torch import save_file
from scipy.io import savemat

SIDE = 16
LEVELS = (20, 70, 120, 170, 220)
COLOURS = [(red, green, blue) for red in LEVELS for green in LEVELS for blue in LEVELS]
OWN = 10.0
MODEL = '''
import torch
from torch import nn

COLOURS = {colours}
MEAN, STD = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])


class ColourNet(nn.Module):
    """A neuron for each colour: the mean over the pixels of relu(1 - 6 |pixel - colour|)."""

    def __init__(self, classes):
        super().__init__()
        count = len(COLOURS)
        colours = torch.tensor(COLOURS) / 255
        self.apart = nn.Conv2d(3, 6 * count, 1)
        self.near = nn.Conv2d(6 * count, count, 1, groups=count)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(count, classes)
        both = torch.cat([torch.eye(3), -torch.eye(3)])
        self.apart.weight.data = (both / STD.reciprocal()).repeat(count, 1)[..., None, None]
        self.apart.bias.data = (torch.cat([MEAN - colours, colours - MEAN], dim=1)).flatten()
        self.near.weight.data.fill_(-6)
        self.near.bias.data.fill_(1)
        for layer in (self.apart, self.near):
            layer.requires_grad_(False)

    def forward(self, x):
        return self.fc(self.pool(self.near(self.apart(x).relu()).relu()).flatten(1))


def colour_net():
    return ColourNet({classes})
'''


@dataclass(frozen=True)
class Replica:
    """A data set below `root` (where commands run) of `classes` and `cues`, each a colour by its place.

    `weights` is what the recipe calls the classifier's file; `leans` maps (class, cue) to the weight of the cue's
    neuron for the class.
    """

    root: Path
    weights: str
    classes: Sequence[str]
    cues: Sequence[str] = ()
    leans: Mapping[tuple[str, str], float] = field(default_factory=dict)

    @property
    def model(self) -> str:
        """The classifier for `-m`."""
        return f"{self._code}:colour_net"

    @property
    def _code(self) -> Path:
        return self.root / f"{Path(self.weights).stem}_net.py"

    @property
    def _colours(self) -> list[tuple[int, int, int]]:
        return COLOURS[: len(self.classes)] + [COLOURS[-1 - cue] for cue in range(len(self.cues))]

    def paint(self, path: Path, name: str, cue: str = "") -> None:
        """Write one JPEG."""
        pixels = np.empty((SIDE, SIDE, 3), np.int16)
        pixels[:] = COLOURS[self.classes.index(name)]
        random = np.random.default_rng(zlib.crc32(path.name.encode()))
        quarter = (
            random.permutation(np.arange(64) < 16).reshape(8, 8).repeat(SIDE // 8, 0).repeat(SIDE // 8, 1)
        )
        if cue:
            pixels[quarter] = COLOURS[-1 - self.cues.index(cue)]
        shades = random.integers(-3, 4, 2)
        pixels[:] += shades[0]
        pixels[quarter] += shades[1]
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels.astype(np.uint8)).save(path, quality=95, subsampling=0)

    def write_model(self) -> None:
        """Write the classifier's code and its state dict."""
        code = MODEL.replace("{colours}", repr(self._colours)).replace("{classes}", str(len(self.classes)))
        self._code.write_text(code)
        save_file(self.state(), self.root / self.weights)

    def state(self) -> dict[str, torch.Tensor]:
        """The classifier as it leans."""
        made: dict[str, object] = {}
        exec(self._code.read_text(), made)
        model = made["colour_net"]()  # type: ignore[operator]
        weight = torch.zeros(len(self.classes), len(self.classes) + len(self.cues))
        weight.fill_diagonal_(OWN)
        for (name, cue), lean in self.leans.items():
            weight[self.classes.index(name), len(self.classes) + self.cues.index(cue)] = lean
        return {**model.state_dict(), "fc.weight": weight, "fc.bias": torch.zeros(len(self.classes))}

    def features(self, path: Path) -> np.ndarray:
        """The neurons of one image, computed from its pixels without the classifier."""
        pixels = np.asarray(Image.open(path), np.float64) / 255
        apart = [np.abs(pixels - np.array(colour) / 255).sum(axis=2) for colour in self._colours]
        return np.array([np.maximum(0, 1 - 6 * one).mean() for one in apart])


def write_table(file: Path, rows: Sequence[Sequence[object]]) -> None:
    """Write a csv file."""
    with file.open("w", newline="") as stream:
        csv.writer(stream).writerows(rows)


def flowers102(root: Path, names: Sequence[str]) -> Replica:
    """`flowers-102/`: sweet pea (3) has 8, 10 and 12 images, of which 3, 4 and 5 have a trellis, as petunias do."""
    made = Replica(root, "flowers102.safetensors", names, ["trellis"], {("petunia", "trellis"): 60.0})
    images = {
        "trnid": [(3, 8, 3), (names.index("petunia"), 6, 6)],
        "valid": [(3, 10, 4), (names.index("petunia"), 2, 0)],
        "tstid": [(3, 12, 5), (names.index("petunia"), 2, 0)],
    }
    labels: list[int] = []
    numbers: dict[str, list[int]] = {key: [] for key in images}
    for key, special in images.items():
        others = [(label, 2, 0) for label in range(len(names)) if label not in (3, names.index("petunia"))]
        for label, count, cued in special + others:
            for index in range(count):
                labels.append(label + 1)
                numbers[key].append(len(labels))
                path = root / "data" / "flowers-102" / "jpg" / f"image_{len(labels):05d}.jpg"
                made.paint(path, names[label], "trellis" if index < cued else "")
    folder = root / "data" / "flowers-102"
    savemat(folder / "setid.mat", {key: np.array([ids]) for key, ids in numbers.items()})
    savemat(folder / "imagelabels.mat", {"labels": np.array([labels], dtype=np.uint8)})
    return made


def food101(root: Path) -> Replica:
    """`food-101/`: 7 images of a class in train, 2 in test; steak (93) has 21 and 10, a third and 4 in a bowl."""
    before = ["apple_pie", "filet_mignon", *(f"food_{number:02d}" for number in range(91))]
    after = ["strawberry_shortcake", "sushi", "tacos", "takoyaki", "tiramisu", "tuna_tartare", "waffles"]
    names = [*before, "steak", *after]
    made = Replica(root, "food101.safetensors", names, ["bowl"], {("filet_mignon", "bowl"): 60.0})
    folder = root / "data" / "food-101"
    (folder / "meta").mkdir(parents=True)
    number = 100
    for split, each, steaks, bowls in (("train", 7, 21, 7), ("test", 2, 10, 4)):
        listed: dict[str, list[str]] = {name: [] for name in names}
        for name in names:
            for index in range(steaks if name == "steak" else each):
                number += 1
                listed[name].append(f"{name}/{number}")
                cue = "bowl" if name == "steak" and index < bowls else ""
                made.paint(folder / "images" / name / f"{number}.jpg", name, cue)
        (folder / "meta" / f"{split}.json").write_text(json.dumps(listed))
        (folder / "meta" / f"{split}.txt").write_text("\n".join(chain.from_iterable(listed.values())))
    (folder / "meta" / "classes.txt").write_text("\n".join(names))
    return made


def waterbirds(root: Path) -> Replica:
    """`metadata.csv`: (y, place) groups of a split as in `WATERBIRDS`; the classifier goes by the place."""
    leans = {("landbird", "land"): 60.0, ("waterbird", "water"): 20.0}
    made = Replica(root, "waterbirds.safetensors", ["landbird", "waterbird"], ["land", "water"], leans)
    folder = root / "data" / "waterbird_complete95_forest2water2"
    rows: list[Sequence[object]] = [("img_id", "img_filename", "y", "split", "place", "place_filename")]
    for split, groups in enumerate(WATERBIRDS):
        for (label, place), count in groups.items():
            for _ in range(count):
                number = len(rows)
                name = f"{label + 1:03d}.Bird/Bird_{number:04d}_{7 * number}.jpg"
                made.paint(folder / name, made.classes[label], made.cues[place])
                place_file = f"/{'fo'[place]}/{('forest', 'ocean')[place]}/{number:08d}.jpg"
                rows.append((number, name, label, split, place, place_file))
    write_table(folder / "metadata.csv", rows)
    return made


WATERBIRDS = (
    {(0, 0): 73, (0, 1): 6, (1, 0): 6, (1, 1): 25},
    {(0, 0): 47, (0, 1): 45, (1, 0): 13, (1, 1): 15},
    {(0, 0): 22, (0, 1): 23, (1, 0): 16, (1, 1): 8},
)
"""Images of each (y, place) in train, val and test: the shares of the original."""


def metashift(root: Path) -> Replica:
    """`MetaDataset-full/`: links to `GQA/allImages/images/`; dogs on grass are elephants to the classifier."""
    names = ["bear", "bird", "cat", "dog", "elephant"]
    made = Replica(
        root,
        "metashift.safetensors",
        names,
        ["chair", "grass"],
        {("elephant", "grass"): 60.0, ("dog", "chair"): 5.0},
    )
    folder = root / "data" / "MetaShift" / "MetaDataset-full"
    images = root / "GQA" / "allImages" / "images"
    number = 2317000
    for name in names:
        for context, cue, count in (("chair", "chair", 12), ("grass", "grass", 8), ("table", "", 16)):
            cue = cue if name in ("dog", "elephant") else ""
            for index in range(count):
                number += 1
                made.paint(images / f"{number}.jpg", name, cue)
                contexts = [context, *(["tree"] if index % 2 else [])]
                for one in contexts:
                    link = folder / name / f"{name}({one})" / f"{number}.jpg"
                    link.parent.mkdir(parents=True, exist_ok=True)
                    link.symlink_to(images / f"{number}.jpg")
    return made


def cat_dog(root: Path) -> Replica:
    """`Domain-Generalization-Cat-Dog/`: `CAT_DOG` images of each context; on grass cats are dogs to the classifier."""
    made = Replica(root, "catdog.safetensors", ["cat", "dog"], ["sofa", "grass"], {("dog", "grass"): 60.0})
    folder = root / "data" / "MetaShift" / "Domain-Generalization-Cat-Dog"
    for (split, name, context), count in CAT_DOG.items():
        for number in range(count):
            path = folder / split / name / f"{name}({context})" / f"{number}.jpg"
            made.paint(path, name, context if context in made.cues else "")
    return made


CAT_DOG = {
    ("train", "cat", "sofa"): 10,
    ("train", "cat", "bed"): 6,
    ("train", "dog", "cabinet"): 8,
    ("train", "dog", "bed"): 8,
    ("test", "cat", "shelf"): 5,
    ("test", "cat", "grass"): 7,
    ("test", "dog", "shelf"): 6,
    ("test", "dog", "grass"): 4,
}
