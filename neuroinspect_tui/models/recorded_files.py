"""Read recorded answers: `-m npz:FILE` and `--predictions FILE`."""

from __future__ import annotations

import csv
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..config import nearest
from ..errors import InputError
from ..tensors import Head
from .recorded import Recorded, RecordedSplit

_NEEDED = ("features", "labels", "weight")
_LISTS = ("labels", "paths", "splits", "class_names")
_KNOWN = ("features", "weight", "bias", *_LISTS)
_PROBABILITY = "p_"


def read_recorded(spec: str, split: str, class_names: Sequence[str] | None = None) -> Recorded:
    """Read `npz:FILE` or `predictions:FILE`; images without a split of their own are in `split`.

    `class_names` are those of `--classes`. Raises InputError that names what is missing or does not fit.
    """
    kind, _, name = spec.partition(":")
    path = Path(name).expanduser()
    option = "-m npz:" if kind == "npz" else "--predictions "
    if not path.is_file():
        raise InputError(f"{option}{path}: no such file", "check the path")
    return (_read_npz if kind == "npz" else _read_predictions)(path, split, class_names)


def _read_npz(path: Path, split: str, class_names: Sequence[str] | None) -> Recorded:
    subject = f"-m npz:{path}"
    arrays = _arrays(path, subject)
    missing = [name for name in _NEEDED if name not in arrays]
    if missing:
        unknown = next((name for name in arrays if name not in _KNOWN), None)
        hint = nearest(unknown, missing) if unknown else ""
        remedy = "save features [N,D], labels [N], weight [C,D], bias [C] and paths [N] with numpy.savez"
        raise InputError(f"{subject} has no array {missing[0]!r}", hint or remedy)
    features, weight = (_floats(arrays[name], name, subject) for name in ("features", "weight"))
    count = len(features)
    if weight.shape[1] != features.shape[1]:
        message = f"{subject}: features are {features.shape[1]} wide, weight is for {weight.shape[1]}"
        raise InputError(message, "weight is [classes, features], as torch.nn.Linear has it")
    if not features.numel():
        raise InputError(f"{subject}: features has shape {list(features.shape)}", "give a row for each image")
    head = _head(weight, arrays.get("bias"), subject)
    marks = _marks(arrays["labels"], head, subject)
    if marks is not None:
        arrays["labels"] = np.zeros(len(marks), np.int64)
    known = {name: _texts(arrays[name], name, subject) for name in _LISTS if name in arrays}
    names = tuple(class_names or known.get("class_names") or map(str, range(head.classes)))
    paths = known.get("paths") or tuple(f"image {row}" for row in range(count))
    splits = known.get("splits") or (split,) * count
    told = {"labels": known["labels"], "paths": paths, "splits": splits, "class_names": names}
    for name, entries in told.items():
        wanted = head.classes if name == "class_names" else count
        if len(entries) != wanted:
            raise InputError(
                f"{subject}: {name} has {len(entries)} entries instead of {wanted}", "save it again"
            )
    labels = _labels(known["labels"], names, subject)
    single = len(weight) == 1
    found = _divided(path, head, names, paths, labels, splits, features, head.logits(features), single)
    return found if marks is None else _with_marks(found, marks, splits)


def _marks(array: np.ndarray[Any, Any], head: Head, subject: str) -> Tensor | None:
    """Return [N,C] where labels are a column for each output: 1, 0, or -1 (also NaN) where not known."""
    if array.ndim != 2 or array.shape[1] < 2:
        return None
    if array.dtype.kind not in "biuf" or array.shape[1] != head.classes:
        message = f"{subject}: labels has shape {list(array.shape)}, weight {head.classes} rows"
        raise InputError(message, "give a column of 0 and 1 for each row of weight")
    marks = np.nan_to_num(array.astype(np.float64), nan=-1)
    if not np.isin(marks, (-1, 0, 1)).all():
        raise InputError(f"{subject}: labels holds other numbers than 0 and 1", "write -1 where not known")
    return torch.from_numpy(marks.astype(np.int8))


def _with_marks(found: Recorded, marks: Tensor, splits: Sequence[str]) -> Recorded:
    """Put marks [N,C] beside the images; labels where each image has exactly one."""
    one_each = bool(((marks == 1).sum(1) == 1).all() and (marks >= 0).all())
    parts = {}
    for name, part in found.splits.items():
        own = marks[torch.tensor([row for row, split in enumerate(splits) if split == name])]
        parts[name] = replace(part, labels=own.argmax(1)) if one_each else replace(part, marks=own)
    return replace(found, splits=parts)


def _head(weight: Tensor, bias: np.ndarray[Any, Any] | None, subject: str) -> Head:
    """Return the layer; one row is the logit of the second of two classes, the first one's is 0."""
    own = torch.zeros(len(weight)) if bias is None else _floats(bias.reshape(1, -1), "bias", subject)[0]
    if len(own) != len(weight):
        message = f"{subject}: bias has {len(own)} entries instead of {len(weight)}"
        raise InputError(message, "save it again")
    if len(weight) == 1:
        weight, own = (torch.cat([torch.zeros_like(one), one]) for one in (weight, own))
    return Head(weight, own, bias is not None)


