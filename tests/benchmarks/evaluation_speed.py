"""The pass over a split: against a bare loop over tensors in memory, and a DataLoader over JPEG files."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from neuroinspect_tui.config import DataConfig
from neuroinspect_tui.data.dataset import load_dataset
from neuroinspect_tui.data.loader import Batch
from neuroinspect_tui.data.splits import Split
from neuroinspect_tui.data.transforms import Preprocess
from neuroinspect_tui.models.classifier import Classifier, prepare
from neuroinspect_tui.models.sources import ModelSource
from neuroinspect_tui.stages import evaluation
from neuroinspect_tui.torchvision_compat import import_torchvision

from .baselines import forward_loop
from .networks import SmallNet, plain_resnet
from .table import Row, Table
from .timing import take_turns

CLASSES = 10
BATCH = 32
SIDE = 112
RESNET18 = 2 * 1.81e9 * (SIDE / 224) ** 2
"""Operations of one image."""


def run(table: Table, quick: bool) -> None:
    """Fill the rows of the evaluation."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        write_jpegs(root, 64 if quick else 192)
        split = load_dataset(DataConfig(folder)).split("val")
        for batches in (1,) if quick else (1, 2, 4):
            _in_memory(table, split, batches)
        _from_files(table, root, split, "a small network", SmallNet(CLASSES).eval())
        if not quick:
            _from_files(table, root, split, "ResNet-18", plain_resnet(CLASSES))


def write_jpegs(root: Path, count: int) -> None:
    """Write blotches and noise on gradients, 500 x 375 pixels, in class folders: as hard to decode as photographs."""
    generator = np.random.default_rng(0)
    ramp = np.linspace(0, 255, 500)[None, :, None] * np.ones((375, 1, 3))
    for index in range(count):
        folder = root / "val" / f"class{index % CLASSES}"
        folder.mkdir(parents=True, exist_ok=True)
        blotches = Image.fromarray(generator.integers(0, 255, (24, 32, 3), dtype=np.uint8)).resize((500, 375))
        pixels = 0.6 * np.asarray(blotches) + 0.3 * ramp + generator.normal(0, 6, (375, 500, 3))
        Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(folder / f"{index}.jpg", quality=90)


def classifier_of(module: nn.Module, side: int = 224) -> Classifier:
    """Return a module as the product holds it."""
    return prepare(ModelSource("benchmark", module), CLASSES, side, torch.device("cpu"))


def _in_memory(table: Table, split: Split, count: int) -> None:
    """The forward pass and what is kept of it, with decoding taken out: the same tensors for both."""
    module = plain_resnet(CLASSES)
    classifier = classifier_of(plain_resnet(CLASSES), SIDE)
    batches = list(torch.rand(count, BATCH, 3, SIDE, SIDE).unbind())

    def from_memory(*_: Any) -> Iterator[Batch]:
        for index, images in enumerate(batches):
            yield Batch(torch.arange(index * BATCH, (index + 1) * BATCH), images, [])

    def ours() -> None:
        rows = range(count * BATCH)
        evaluation.evaluate_rows(classifier, split, Preprocess(), rows, BATCH)

    with mock.patch.object(evaluation, "iterate_batches", from_memory):
        taken = take_turns({"ours": ours, "bare": lambda: forward_loop(module, batches)}, rounds=3)
    images = count * BATCH
    table.add(
        Row(
            "evaluation, tensors in memory",
            f"{images} images, ResNet-18 at {SIDE}",
            taken["ours"],
            pick=taken["bare"],
            pick_name="bare loop",
            floor=table.machine.floor(flops=RESNET18 * images),
            goal=0.9,
            goal_of="pick",
            note=f"{images / taken['ours'].cpu:.0f} images/CPU-s",
        )
    )


def _from_files(table: Table, root: Path, split: Split, name: str, module: nn.Module) -> None:
    """JPEG files: threads that decode into the batch, against worker processes as usual, two of each."""
    classifier, preprocess = classifier_of(module), Preprocess()
    loaders = usual_loader(sorted(root.rglob("*.jpg")))

    def ours() -> None:
        evaluation.evaluate_rows(classifier, split, preprocess, range(len(split)), BATCH, 2)

    taken = take_turns({"ours": ours, "usual": lambda: forward_loop(module, loaders())}, rounds=3)
    table.add(
        Row(
            f"evaluation, JPEG folder, {name}",
            f"{len(split)} images of 500 × 375",
            taken["ours"],
            pick=taken["usual"],
            pick_name="DataLoader",
            goal=1.5,
            goal_of="pick",
            basis="wall",
            note=f"{len(split) / taken['ours'].wall:.0f} images/s, 2 workers",
        )
    )


def usual_loader(files: list[Path]) -> Any:
    """Return what makes the usual loop's batches: ImageFolder-like data, torchvision's transforms, DataLoader."""
    transforms = import_torchvision().transforms
    transform = transforms.Compose(
        [
            transforms.Resize(256),
            transforms.CenterCrop(224),
            transforms.ToTensor(),
            transforms.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
        ]
    )

    class Folder(Dataset[Tensor]):
        def __len__(self) -> int:
            return len(files)

        def __getitem__(self, row: int) -> Tensor:
            with Image.open(files[row]) as image:
                return transform(image.convert("RGB"))

    return lambda: DataLoader(Folder(), batch_size=BATCH, num_workers=2)
