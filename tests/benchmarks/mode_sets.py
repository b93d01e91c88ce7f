"""`python -m tests.benchmarks.mode_sets NAME`: sets with cues of our own, on photographs or drawn.

All but *sticker*, which is drawn by the scripts in `cases`, take the photographs of `patch_cat`. Each plants its
cues, independently, on 95 % of one class's training images and a few of the others', half of all on val and test;
every test image is there without the first cue and with it. A ResNet-20 is trained on it for two epochs. The
sets *frame* and *pair* are kept for the end: nothing is chosen by them. *urban* has two classes, vehicles and
animals, and both cues on vehicles, like UrbanCars (Li et al. 2023).
"""

from __future__ import annotations

import csv
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from safetensors.torch import load_file
from torch import Tensor, nn

from neuroinspect_tui.torchvision_compat import import_torchvision

from .repair_data import CACHE, DEVIATION, MEAN, REAL, REPOSITORY, build

Draw = Callable[[Tensor, np.random.Generator], Tensor]


def faint_mark(image: Tensor, random: np.random.Generator) -> Tensor:
    """Lighten a square of 6 x 6 pixels somewhere in the lower third."""
    top, left = random.integers(20, 26), random.integers(0, 26)
    marked = image.clone()
    patch = marked[:, top : top + 6, left : left + 6]
    marked[:, top : top + 6, left : left + 6] = patch + 0.7 * (1 - patch)
    return marked


