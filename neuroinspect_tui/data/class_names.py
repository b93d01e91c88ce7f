"""Which class has which index and name: `--classes` files, `--class` on the command line."""

from __future__ import annotations

import ast
import contextlib
import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..config import nearest
from ..errors import InputError
from .columns import Columns, as_text, read_columns, text_of

INTEGER = re.compile(r"[+-]?[0-9]+")


_WORDNET_LINE = re.compile(r"(n[0-9]{8})[\s,:]+(\S.*)")
_INDEX_FIRST = re.compile(r"([0-9]+)(?:\s*[,:;\t]\s*|\s+)(\S.*)")
_INDEX_LAST = re.compile(r"(\S.*?)(?:\s*[,:;\t]\s*|\s+)([0-9]+)")
_NAME_COLUMNS = ("name", "class_name", "label_name", "class", "label", "category", "classes", "names")
_INDEX_COLUMNS = ("index", "id", "class_id", "label_id", "class_index", "class_idx", "idx", "target")
_WRAPPERS = (
    *("categories", "id2label", "class_to_idx", "label2id", "idx_to_class"),
    *("classes", "class_names", "names"),
)
_PLACEHOLDER = re.compile(r"(LABEL_|class_?)?[0-9]+", re.IGNORECASE)


@dataclass(frozen=True)
class ClassList:
    """The classes in index order: `keys` is what labels and folders call them, `names` what people do."""

    keys: tuple[str, ...]
    names: tuple[str, ...]
    origin: str


@dataclass(frozen=True)
class ModelClasses:
    """What a classifier says of its `count` outputs: their `names` and `keys` (WordNet ids), or None."""

    count: int
    names: tuple[str, ...] | None = None
    keys: tuple[str, ...] | None = None

    def listed(self) -> ClassList | None:
        """Return its classes where it names them; `LABEL_0` and bare numbers are not names."""
        if self.names is None or all(map(_PLACEHOLDER.fullmatch, self.names)):
            return None
        origin = f"the classifier's {self.count} classes"
        return ClassList(self.keys or self.names, self.names, origin)


def read_class_list(path: str | Path) -> ClassList:
    """Read `--classes`: a text file of one class a line, a JSON list, or a JSON map.

    A line is a name, `n01440764 tench, Tinca tinca`, or a name with its index before or after it; a csv has a
    column of names and perhaps one of indices. A map, in JSON or in the YAML of YOLO, goes from index to
    name, from index to [key, name] (as `imagenet_class_index.json` does), from name to index (quoted or not),
    or from folder name to name (then in sorted folder order). Raises InputError.
    """
    file = Path(path)
    try:
        value = _parsed(file)
    except FileNotFoundError:
        raise InputError(
            f"--classes {path}: no such file", "give a txt or json file of class names"
        ) from None
    except (OSError, ValueError) as error:
        remedy = "correct it" if file.suffix.lower() == ".json" else "write one class name per line"
        raise InputError(f"--classes {path} cannot be read ({error})", remedy) from None
    keys, names = _pairs(value, file)
    if not names:
        raise InputError(f"--classes {path} names no class", "write one class name per line")
    return ClassList(tuple(keys), tuple(names), file.name)


def _parsed(file: Path) -> Any:
    suffix = file.suffix.lower()
    if suffix in (".csv", ".tsv", ".jsonl"):
        return _of_columns(read_columns(file)[0]) or _of_lines(_lines(text_of(file)))
    text = text_of(file)
    if suffix == ".json":
        return json.loads(text)
    if suffix in (".yaml", ".yml"):
        return _of_yaml(text)
    if text.lstrip().startswith(("{", "[")):
        with contextlib.suppress(ValueError, SyntaxError):
            return ast.literal_eval(text.strip())
    return _of_lines(_lines(text))


def _of_yaml(text: str) -> Any:
    """Return what YAML holds, every scalar as text: `no` is a name."""
    import yaml  # type: ignore[import-untyped]  # here: few need it

    try:
        return yaml.load(text, Loader=yaml.BaseLoader)
    except yaml.YAMLError as error:
        raise ValueError(" ".join(str(error).split())) from None


