"""Read `torchvision:NAME` data sets that lie in `--data-root`; nothing is downloaded."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from PIL import Image

from ..config import nearest
from ..errors import InputError
from ..torchvision_compat import import_torchvision
from .class_names import ClassList, ModelClasses
from .files import FileImages
from .images import UnreadableImage, as_mode
from .matching import match_labels
from .splits import ImageDataset, ImageSource, Split, split_name

_SPLITS = ("train", "trainval", "train-standard", "val", "valid", "test")
_SAMPLES = ("samples", "_samples")
_FILES = ("_image_files", "_images")
_LABELS = ("targets", "_labels", "labels", "y")


@dataclass(frozen=True)
class IndexedImages:
    """Images that a torchvision data set hands out by number."""

    dataset: Any

    def open(self, row: int, mode: str = "RGB") -> Image.Image:
        """Return image `row` as RGB, L or RGBA; raises UnreadableImage."""
        try:
            return as_mode(self.dataset[row][0], mode)
        except (UnreadableImage, MemoryError):
            raise
        except Exception as error:  # the data set's own code can raise anything
            reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
            raise UnreadableImage(reason) from None


def read_torchvision(
    name: str,
    root: Path,
    classes: ClassList | None,
    default_split: str,
    allow_outside: bool,
    model: ModelClasses | None = None,
) -> ImageDataset:
    """Return the torchvision data set `name` with each of its splits that is there; raises InputError."""
    found = _construct(name, root, _builder(name), default_split)
    splits = {}
    for split, dataset in found.items():
        paths, labels, source = _images(name, root, split, dataset, allow_outside)
        splits[split] = Split(split, paths, torch.as_tensor(labels, dtype=torch.int64), {}, source)
    count = 1 + max(int(split.labels.max()) for split in splits.values())
    names = classes.names if classes else _class_names(name, found, count)
    listed = model.listed() if model and not classes and model.count > len(names) else None
    if listed is not None:
        index_of, _ = match_labels(names, listed, f"torchvision:{name}", lambda label: label)
        places = torch.tensor([index_of[called] for called in names])
        splits = {key: replace(split, labels=places[split.labels]) for key, split in splits.items()}
        names = listed.names
    if len(names) < count:
        raise InputError(
            f"torchvision:{name} has {count} classes, --classes names {len(names)}", "name every class"
        )
    return ImageDataset(name, root, names, splits)


def _builder(name: str) -> Callable[..., Any]:
    datasets = import_torchvision().datasets
    builder = getattr(datasets, name, None)
    if not (inspect.isclass(builder) and issubclass(builder, datasets.VisionDataset)):
        remedy = nearest(name, datasets.__all__) or "see torchvision.datasets for the names"
        raise InputError(f"-d torchvision:{name} is not a torchvision data set", remedy)
    return builder


def _construct(name: str, root: Path, builder: Callable[..., Any], default_split: str) -> dict[str, Any]:
    """Return the data set of each split that can be made from the files in `root`."""
    parameters = inspect.signature(builder).parameters
    choices: dict[str, dict[str, Any]] = {split_name(default_split): {}}
    if "train" in parameters:
        choices = {"train": {"train": True}, "test": {"train": False}}
    elif "split" in parameters:
        choices = {split: {"split": split} for split in _SPLITS}
    found: dict[str, Any] = {}
    reason = ""
    for split, options in choices.items():
        try:
            made = builder(str(root), **options)
        except (RuntimeError, OSError, ValueError, TypeError, ImportError) as error:
            reason = reason if "Unknown value" in str(error) else str(error)
            continue
        found.setdefault("train" if split.startswith("train") else split_name(split), made)
    if not found:
        line = f"from torchvision.datasets import {name}; {name}({str(root)!r}, download=True)"
        reason = reason.partition("\n")[0]
        raise InputError(
            f"-d torchvision:{name} is not in --data-root {root} ({reason})", f"run first: {line}"
        )
    return found


def _images(
    name: str, root: Path, split: str, dataset: Any, allow_outside: bool
) -> tuple[Sequence[str], Sequence[int], ImageSource]:
    samples = _first(dataset, _SAMPLES)
    if samples is not None:
        files, labels = [file for file, _ in samples], [label for _, label in samples]
    else:
        files, labels = _first(dataset, _FILES), _first(dataset, _LABELS)
    if labels is None or len(labels) != len(dataset):
        raise InputError(f"-d torchvision:{name} has no class labels", "give a classification data set")
    if files is None or not isinstance(files[0], str | Path):
        return [f"{split}/{row:06d}" for row in range(len(labels))], labels, IndexedImages(dataset)
    paths = [Path(os.path.relpath(file, root)).as_posix() for file in files]
    return paths, labels, FileImages(root, paths, allow_outside)


def _first(dataset: Any, names: tuple[str, ...]) -> Any:
    return next((getattr(dataset, name) for name in names if hasattr(dataset, name)), None)


def _class_names(name: str, found: dict[str, Any], count: int) -> tuple[str, ...]:
    numbers = [str(index) for index in range(count)]
    named = {split: _first(dataset, ("classes", "categories")) or numbers for split, dataset in found.items()}
    first, *others = named
    for split in others:
        if named[split] != named[first]:
            message = f"-d torchvision:{name} has other classes in {split} than in {first}"
            raise InputError(message, "its files are not complete")
    return tuple(called if isinstance(called, str) else str(called[0]) for called in named[first])
