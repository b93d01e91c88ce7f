"""Read Flowers102, Food101, Tiny-ImageNet and CUB from their folders as published, whole or in part."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from ..errors import InputError
from ..torchvision_compat import import_torchvision
from .table import Table

FOLDERS = {"Flowers102": "flowers-102", "Food101": "food-101"}
_FLOWER_SPLITS = {"train": "trnid", "val": "valid", "test": "tstid"}


def published_reader(folder: Path) -> Callable[[Path], Table] | None:
    """Return the reader of the data set whose files lie in `folder`, if it is one of those known here."""
    if (folder / "setid.mat").is_file():
        return read_flowers102
    if (folder / "meta" / "test.json").is_file():
        return read_food101
    if (folder / "val" / "val_annotations.txt").is_file():
        return read_tiny_imagenet
    if (folder / "image_class_labels.txt").is_file() and (folder / "images.txt").is_file():
        return read_cub
    return None


def read_flowers102(folder: Path) -> Table:
    """Read `setid.mat`, `imagelabels.mat` and `jpg/`; label 3 is "sweet pea", as in torchvision.

    Raises InputError for files that scipy cannot read; those of MATLAB 7.3 are a RuntimeError of its own.
    """
    from scipy.io import loadmat  # here: it takes a fifth of a second to load

    try:
        numbers = loadmat(folder / "setid.mat", squeeze_me=True)
        flower = loadmat(folder / "imagelabels.mat", squeeze_me=True)["labels"] - 1
        rows = [
            (f"jpg/image_{number:05d}.jpg", int(flower[number - 1]), split)
            for split, key in _FLOWER_SPLITS.items()
            for number in numbers[key].reshape(-1).tolist()
        ]
    except (OSError, ValueError, KeyError, IndexError, TypeError, RuntimeError) as error:
        raise _incomplete(folder, "setid.mat, imagelabels.mat and jpg/", error) from None
    names = import_torchvision().datasets.Flowers102.classes
    table = _table(folder, [(path, str(label), split) for path, label, split in rows])
    return replace(table, class_names=[names[label] for _, label, _ in rows])


def read_food101(folder: Path) -> Table:
    """Read `meta/train.json`, `meta/test.json` and `images/`; classes in sorted order, 93 is "steak"."""
    try:
        rows = [
            (f"images/{image}.jpg", label, split)
            for split in ("train", "test")
            for label, images in json.loads((folder / "meta" / f"{split}.json").read_text()).items()
            for image in images
        ]
    except (OSError, ValueError, AttributeError, TypeError) as error:
        raise _incomplete(folder, "meta/train.json, meta/test.json and images/", error) from None
    return _table(folder, rows)


def read_tiny_imagenet(folder: Path) -> Table:
    """Read `train/<id>/images/`, `val/images/` with `val_annotations.txt`, and `words.txt`."""
    try:
        ids = sorted(path.name for path in (folder / "train").iterdir() if path.is_dir())
        rows = [
            (f"train/{label}/images/{path.name}", label, "train")
            for label in ids
            for path in sorted((folder / "train" / label / "images").iterdir())
        ]
        annotations = (folder / "val" / "val_annotations.txt").read_text().splitlines()
        cells = [line.split("\t") for line in annotations if line]
        rows += [(f"val/images/{name}", label, "val") for name, label, *_ in sorted(cells)]
        words = folder / "words.txt"
        lines = words.read_text().splitlines() if words.is_file() else []
    except (OSError, ValueError) as error:
        raise _incomplete(folder, "train/, val/ and val_annotations.txt", error) from None
    called = dict(line.split("\t", 1) for line in lines if "\t" in line)
    class_names = [called.get(label, "").partition(", ")[0] for _, label, _ in rows] if called else None
    return replace(_table(folder, rows), class_names=class_names)


def read_cub(folder: Path) -> Table:
    """Read `images.txt`, `image_class_labels.txt`, `train_test_split.txt` and `classes.txt` of CUB-200-2011.

    Class 1 of 200 becomes index 0; "001.Black_footed_Albatross" is called "Black_footed_Albatross".
    """
    try:
        paths, labels, train, classes = (
            dict(line.split(maxsplit=1) for line in (folder / name).read_text().splitlines() if line)
            for name in ("images.txt", "image_class_labels.txt", "train_test_split.txt", "classes.txt")
        )
        names = {number: name.partition(".")[2] or name for number, name in classes.items()}
        ordered = tuple(names[number] for number in sorted(names, key=int))
        split = {"1": "train", "0": "test"}
        rows = [(f"images/{path}", names[labels[key]], split[train[key]]) for key, path in paths.items()]
    except (OSError, ValueError, KeyError) as error:
        raise _incomplete(folder, "images.txt, its lists and images/", error) from None
    return replace(_table(folder, rows), classes=ordered, ordered=True)


def _table(folder: Path, rows: Sequence[tuple[str, str, str]]) -> Table:
    """Return the table of (path, label, split) rows."""
    return Table(
        name=folder.resolve().name,
        origin=str(folder),
        root=folder,
        paths=[path for path, _, _ in rows],
        labels=[label for _, label, _ in rows],
        splits=[split for _, _, split in rows],
    )


def _incomplete(folder: Path, files: str, error: Exception) -> InputError:
    return InputError(f"{folder} cannot be read ({error})", f"unpack {files} there again")