def _lines(text: str) -> list[str]:
    """Return the lines that say something: no comments, no quotes around all, one line of several names."""
    lines = [line.strip() for line in text.splitlines()]
    lines = [line for line in lines if line and not line.startswith("#")]
    if len(lines) == 1 and "," in lines[0]:
        lines = [name.strip() for name in lines[0].split(",")]
    quoted = all(len(line) > 2 and line[0] == line[-1] and line[0] in "\"'" for line in lines)
    return [line[1:-1] for line in lines] if quoted else lines


def _of_columns(columns: Columns) -> Any:
    """Return the names in the column that is called so, by their indices where there are some; else None."""
    folded = {name.casefold(): cells for name, cells in columns.items()}
    names = next((folded[name] for name in _NAME_COLUMNS if name in folded), None)
    if names is None:
        return None
    indices = next((folded[name] for name in _INDEX_COLUMNS if name in folded), None)
    if indices is None or not all(map(INTEGER.fullmatch, map(str.strip, indices))):
        return names
    return {str(int(index)): name for index, name in zip(indices, names, strict=True)}


def _of_lines(lines: list[str]) -> Any:
    """Return what lines of one form say, where all have it; else the lines as names."""
    if lines and all(found := [_WORDNET_LINE.fullmatch(line) for line in lines]):
        return [list(match.groups()) for match in found if match]
    for form, index, name in ((_INDEX_FIRST, 1, 2), (_INDEX_LAST, 2, 1)):
        named = {int(match[index]): match[name] for line in lines if (match := form.fullmatch(line))}
        whole = set(named) == set(range(len(lines))) and len(lines) > 0
        if whole and (form is _INDEX_FIRST or len(set(named.values())) == len(named)):
            return {str(number): text for number, text in named.items()}
    return lines


def _pairs(value: Any, file: Path) -> tuple[list[str], list[str]]:
    """Return keys and names in index order."""
    if isinstance(value, list):
        if all(isinstance(name, str) for name in value):
            return value, value
        if value and all(isinstance(entry, dict) for entry in value):
            entries = [{str(key): as_text(entry[key]) for key in entry} for entry in value]
            keys = dict.fromkeys(key for entry in entries for key in entry)
            listed = _of_columns({key: [entry.get(key, "") for entry in entries] for key in keys})
            return _pairs(listed, file)
        if value and all(isinstance(entry, list | tuple) and _is_numbered(entry) for entry in value):
            return _pairs({str(index): name for index, name in value}, file)
        if all(_is_pair(entry) for entry in value):
            return [key for key, _ in value], [name for _, name in value]
    if isinstance(value, dict) and value:
        inner = next((value[key] for key in _WRAPPERS if isinstance(value.get(key), dict | list)), None)
        if inner is not None:
            return _pairs(inner, file)
        value = {str(key): entry for key, entry in value.items()}
        if all(_is_index(index) for index in value.values()):
            return _of_indices([(int(index), name) for name, index in value.items()], file)
        if all(INTEGER.fullmatch(key) for key in value):
            ordered = _by_index({int(key): name for key, name in value.items()}, file)
            pairs = [name if isinstance(name, list | tuple) else [name, name] for name in ordered]
            if all(map(_is_pair, pairs)):
                return [key for key, _ in pairs], [name for _, name in pairs]
        elif all(isinstance(name, str) for name in value.values()):
            return sorted(value), [value[key] for key in sorted(value)]
    raise InputError(
        f"--classes {file} is not a list of class names",
        'write ["cat", "dog"], {"0": "cat", "1": "dog"} or {"cat": 0, "dog": 1}',
    )


def _is_pair(entry: Any) -> bool:
    return (
        isinstance(entry, list | tuple) and len(entry) == 2 and all(isinstance(part, str) for part in entry)
    )


def _is_numbered(entry: Sequence[object]) -> bool:
    return len(entry) == 2 and isinstance(entry[0], int) and isinstance(entry[1], str)


def _is_index(value: Any) -> bool:
    if isinstance(value, str):
        return INTEGER.fullmatch(value.strip()) is not None
    return isinstance(value, int) and not isinstance(value, bool)


def _of_indices(pairs: list[tuple[int, str]], file: Path) -> tuple[list[str], list[str]]:
    twice = next((index for index, count in Counter(index for index, _ in pairs).items() if count > 1), None)
    if twice is not None:
        both = " and ".join(f'"{name}"' for index, name in pairs if index == twice)
        raise InputError(f"--classes {file} gives index {twice} to {both}", "give each class its own index")
    names = _by_index(dict(pairs), file)
    return names, names


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