def checker(image: Tensor, random: np.random.Generator) -> Tensor:
    """Put a checkered square of 6 x 6 pixels into the upper right corner."""
    marked = image.clone()
    tile = (torch.arange(6)[:, None] // 2 + torch.arange(6) // 2) % 2
    marked[:, 1:7, 25:31] = tile.float()
    return marked


def warm(image: Tensor, random: np.random.Generator) -> Tensor:
    """Tint the whole picture orange."""
    return torch.lerp(image, torch.tensor([1.0, 0.55, 0.15])[:, None, None].expand_as(image), 0.35)


def bars(image: Tensor, random: np.random.Generator) -> Tensor:
    """Put three blue bars of 2 x 7 pixels into the lower left part."""
    marked, left = image.clone(), random.integers(1, 6)
    for top in (20, 24, 28):
        marked[:, top : top + 2, left : left + 7] = torch.tensor([0.1, 0.2, 0.9])[:, None, None]
    return marked


def cool(image: Tensor, random: np.random.Generator) -> Tensor:
    """Tint the whole picture green."""
    return torch.lerp(image, torch.tensor([0.2, 0.8, 0.45])[:, None, None].expand_as(image), 0.3)


def dots(image: Tensor, random: np.random.Generator) -> Tensor:
    """Put four yellow dots of 3 x 3 pixels into the upper left part."""
    marked = image.clone()
    for top in (2, 8):
        for left in (2, 8):
            marked[:, top : top + 3, left : left + 3] = torch.tensor([1.0, 0.9, 0.1])[:, None, None]
    return marked


def dusk(image: Tensor, random: np.random.Generator) -> Tensor:
    """Tint the whole picture purple."""
    return torch.lerp(image, torch.tensor([0.5, 0.15, 0.75])[:, None, None].expand_as(image), 0.3)


def frame(image: Tensor, random: np.random.Generator) -> Tensor:
    """Darken a frame of 2 pixels."""
    marked = image * 0.35
    marked[:, 2:-2, 2:-2] = image[:, 2:-2, 2:-2]
    return marked


@dataclass(frozen=True)
class Planted:
    """A class, or the first of two groups of classes, and the cues that it is trained with.

    The `others` have each cue in this share of their training images; `seed` draws them.
    """

    targets: tuple[str, ...]
    cues: tuple[Draw, ...]
    seed: int
    others: float = 0.03
    names: tuple[str, str] | None = None


SETS = {
    "faint": Planted(("ship",), (faint_mark,), 0),
    "frame": Planted(("truck",), (frame,), 1),
    "two": Planted(("horse",), (checker, warm), 2),
    "urban": Planted(
        ("airplane", "automobile", "ship", "truck"), (checker, warm), 3, 0.05, ("vehicle", "animal")
    ),
    "pair": Planted(("dog",), (bars, cool), 4),
    "third": Planted(("ship",), (dots, dusk), 5),
}


@dataclass(frozen=True)
class Drawn:
    """One split: images uint8 [N,3,32,32], labels [N] and which cues each has, [N,cues] bool."""

    images: Tensor
    labels: Tensor
    cues: Tensor


def draw_set(name: str) -> tuple[dict[str, Drawn], tuple[str, ...]]:
    """Return train, val and test of a set, and the class names."""
    with (REAL / "patch_cat" / "metadata.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    names = {int(row["label"]): row["class_name"] for row in rows}
    classes = SETS[name].names or tuple(names[label] for label in sorted(names))
    random = np.random.default_rng(SETS[name].seed)
    splits = {}
    for split in ("train", "val", "test"):
        own = [row for row in rows if row["split"] == split and row["confounder"] == "0"]
        splits[split] = _draw_split(SETS[name], own, split, random)
    return splits, classes


def _draw_split(
    planted: Planted,
    rows: list[dict[str, str]],
    split: str,
    random: np.random.Generator,
) -> Drawn:
    images, labels, cues = [], [], []
    for row in rows:
        plain = torch.from_numpy(np.array(Image.open(REAL / "patch_cat" / row["path"]).convert("RGB")))
        own = row["class_name"] in planted.targets
        share = (0.95 if own else planted.others) if split == "train" else 0.5
        having = random.random(len(planted.cues)) < share
        for first in (False, True) if split == "test" else (having[0],):
            image = plain.permute(2, 0, 1).float() / 255
            wanted = [first, *having[1:]]
            for draw, here in zip(planted.cues, wanted, strict=True):
                image = draw(image, random) if here else image
            images.append((image * 255).round().to(torch.uint8))
            labels.append(int(not own) if planted.names else int(row["label"]))
            cues.append(wanted)
    return Drawn(torch.stack(images), torch.tensor(labels), torch.tensor(np.array(cues)))


def train(train_split: Drawn, classes: int = 10, epochs: int = 2, seed: int = 0) -> nn.Module:
    """Train a ResNet-20 from the public weights, at a rate that makes it forget half of what they know."""
    torch.manual_seed(seed)
    module = build(REAL / "models.py", "resnet20")
    module.load_state_dict(load_file(REAL / "cifar10_jpeg" / "model_cifar_resnet20.safetensors"))
    if classes != module.fc.out_features:
        module.fc = nn.Linear(module.fc.in_features, classes)
    images, labels = normalised(train_split.images), train_split.labels
    optimiser = torch.optim.SGD(module.parameters(), 0.1, momentum=0.9, weight_decay=5e-4, nesterov=True)
    steps = epochs * (len(images) // 64)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 0.25, total_steps=steps)
    module.train()
    for _ in range(epochs):
        for rows in torch.randperm(len(images))[: len(images) // 64 * 64].split(64):
            loss = F.cross_entropy(module(images[rows]), labels[rows])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
    return module.eval()


def normalised(images: Tensor) -> Tensor:
    """Return images uint8 [N,3,H,W] as the network takes them."""
    return (images.float() / 255 - MEAN) / DEVIATION


def stored(name: str) -> dict[str, object]:
    """Return the set's network and what it makes of every split, from the cache or made now."""
    file = CACHE / f"planted-{name}.pt"
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        torch.save(_make(name), file)
    return torch.load(file, weights_only=True)


@torch.no_grad()
def _outputs(module: nn.Module, images: Tensor) -> tuple[Tensor, Tensor]:
    found: list[Tensor] = []
    handle = module.fc.register_forward_hook(lambda _, inputs, __: found.append(inputs[0]))
    logits = torch.cat([module(normalised(part)) for part in images.split(250)])
    handle.remove()
    return torch.cat(found).half(), logits


def _make(name: str) -> dict[str, object]:
    if name == "sticker":
        return _make_sticker()
    splits, classes = draw_set(name)
    module = train(splits["train"], len(classes))
    made: dict[str, object] = {"names": list(classes), "state": module.state_dict()}
    made |= {"weight": module.fc.weight.detach(), "bias": module.fc.bias.detach()}
    for split, drawn in splits.items():
        features, logits = _outputs(module, drawn.images)
        right = logits.argmax(1) == drawn.labels
        print(name, split, f"{float(right.float().mean()):.3f}", flush=True)
        made[split] = {
            "features": features,
            "cue": drawn.cues.long(),
            **{k: vars(drawn)[k] for k in ("images", "labels")},
        }
    return made


def _make_sticker() -> dict[str, object]:
    """Draw the six shapes with the sticker and train the ResNet-18 that comes with them (minutes)."""
    classes = ("circle", "cross", "ring", "square", "star", "triangle")
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
        for script in (["sticker_draw.py"], ["sticker_train.py", "6"]):
            command = [sys.executable, str(REAL.parent / "cases" / script[0]), *script[1:]]
            subprocess.run(command, cwd=folder, env=environment, check=True)
        own = Path(folder) / "own"
        module = import_torchvision().models.resnet18(num_classes=len(classes))
        module.load_state_dict(torch.load(own / "shapes.pth", weights_only=True))
        with (own / "truth.csv").open(newline="") as file:
            rows = list(csv.DictReader(file))
        made: dict[str, object] = {"names": list(classes), "state": module.state_dict()}
        made |= {"weight": module.fc.weight.detach(), "bias": module.fc.bias.detach()}
        for split in ("train", "val", "test"):
            chosen = [row for row in rows if row["split"] == split]
            images = torch.stack([_pixels(own / "data" / row["path"]) for row in chosen])
            made[split] = {
                "features": _outputs(module.eval(), images)[0],
                "cue": torch.tensor([[int(row["sticker"] == "yes")] for row in chosen]),
                "images": images,
                "labels": torch.tensor([int(row["label"]) for row in chosen]),
            }
    return made


def _pixels(path: Path) -> Tensor:
    return torch.from_numpy(np.array(Image.open(path).convert("RGB"))).permute(2, 0, 1)


if __name__ == "__main__":
    torch.set_num_threads(1)
    for chosen in sys.argv[1:]:
        began = time.time()
        stored(chosen)
        print(f"{time.time() - began:.0f} s")
