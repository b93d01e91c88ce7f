"""Which class has which index and name: `--classes` files, labels of images, `--class` on the command line."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..config import nearest
from ..errors import InputError

_INTEGER = re.compile(r"[+-]?[0-9]+")
_WORDNET_ID = re.compile(r"n[0-9]{8}")
_MOST_CLASSES = 100_000


@dataclass(frozen=True)
class ClassList:
    """The classes in index order: `keys` is what labels and folders call them, `names` what people do."""

    keys: tuple[str, ...]
    names: tuple[str, ...]
    origin: str

    def index_of(self) -> dict[str, int]:
        """Return the index of every key, and of every name that is no key."""
        found = {name: index for index, name in reversed(list(enumerate(self.names)))}
        return found | {key: index for index, key in enumerate(self.keys)}


@dataclass(frozen=True)
class Labelled:
    """What labels come to: `names` in index order, `labels` [N] int64, and remarks for the user."""

    names: tuple[str, ...]
    labels: np.ndarray
    notes: tuple[str, ...] = ()


def read_class_list(path: str | Path) -> ClassList:
    """Read `--classes`: a text file of one name a line, a JSON list, or a JSON map.

    A map goes from index to name, from index to [key, name] (as `imagenet_class_index.json` does), from name
    to index, or from folder name to name (then in sorted folder order). Raises InputError.
    """
    file = Path(path)
    try:
        text = file.read_text(encoding="utf-8-sig")
        value = json.loads(text) if file.suffix.lower() == ".json" else _lines(text)
    except FileNotFoundError:
        raise InputError(
            f"--classes {path}: no such file", "give a txt or json file of class names"
        ) from None
    except (OSError, ValueError) as error:
        raise InputError(
            f"--classes {path} cannot be read ({error})", "write one class name a line"
        ) from None
    keys, names = _pairs(value, file)
    if not names:
        raise InputError(f"--classes {path} names no class", "write one class name a line")
    return ClassList(tuple(keys), tuple(names), file.name)


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def _pairs(value: Any, file: Path) -> tuple[list[str], list[str]]:
    """Return keys and names in index order."""
    if isinstance(value, list) and all(isinstance(name, str) for name in value):
        return value, value
    if isinstance(value, dict) and value:
        if all(isinstance(index, int) for index in value.values()):
            names = _by_index({index: name for name, index in value.items()}, file)
            return names, names
        if all(_INTEGER.fullmatch(key) for key in value):
            ordered = _by_index({int(key): name for key, name in value.items()}, file)
            pairs = [name if isinstance(name, list) else [name, name] for name in ordered]
            if all(len(pair) == 2 and all(isinstance(part, str) for part in pair) for pair in pairs):
                return [key for key, _ in pairs], [name for _, name in pairs]
        elif all(isinstance(name, str) for name in value.values()):
            return sorted(value), [value[key] for key in sorted(value)]
    raise InputError(
        f"--classes {file} is no list of class names",
        'write ["cat", "dog"], {"0": "cat", "1": "dog"} or {"cat": 0, "dog": 1}',
    )


def _by_index(names: dict[int, Any], file: Path) -> list[Any]:
    missing = set(range(len(names))) - set(names)
    if missing:
        raise InputError(
            f"--classes {file} has no class {min(missing)}",
            f"number its {len(names)} classes 0 to {len(names) - 1}, each once",
        )
    return [names[index] for index in range(len(names))]


def resolve_labels(
    labels: Sequence[str], names: Sequence[str] | None, classes: ClassList | None, source: str
) -> Labelled:
    """Turn the label column, N texts, into class indices.

    Labels that are all integers are indices, unless `classes` knows them all as names; any other labels
    are class names (sorted, or in the order of `classes`). `names` [N], the `class_name` column, says what
    to call each label. Raises InputError, naming `source`.
    """
    known = _indices(labels)
    display = _display_names(labels, names, source) if classes is None and names is not None else {}
    index_of = classes.index_of() if classes else {}
    notes: tuple[str, ...] = ()
    if all(_INTEGER.fullmatch(label) for label in known) and not (
        index_of and index_of.keys() >= known.keys()
    ):
        index_of = {label: int(label) for label in known}
        _check_range(index_of, classes, source)
        count = len(classes.names) if classes else max(index_of.values()) + 1
        called = {index_of[label]: name for label, name in display.items()}
        class_names = classes.names if classes else tuple(called.get(i, str(i)) for i in range(count))
    elif classes:
        class_names = classes.names
        index_of, notes = _known_names(known, index_of, classes, source)
    else:
        keys = sorted(known)
        index_of = {key: index for index, key in enumerate(keys)}
        class_names = tuple(display.get(key, key) for key in keys)
    if len(class_names) < 2:
        raise InputError(
            f'{source} has only one class, "{class_names[0]}"', "give images of two classes or more"
        )
    return Labelled(class_names, _recode(labels, known, index_of), notes)


def _indices(labels: Sequence[str]) -> dict[str, int]:
    """Return the distinct labels with the row that each stands in first."""
    first: dict[str, int] = {}
    for row, label in enumerate(labels):
        first.setdefault(label, row)
    return first


def _recode(labels: Sequence[str], known: Iterable[str], index_of: dict[str, int]) -> np.ndarray:
    return np.fromiter(map(index_of.__getitem__, labels), dtype=np.int64, count=len(labels))


def _display_names(labels: Sequence[str], names: Sequence[str], source: str) -> dict[str, str]:
    display: dict[str, str] = {}
    for label, name in sorted(set(zip(labels, names, strict=True))):
        if name and display.setdefault(label, name) != name:
            raise InputError(
                f'{source} calls class {label} both "{display[label]}" and "{name}"',
                "give each label one class_name",
            )
    return display


def _check_range(index_of: dict[str, int], classes: ClassList | None, source: str) -> None:
    limit = len(classes.names) if classes else _MOST_CLASSES
    wrong = next((label for label, index in index_of.items() if not 0 <= index < limit), None)
    if wrong is not None:
        where = f"{classes.origin} names {limit} classes, " if classes else ""
        raise InputError(f"{source}: label {wrong} is out of range", f"{where}use 0 to {limit - 1}")


def _known_names(
    known: Iterable[str], index_of: dict[str, int], classes: ClassList, source: str
) -> tuple[dict[str, int], tuple[str, ...]]:
    keys = sorted(known)
    unknown = [key for key in keys if key not in index_of]
    if not unknown:
        return index_of, ()
    if len(unknown) == len(classes.names) == len(keys) and all(map(_WORDNET_ID.fullmatch, keys)):
        note = f"{classes.origin} gives its names, in order, to the sorted WordNet folders"
        return {key: index for index, key in enumerate(keys)}, (note,)
    remedy = nearest(unknown[0], index_of) or f"add it to {classes.origin}, or leave --classes out"
    raise InputError(f'{source}: class "{unknown[0]}" is not in {classes.origin}', remedy)


def find_class(class_names: Sequence[str], wanted: str) -> int:
    """Return the index of a class given by name or index (`--class`); raises InputError."""
    if class_names.count(wanted) == 1:
        return class_names.index(wanted)
    if _INTEGER.fullmatch(wanted) and 0 <= int(wanted) < len(class_names):
        return int(wanted)
    folded = [name.casefold() for name in class_names]
    if folded.count(wanted.casefold()) == 1:
        return folded.index(wanted.casefold())
    if wanted in class_names:
        twice = [str(index) for index, name in enumerate(class_names) if name == wanted]
        raise InputError(
            f'--class "{wanted}" names {len(twice)} classes', f"give the index: {' or '.join(twice)}"
        )
    remedy = nearest(wanted, class_names) or f"give a name, or an index from 0 to {len(class_names) - 1}"
    raise InputError(f'--class "{wanted}" is not a class of the data', remedy)
