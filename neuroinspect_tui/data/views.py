"""One of several labels at a time: images that have it and images that have it not, as two classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ..config import nearest
from ..errors import InputError
from .class_names import INTEGER, ClassList
from .columns import read_columns
from .label_view import LabelChoice, LabelView
from .marks import HAS, HAS_NOT, UNKNOWN
from .matching import Matcher, match_labels
from .table import Table

_SHOWN = 12


def viewed(table: Table, choice: LabelChoice, listed: ClassList | None, outputs: int | None) -> Table:
    """Return a table of marks as one of the two classes of a label; raises InputError.

    `listed` are the labels that the classifier or `--classes` names, `outputs` how many the classifier has.
    """
    table = _labels_alone(table, listed)
    names = tuple(table.marks)
    counts = [cells.count(HAS) for cells in table.marks.values()]
    chosen = chosen_label(names, counts, choice.wanted, table.name)
    places, remark = _outputs(table, listed, outputs)
    view = LabelView(names, places, chosen, read_thresholds(choice.thresholds, names))
    cells = table.marks[view.name]
    no, yes = view.classes
    called = {HAS: yes, HAS_NOT: no, UNKNOWN: ""}
    seen = replace(
        table,
        labels=[called[cell] for cell in cells],
        class_names=None,
        classes=(no, yes),
        ordered=True,
        columns=table.columns | _as_columns(table, [name for name in choice.groups if name in names]),
        notes=(*table.notes, *remark, *(() if choice.wanted else (chosen_note(view, counts),))),
        view=view,
    )
    return _known_alone(seen)


def _known_alone(table: Table) -> Table:
    """Leave out images that do not say whether they have the label."""
    kept = [row for row, label in enumerate(table.labels) if label]
    left = len(table.labels) - len(kept)
    if not left or table.view is None:
        return table
    name = table.view.name
    if not kept:
        raise InputError(f'{table.origin}: no image says whether it has "{name}"', "give another --label")
    taken = table.taken(kept)
    return replace(taken, notes=(*taken.notes, f'{left} images that do not say about "{name}" are left out'))


def _labels_alone(table: Table, listed: ClassList | None) -> Table:
    """Make columns of groups of those marks that are no labels of the classifier."""
    if listed is None:
        return table
    matcher = Matcher(listed)
    marks = {name: cells for name, cells in table.marks.items() if matcher.find(name)}
    others = [name for name in table.marks if name not in marks]
    if len(marks) < 2:
        line = f'{table.origin}: label "{others[0]}" is not in {listed.origin}'
        raise InputError(
            line, matcher.nearest(others[0]) or "name the classifier's labels with --classes FILE"
        )
    return replace(table, marks=marks, columns=table.columns | _as_columns(table, others))


def _as_columns(table: Table, names: Sequence[str]) -> dict[str, list[str]]:
    words = {HAS: "yes", HAS_NOT: "no", UNKNOWN: ""}
    return {name: [words[cell] for cell in table.marks[name]] for name in names}


def _outputs(
    table: Table, listed: ClassList | None, count: int | None
) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """Return the output that stands for each label, and a remark where that is assumed."""
    names = list(table.marks)
    if listed is not None:
        index_of, _ = match_labels(names, listed, table.origin, lambda name: f'{table.origin} label "{name}"')
        return tuple(index_of[name] for name in names), ()
    if all(map(INTEGER.fullmatch, names)) and (
        count is None or all(0 <= int(name) < count for name in names)
    ):
        return tuple(map(int, names)), ()
    if count not in (None, len(names)):
        line = f"the classifier has {count} outputs, {table.origin} has {len(names)} labels ({_shown(names)})"
        raise InputError(line, "name the labels in the order of the outputs with --classes FILE")
    remark = f"the labels are taken in this order as the classifier's outputs: {_shown(names)}"
    return tuple(range(len(names))), (f"{remark}; name another with --classes",)


def chosen_label(names: Sequence[str], counts: Sequence[int], wanted: str | None, origin: str) -> int:
    """Return which label is looked at: `wanted`, or that of most images; raises InputError."""
    if wanted is None:
        return max(range(len(names)), key=lambda place: counts[place])
    if wanted in names:
        return list(names).index(wanted)
    folded = [name.casefold() for name in names]
    if folded.count(wanted.casefold()) == 1:
        return folded.index(wanted.casefold())
    remedy = nearest(wanted, names) or f"use one of {_shown(names)}"
    raise InputError(f'--label "{wanted}" is not a label of the data {origin}', remedy)


def chosen_note(view: LabelView, counts: Sequence[int]) -> str:
    """Say which label is looked at where nobody chose one."""
    return (
        f"an image may have several of {len(view.names)} labels ({_shown(view.names)}); looked at is "
        f'"{view.name}", the most frequent one ({counts[view.chosen]} images): choose another with --label'
    )


def _shown(names: Sequence[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (" …" if len(names) > _SHOWN else "")


def read_thresholds(text: str, names: Sequence[str]) -> tuple[float, ...]:
    """Return a probability for each label from `--threshold`: one number, or a csv of label,threshold."""
    try:
        return (_probability(float(text), "--threshold"),) * len(names)
    except ValueError:
        columns, _ = read_columns(Path(text).expanduser())
    if not {"label", "threshold"} <= columns.keys():
        raise InputError(
            f"--threshold {text} has no columns label and threshold", "write them in its first line"
        )
    given = dict(zip(map(str.strip, columns["label"]), columns["threshold"], strict=True))
    missing = next((name for name in names if name not in given), None)
    if missing is not None:
        raise InputError(f'--threshold {text} has no row for "{missing}"', "give each label its threshold")
    try:
        return tuple(_probability(float(given[name]), f'--threshold of "{name}"') for name in names)
    except ValueError as error:
        raise InputError(f"--threshold {text}: {error}", "give numbers between 0 and 1") from None


def _probability(value: float, place: str) -> float:
    if not 0 < value < 1:
        raise InputError(f"{place} {value:g} is out of range", "give a probability between 0 and 1")
    return value
