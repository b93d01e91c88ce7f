"""Which class has which index and name: `--classes` files, `--class` on the command line."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..config import nearest
from ..errors import InputError

INTEGER = re.compile(r"[+-]?[0-9]+")


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
        remedy = "mend it" if file.suffix.lower() == ".json" else "write one class name a line"
        raise InputError(f"--classes {path} cannot be read ({error})", remedy) from None
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
        if all(INTEGER.fullmatch(key) for key in value):
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


def find_class(class_names: Sequence[str], wanted: str) -> int:
    """Return the index of a class given by name or index (`--class`); raises InputError."""
    if class_names.count(wanted) == 1:
        return class_names.index(wanted)
    if INTEGER.fullmatch(wanted) and 0 <= int(wanted) < len(class_names):
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