def _read_predictions(path: Path, split: str, class_names: Sequence[str] | None) -> Recorded:
    subject = f"--predictions {path}"
    rows, columns = _table(path, subject)
    found = [name for name in columns if name.startswith(_PROBABILITY) and name[2:].isdecimal()]
    probabilities = sorted(found, key=lambda name: int(name[2:]))
    missing = [name for name in ("path", "label") if name not in columns]
    if not probabilities and "predicted" not in columns:
        missing.append("predicted")
    if missing or not rows:
        what = f"has no column {missing[0]!r}" if missing else "has no rows"
        raise InputError(f"{subject} {what}", "give columns path, label and predicted (or p_0, p_1 …)")
    labels, predicted = ([row.get(name) or "" for row in rows] for name in ("label", "predicted"))
    names = tuple(class_names or _names_in([*labels, *predicted], len(probabilities)))
    own = _labels(labels, names, subject)
    if probabilities:
        if len(probabilities) != len(names):
            message = f"{subject} has {len(probabilities)} columns p_0 …, there are {len(names)} classes"
            raise InputError(message, "name all classes in their order with --classes FILE")
        logits = torch.tensor(_numbers(rows, probabilities, subject)).clamp(min=1e-30).log()
    else:
        logits = torch.nn.functional.one_hot(_labels(predicted, names, subject), len(names)).float() * 30
    head = Head(torch.zeros(len(names), 0), torch.zeros(len(names)))
    splits = [row.get("split") or split for row in rows]
    paths = [row["path"] for row in rows]
    return _divided(path, head, names, paths, own, splits, torch.zeros(len(rows), 0), logits)


def _divided(
    path: Path,
    head: Head,
    names: tuple[str, ...],
    paths: Sequence[str],
    labels: Tensor,
    splits: Sequence[str],
    features: Tensor,
    logits: Tensor,
    single: bool = False,
) -> Recorded:
    parts = {}
    for name in dict.fromkeys(splits):
        rows = torch.tensor([row for row, own in enumerate(splits) if own == name])
        own_paths = tuple(paths[row] for row in rows.tolist())
        parts[name] = RecordedSplit(own_paths, labels[rows], features[rows], logits[rows].float())
    return Recorded(path.name, path.resolve().parent, head, names, parts, single)


def _arrays(path: Path, subject: str) -> dict[str, np.ndarray[Any, Any]]:
    if not zipfile.is_zipfile(path):
        raise InputError(f"{subject} cannot be read: it is not an .npz file", "write it with numpy.savez")
    try:
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in file.files if name in _KNOWN or file.files.index(name) < 32}
    except (ValueError, OSError, zipfile.BadZipFile, EOFError, AttributeError) as error:
        reason = "it holds Python objects" if "pickle" in str(error) else "it is not an .npz file"
        raise InputError(
            f"{subject} cannot be read: {reason}", "save plain arrays with numpy.savez"
        ) from error


def _floats(array: np.ndarray[Any, Any], name: str, subject: str) -> Tensor:
    if array.ndim != 2 or array.dtype.kind not in "fiu":
        raise InputError(f"{subject}: {name} has shape {list(array.shape)}", "give rows of numbers")
    tensor = torch.from_numpy(np.asarray(array, np.float32).copy())
    if not bool(torch.isfinite(tensor).all()):
        raise InputError(f"{subject}: {name} holds numbers that are not finite", "look for NaN in it")
    return tensor


def _texts(array: np.ndarray[Any, Any], name: str, subject: str) -> tuple[str, ...]:
    """Return the entries of a list [n] or column [n,1] as text; yes and no are 1 and 0."""
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1:
        raise InputError(f"{subject}: {name} has shape {list(array.shape)}", "give one entry for each row")
    values = (array.astype(int) if array.dtype.kind == "b" else array).tolist()
    return tuple(str(value, "utf-8") if isinstance(value, bytes) else str(value) for value in values)


def _labels(texts: Sequence[str], names: Sequence[str], subject: str) -> Tensor:
    """Return [N] int64: labels that are names of classes, or their numbers."""
    index_of = {str(index): index for index in range(len(names))}
    index_of |= {f"{index}.0": index for index in range(len(names))}
    index_of |= {name: index for index, name in reversed(list(enumerate(names)))}
    unknown = next((text for text in texts if text not in index_of), None)
    if unknown is not None:
        remedy = nearest(unknown, names) or f"use class names, or numbers from 0 to {len(names) - 1}"
        raise InputError(f'{subject}: label "{unknown}" is not a class', remedy)
    return torch.tensor([index_of[text] for text in texts], dtype=torch.int64)


def _names_in(labels: Sequence[str], count: int) -> list[str]:
    known = sorted({label for label in labels if label})
    if all(label.isdecimal() for label in known):
        return [str(index) for index in range(max(count, 1 + max(map(int, known), default=0)))]
    return known


def _table(path: Path, subject: str) -> tuple[list[dict[str, str]], list[str]]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            return list(reader), [name.strip() for name in reader.fieldnames or ()]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{subject} cannot be read: {error}", "save it as UTF-8 csv") from error


def _numbers(rows: Sequence[Mapping[str, str]], columns: Sequence[str], subject: str) -> list[list[float]]:
    try:
        return [[float(row[name]) for name in columns] for row in rows]
    except (TypeError, ValueError) as error:
        raise InputError(f"{subject}: a probability is not a number ({error})", "correct that row") from error
