"""Several labels for each image: columns of yes and no, or cells that are lists, as a mark for each label."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from .class_names import INTEGER, ClassList
from .matching import Matcher
from .table import Table

HAS, HAS_NOT, UNKNOWN = "1", "0", ""
Marks = dict[str, list[str]]
"""For each label, whether the N images have it: `1`, `0`, or an empty cell where that is not known."""

_SEPARATORS = ("|", ";", ",", None)
"""Between labels in one cell; None: blanks."""
_NONES = (frozenset(("none",)), frozenset(("none", "no finding", "no_finding", "no findings")))
"""What is written where an image has no label, if that is not a label itself."""
_WORDS = {
    **dict.fromkeys(("1", "1.0", "true", "yes"), HAS),
    **dict.fromkeys(("0", "0.0", "false", "no"), HAS_NOT),
    **dict.fromkeys(("", "nan", "null", "-1", "-1.0"), UNKNOWN),
}
_NEGATIVE = frozenset(("-1", "-1.0"))
_Sets = Mapping[str, frozenset[str] | None]
"""The labels in each distinct cell; None: not known."""


def mark_columns(columns: Mapping[str, Sequence[str]]) -> Marks:
    """Return the columns whose cells say yes, no or not known.

    -1 means no where nothing else does (CelebA), else not known (CheXpert).
    """
    said = {name: {cell: cell.strip().casefold() for cell in set(cells)} for name, cells in columns.items()}
    found = {name: words for name, words in said.items() if set(words.values()) <= _WORDS.keys()}
    plain = {word for words in found.values() for word in words.values()}
    negative = UNKNOWN if any(_WORDS[word] == HAS_NOT for word in plain) else HAS_NOT
    marks = {}
    for name, words in found.items():
        mark = {cell: negative if word in _NEGATIVE else _WORDS[word] for cell, word in words.items()}
        if set(mark.values()) - {UNKNOWN}:
            marks[name] = [mark[cell] for cell in columns[name]]
    return marks


def with_marks(table: Table, listed: ClassList | None, outputs: int | None, asked: bool) -> Table:
    """Return the table with a mark for each label where its label cells are lists.

    They are lists in JSON, not all of one label; or texts that divide at one sign into labels that are known,
    or are as many as the classifier has `outputs`, or into any labels where `asked`. An empty cell is not
    known; `[]` and `none` are no label.
    """
    if table.marks or table.named:
        return table
    vectors = _vectors(table.labels)
    if vectors:
        count = len(next(iter(vectors.values())))
        names = listed.names if listed and len(listed.names) == count else tuple(map(str, range(count)))
        unknown = (UNKNOWN,) * count
        columns = zip(*(vectors.get(cell, unknown) for cell in table.labels), strict=True)
        return replace(table, marks=dict(zip(names, map(list, columns), strict=True)))
    sets = _json_lists(table.labels) or _divided(table.labels, listed, outputs, asked)
    if sets is None:
        return table
    if not asked and {len(labels) for labels in sets.values() if labels is not None} == {1}:
        return replace(table, labels=["".join(sets[cell] or ()) for cell in table.labels])
    return replace(table, marks=_marks_of(sets, table))


def _marks_of(sets: _Sets, table: Table) -> Marks:
    found = {label for labels in sets.values() for label in labels or ()}
    names = list(table.classes) if found <= set(table.classes) else sorted(found, key=_in_number_order)

    def mark(labels: frozenset[str] | None, name: str) -> str:
        return UNKNOWN if labels is None else HAS if name in labels else HAS_NOT

    marks = {name: {cell: mark(labels, name) for cell, labels in sets.items()} for name in names}
    return {name: [mark_of[cell] for cell in table.labels] for name, mark_of in marks.items()}


def _in_number_order(label: str) -> tuple[int, str]:
    return (int(label), "") if INTEGER.fullmatch(label) else (-1, label)


def _lists(cells: Iterable[str]) -> dict[str, list[object] | None] | None:
    """Return the list that each cell is in JSON or Python, None for an empty one; None if they are none."""
    distinct = {cell: cell.strip() for cell in set(cells)}
    if not any(distinct.values()) or not all(text.startswith("[") for text in distinct.values() if text):
        return None
    found: dict[str, list[object] | None] = {}
    for cell, text in distinct.items():
        try:
            read = json.loads(text.replace("'", '"')) if text else None
        except ValueError:
            read = [part.strip() for part in text.strip("[]").split(",")]
        if read is not None and not isinstance(read, list):
            return None
        found[cell] = read
    return found


def _vectors(cells: Sequence[str]) -> dict[str, tuple[str, ...]] | None:
    """Return the marks of cells that are lists of 0 and 1, one for each label: `[0, 1, 1, 0]`."""
    lists = {cell: own for cell, own in (_lists(cells) or {}).items() if own is not None}
    if len({len(own) for own in lists.values()}) != 1 or all(
        len(set(map(str, own))) == len(own) for own in lists.values()
    ):
        return None
    if not all(entry in (0, 1) for own in lists.values() for entry in own):
        return None
    return {cell: tuple(HAS if entry else HAS_NOT for entry in own) for cell, own in lists.items()}


def _json_lists(cells: Sequence[str]) -> _Sets | None:
    lists = _lists(cells)
    if lists is None:
        return None
    return {
        cell: None if own is None else frozenset(str(label).strip() for label in own)
        for cell, own in lists.items()
    }


def _divided(
    cells: Sequence[str], listed: ClassList | None, outputs: int | None, asked: bool
) -> _Sets | None:
    """Divide cells at the first sign that makes labels of them all."""
    distinct = {cell for cell in set(cells) if cell.strip()}
    unknown: dict[str, frozenset[str] | None] = dict.fromkeys(set(cells) - distinct)
    matcher = Matcher(listed) if listed else None

    def fits(labels: frozenset[str]) -> bool:
        if matcher is None:
            return outputs == len(labels) != len(distinct)
        return all(map(matcher.names, labels)) and not all(map(matcher.names, distinct))

    for sign in _SEPARATORS:
        parts = {cell: frozenset(filter(None, map(str.strip, cell.split(sign)))) for cell in distinct}
        if all(len(own) < 2 for own in parts.values()):
            continue
        written = frozenset(label for own in parts.values() for label in own)
        nones = [frozenset(label for label in written if label.casefold() in words) for words in _NONES]
        none = next((none for none in nones if fits(written - none)), None)
        if none is None and asked and matcher is None and sign is not None:
            none = nones[0]
        if none is not None:
            return {cell: own - none for cell, own in parts.items()} | unknown
    return {cell: frozenset((cell,)) for cell in distinct} | unknown if asked else None


def mark_matrix(marks: Mapping[str, Sequence[str]]) -> Tensor:
    """Return [N,L] int8: 1 for images that have the label, 0 that have not, -1 where it is not known."""
    code = {HAS: 1, HAS_NOT: 0, UNKNOWN: -1}
    return torch.tensor([[code[cell] for cell in cells] for cells in marks.values()], dtype=torch.int8).T
