"""The pass over a split: against a bare loop over tensors in memory, and a DataLoader over JPEG files.

Both sides compute in single precision; on a GPU the images in memory lie on the device.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
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
from neuroinspect_tui.data.decoders import Decoders
from neuroinspect_tui.data.files import FileImages
from neuroinspect_tui.data.loader import ImageBatch, decoders_for, iterate_batches
from neuroinspect_tui.data.splits import Split
from neuroinspect_tui.data.transforms import Preprocess, to_bytes
from neuroinspect_tui.models.classifier import Classifier, prepare
from neuroinspect_tui.models.device import choose_precision
from neuroinspect_tui.models.sources import ModelSource
from neuroinspect_tui.stages import evaluation
from neuroinspect_tui.torchvision_compat import import_torchvision

from .baselines import forward_loop
from .networks import SmallNet, plain_resnet
from .table import Row, Table
from .timing import take_turns

CLASSES = 10
DISTINCT = 192
READ = 1920


@dataclass(frozen=True)
class Setting:
    """What is run: a network of `operations` an image, on images of `side` pixels, `batch` at a time."""

    device: torch.device
    network: str
    side: int
    operations: float
    batch: int
    files: int
    workers: int

    @property
    def dtype(self) -> torch.dtype:
        """The precision that the product measures in."""
        return choose_precision()

    @classmethod
    def of(cls, device: str) -> Setting:
        """Return what keeps two cores busy, or a GPU."""
        if device == "cpu":
            return cls(torch.device("cpu"), "resnet18", 112, 2 * 1.81e9 / 4, 32, 192, 2)
        workers = min(16, os.cpu_count() or 2)
        return cls(torch.device(device), "resnet50", 224, 2 * 4.09e9, 256, 4096, workers)


def run(table: Table, quick: bool) -> None:
    """Fill the rows of the evaluation."""
    setting = Setting.of(table.machine.device)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        write_jpegs(root, max(64, setting.batch) if quick else setting.files)
        split = load_dataset(DataConfig(folder)).split("val")
        for batches in (1,) if quick else (1, 2, 4):
            _in_memory(table, setting, split, batches)
        _reading(table, setting, split, quick)
        _from_files(table, setting, root, split, "a small network", SmallNet(CLASSES).eval())
        if not quick:
            _from_files(table, setting, root, split, setting.network, plain_resnet(CLASSES, setting.network))


def write_jpegs(root: Path, count: int) -> None:
    """Write blotches and noise on gradients, 500 x 375 pixels, in class folders: as hard to decode as photographs.

    Beyond 192 the files are links to the first ones.
    """
    generator = np.random.default_rng(0)
    ramp = np.linspace(0, 255, 500)[None, :, None] * np.ones((375, 1, 3))
    for index in range(count):
        folder = root / "val" / f"class{index % CLASSES}"
        folder.mkdir(parents=True, exist_ok=True)
        if index >= DISTINCT:
            first = index % DISTINCT
            os.link(root / "val" / f"class{first % CLASSES}" / f"{first}.jpg", folder / f"{index}.jpg")
            continue
        blotches = Image.fromarray(generator.integers(0, 255, (24, 32, 3), dtype=np.uint8)).resize((500, 375))
        pixels = 0.6 * np.asarray(blotches) + 0.3 * ramp + generator.normal(0, 6, (375, 500, 3))
        Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(folder / f"{index}.jpg", quality=90)


def classifier_of(module: nn.Module, setting: Setting, side: int = 224) -> Classifier:
    """Return a module as the product holds it."""
    return prepare(ModelSource("benchmark", module), CLASSES, side, setting.device, setting.dtype)


def _in_memory(table: Table, setting: Setting, split: Split, count: int) -> None:
    """The forward pass and what is kept of it, with decoding taken out: the same tensors for both."""
    module = plain_resnet(CLASSES, setting.network).to(setting.device)
    classifier = classifier_of(plain_resnet(CLASSES, setting.network), setting, setting.side)
    size, side = setting.batch, setting.side
    batches = list(torch.rand(count, size, 3, side, side).to(setting.device).unbind())

    def from_memory(*_: Any) -> Iterator[ImageBatch]:
        for index, images in enumerate(batches):
            yield ImageBatch(torch.arange(index * size, (index + 1) * size), images, [])

    def ours() -> None:
        evaluation.evaluate_rows(classifier, split, Preprocess(), range(count * size), size)

    def bare() -> None:
        forward_loop(module, batches, setting.device, setting.dtype)

    with mock.patch.object(evaluation, "iterate_batches", from_memory):
        taken = take_turns({"ours": ours, "bare": bare}, rounds=3)
    images, basis = count * size, table.machine.basis
    table.add(
        Row(
            "evaluation, tensors in memory",
            f"{images} images, {setting.network} at {side}",
            taken["ours"],
            pick=taken["bare"],
            pick_name="bare loop",
            floor=None if table.machine.on_gpu else table.machine.floor(flops=setting.operations * images),
            goal=0.9,
            goal_of="pick",
            basis=basis,
            note=f"{images / getattr(taken['ours'], basis):.0f} images/{'s' if basis == 'wall' else 'CPU-s'}",
        )
    )


def _reading(table: Table, setting: Setting, split: Split, quick: bool) -> None:
    """JPEG files, read as for a GPU but left in memory: processes of our own, threads, and a DataLoader.

    All frame with the same Pillow code and start anew each time; the DataLoader's workers are forked.
    """
    preprocess, workers, source = Preprocess(), setting.workers, split.source
    rows = list(range(len(split))) * (1 if quick else max(1, READ // len(split)))
    assert isinstance(source, FileImages)

    def read(decoders: Decoders | None) -> None:
        for _ in iterate_batches(split, preprocess, setting.batch, workers, rows, decoders=decoders):
            pass

    def processes() -> None:
        with Decoders(source, preprocess.framing, workers) as decoders:
            read(decoders)

    def data_loader() -> None:
        frames = _Frames(split, preprocess, rows)
        for _ in DataLoader(frames, batch_size=setting.batch, num_workers=workers):
            pass

    ways = {"processes": processes, "threads": lambda: read(None), "DataLoader": data_loader}
    with (
        mock.patch("neuroinspect_tui.data.loader._Load._travels", True),
        mock.patch("neuroinspect_tui.data.loader.as_pixels", lambda images: images),
        mock.patch.object(Preprocess, "normalise", lambda _, pixels: pixels),
    ):
        taken = take_turns(ways, rounds=1 if quick else 3)
    for other in ("threads", "DataLoader"):
        table.add(
            Row(
                f"reading for a GPU, against {other}",
                f"{len(rows)} images of 500 × 375",
                taken["processes"],
                pick=taken[other],
                pick_name=other,
                basis="wall",
                note=f"{len(rows) / taken['processes'].wall:.0f} images/s, {workers} workers, with their start",
            )
        )


class _Frames(Dataset[Tensor]):
    """The bytes that the classifier sees of the images `rows`."""

    def __init__(self, split: Split, preprocess: Preprocess, rows: list[int]) -> None:
        self.split, self.preprocess, self.rows = split, preprocess, rows

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, place: int) -> Tensor:
        return to_bytes(self.preprocess.frame(self.split.open(self.rows[place])))


def _from_files(
    table: Table, setting: Setting, root: Path, split: Split, name: str, module: nn.Module
) -> None:
    """JPEG files: threads that decode into the batch, against worker processes as usual, as many of each."""
    classifier, preprocess = classifier_of(module, setting), Preprocess()
    loaders = usual_loader(sorted(root.rglob("*.jpg")), setting)

    def ours() -> None:
        rows, workers = range(len(split)), setting.workers
        with decoders_for(split, preprocess, len(rows), workers, setting.device) as decoders:
            evaluation.evaluate_rows(
                classifier, split, preprocess, rows, setting.batch, workers, decoders=decoders
            )

    def usual() -> None:
        forward_loop(module, loaders(), setting.device, setting.dtype)

    taken = take_turns({"ours": ours, "usual": usual}, rounds=1 if len(split) < DISTINCT else 3)
    table.add(
        Row(
            f"evaluation, JPEG folder, {name}",
            f"{len(split)} images of 500 × 375",
            taken["ours"],
            pick=taken["usual"],
            pick_name="DataLoader",
            goal=1.5,
            least=0.8,
            goal_of="pick",
            basis="wall",
            note=f"{len(split) / taken['ours'].wall:.0f} images/s, {setting.workers} workers",
        )
    )


def usual_loader(files: list[Path], setting: Setting) -> Any:
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

    options = {"batch_size": setting.batch, "num_workers": setting.workers}
    return lambda: DataLoader(Folder(), pin_memory=setting.device.type == "cuda", **options)
