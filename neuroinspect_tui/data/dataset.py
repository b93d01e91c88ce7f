"""From `-d` to an `ImageDataset`: class folders, tables, archives, published folders, torchvision's names."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ..config import DataConfig
from ..errors import InputError
from . import manifest
from .archives import SUFFIXES as ARCHIVES
from .archives import read_archives
from .build import build_dataset
from .class_names import ClassList, ModelClasses, read_class_list
from .columns import TEXT_TABLES
from .folders import read_folders
from .huggingface import is_saved, read_named, read_saved
from .imagefolder import read_imagefolder
from .label_view import LabelChoice
from .layout import Known
from .matching import Matcher
from .parquet import read_parquet
from .published import FOLDERS, published_reader
from .splits import ImageDataset, Split, plain_split
from .table import Table
from .torchvision_sets import read_torchvision
from .tree import is_junk

_WITHOUT = "--no-manifest reads the folders as they are"

__all__ = ["ImageDataset", "Split", "load_dataset"]


def load_dataset(config: DataConfig, model: ModelClasses | None = None) -> ImageDataset:
    """Return the data set that `-d` names, with the debugged split in it; raises InputError.

    Its classes are those of `--classes`, else those that `model` names, else the data's own. Where `model`
    has more outputs than the data classes, labels index the model's.
    """
    classes = read_class_list(config.classes) if config.classes else None
    if classes and model and len(classes.names) != model.count:
        line = f"--classes {config.classes} names {len(classes.names)} classes"
        raise InputError(
            f"{line}, the classifier has {model.count} outputs",
            "name every output, in the classifier's order",
        )
    try:
        dataset = _read(config, classes, model)
    except OSError as error:
        message = f"-d {config.source} cannot be read ({error.strerror}: {error.filename})"
        raise InputError(message, "check its permissions") from None
    dataset.split(config.split)
    return dataset


def _read(config: DataConfig, classes: ClassList | None, model: ModelClasses | None) -> ImageDataset:
    kind, _, name = config.source.partition(":")
    if kind != "torchvision":
        listed = classes or (model.listed() if model else None)
        known = Matcher(listed) if listed else None
        table = _read_hub(name, config, known) if kind == "hf" else _read_path(config.source, config, known)
    elif config.root is None:
        raise InputError(f"-d {config.source} needs --data-root", "give the folder that holds its files")
    elif name not in FOLDERS:
        root = Path(config.root).expanduser()
        return read_torchvision(name, root, classes, config.split, config.allow_outside, model)
    else:
        table = _read_published(name, Path(config.root).expanduser())
    try:
        choice = LabelChoice(config.label, config.threshold, config.groups)
        return build_dataset(table, classes, config.split, config.allow_outside, model, choice)
    except InputError as error:
        if not table.found:
            raise
        raise InputError(error.message, f"{error.remedy}; {_WITHOUT}") from None


def _read_hub(name: str, config: DataConfig, known: Known | None) -> Table:
    folder = Path(name).expanduser()
    return _read_path(name, config, known) if folder.exists() else read_named(name)


def _read_path(source: str, config: DataConfig, known: Known | None) -> Table:
    path = Path(source).expanduser()
    root = Path(config.root).expanduser() if config.root else None
    if "{" in path.name and not path.exists():
        return read_archives(str(path), known, config.split)
    if path.is_dir():
        return _read_folder(path, root, config, known)
    if not path.exists():
        raise InputError(f"-d {path}: no such file or folder", "check the path")
    suffix = path.suffix.lower()
    if suffix in ARCHIVES:
        return read_archives(str(path), known, config.split)
    if suffix == ".parquet":
        return read_parquet([path], path.stem, str(path), root or path.parent)
    if suffix not in TEXT_TABLES:
        line = f"-d {path} is not a folder, table or archive that can be read"
        raise InputError(line, "give a folder, a .csv, .tsv, .jsonl or .parquet table, or a .tar or .zip")
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


def _read_folder(folder: Path, root: Path | None, config: DataConfig, known: Known | None) -> Table:
    published = published_reader(folder)
    if published is not None:
        return published(folder)
    if not config.manifest:
        return read_folders(folder, known, config.split)
    if is_saved(folder):
        return read_saved(folder)
    if files := _only(folder, ".parquet"):
        return read_parquet(files, folder.resolve().name, str(folder), root or folder)
    if files := _only(folder, ".tar"):
        return read_archives("{" + ",".join(map(str, files)) + "}", known, config.split)
    try:
        imagefolder = read_imagefolder(folder)
    except InputError as error:
        if not _has_split_folders(folder):
            raise
        table = read_folders(folder, known, config.split)
        note = f"{error.message}: the class folders are read without it"
        return replace(table, notes=(*table.notes, note))
    if imagefolder is not None:
        return imagefolder
    beside = next((folder / name for name in manifest.NAMES if (folder / name).is_file()), None)
    if beside is None:
        return read_folders(folder, known, config.split)
    return _with_table(folder, beside, root, config, known)


def _only(folder: Path, suffix: str) -> list[Path]:
    """Return the files that end in `suffix`, where there are some and no folders but `data/` around them."""
    inner = folder / "data"
    where = inner if inner.is_dir() and any(inner.glob(f"*{suffix}")) else folder
    folders = [path for path in where.iterdir() if path.is_dir() and not is_junk(path.name)]
    return [] if folders else sorted(where.glob(f"*{suffix}"))


def _has_split_folders(folder: Path) -> bool:
    """Whether `folder` holds split folders with folders in them."""
    splits = [path for path in folder.iterdir() if plain_split(path.name) and path.is_dir()]
    return any(child.is_dir() for split in splits for child in split.iterdir())


def _with_table(
    folder: Path, beside: Path, root: Path | None, config: DataConfig, known: Known | None
) -> Table:
    """Read the table beside the folders, or the folders where it is not about them."""
    note = f"read from {beside.name}"
    if _has_split_folders(folder):
        table = read_folders(folder, known, config.split)
        note = (
            f"{beside.name} beside the split folders is not used: give it as -d to have its columns as groups"
        )
    else:
        try:
            table = manifest.read_manifest(beside, root, found=True)
        except InputError as error:
            if beside.stem != "metadata":
                raise InputError(error.message, f"{error.remedy}; {_WITHOUT}") from None
            try:
                table = read_folders(folder, known, config.split)
            except InputError:
                raise error from None
            note = f"{error.message}: the class folders are read without it"
    return replace(table, notes=(*table.notes, note))
