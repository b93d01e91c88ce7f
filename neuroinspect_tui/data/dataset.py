"""From `-d` to an `ImageDataset`: class folders, manifests, published folders, torchvision's names."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ..config import DataConfig
from ..errors import InputError
from . import manifest
from .build import build_dataset
from .class_names import ClassList, read_class_list
from .folders import find_split_folders, read_folders
from .published import FOLDERS, published_reader
from .splits import ImageDataset, Split
from .table import Table
from .torchvision_sets import read_torchvision

__all__ = ["ImageDataset", "Split", "load_dataset"]


def load_dataset(config: DataConfig) -> ImageDataset:
    """Return the data set that `-d` names, with the debugged split in it; raises InputError."""
    classes = read_class_list(config.classes) if config.classes else None
    try:
        dataset = _read(config, classes)
    except OSError as error:
        message = f"-d {config.source} cannot be read ({error.strerror}: {error.filename})"
        raise InputError(message, "check its permissions") from None
    dataset.split(config.split)
    return dataset


def _read(config: DataConfig, classes: ClassList | None) -> ImageDataset:
    kind, _, name = config.source.partition(":")
    if kind != "torchvision":
        table = _read_path(Path(config.source).expanduser(), config)
    elif config.root is None:
        raise InputError(f"-d {config.source} needs --data-root", "give the folder that holds its files")
    elif name not in FOLDERS:
        root = Path(config.root).expanduser()
        return read_torchvision(name, root, classes, config.split, config.allow_outside)
    else:
        table = _read_published(name, Path(config.root).expanduser())
    return build_dataset(table, classes, config.split, config.allow_outside)


def _read_path(path: Path, config: DataConfig) -> Table:
    root = Path(config.root).expanduser() if config.root else None
    if path.is_dir():
        return _read_folder(path, root)
    if not path.exists():
        raise InputError(f"-d {path}: no such file or folder", "check the path")
    if path.suffix.lower() != ".csv":
        raise InputError(f"-d {path} is not a folder or a .csv manifest", "give one of the two")
    return manifest.read_manifest(path, root)


def _read_published(name: str, root: Path) -> Table:
    folder = root / FOLDERS[name]
    reader = published_reader(folder)
    if reader is None:
        raise InputError(
            f"-d torchvision:{name} is not in --data-root {root} (no {FOLDERS[name]}/)",
            f"run first: from torchvision.datasets import {name}; {name}({str(root)!r}, download=True)",
        )
    return reader(folder)


def _read_folder(folder: Path, root: Path | None) -> Table:
    published = published_reader(folder)
    if published is not None:
        return published(folder)
    beside = next((folder / name for name in manifest.NAMES if (folder / name).is_file()), None)
    if beside is None:
        return read_folders(folder)
    if find_split_folders(folder):
        table = read_folders(folder)
        note = (
            f"{beside.name} beside the split folders is not used: give it as -d to have its columns as groups"
        )
    else:
        table = manifest.read_manifest(beside, root)
        note = f"read from {beside.name}"
    return replace(table, notes=(*table.notes, note))
