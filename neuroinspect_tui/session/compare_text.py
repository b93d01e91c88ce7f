"""The comparison of two sessions as plain text: what differs in the inputs first, then images, then rates."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from ..results import Preprocessing
from ..text import safe
from ..wording.numbers import percent
from ..wording.opened import preprocessing_words
from ..wording.verdicts import OUTCOMES
from .compare import InputChange, PairedChange, Side, Value, input_changes, paired_changes
from .report_model import MetricsPart, Report

LIMIT = 20
REPAIR_COLUMNS = ("repair", "class", "on", "class recall", "accuracy", "worst group", "verdict")
_CAUTION = (
    "CAUTION: these sessions differ in more than the model, so their rates do not tell which is better:"
)


def comparison(first: Side, second: Side, names: tuple[str, str] = ("first", "second")) -> str:
    """Return what changed from `first` to `second`: inputs, images fixed and broken, rates, repairs.

    The rates are of the models as they were given; `names` says where the sessions lie. Classes and groups
    are matched by name, images by path; at most 20 of each are listed, the largest change first.
    """
    one, other = first.report, second.report
    notes = [_source("first", names[0], one), _source("second", names[1], other)]
    sections = [*_caution(input_changes(first, second)), "\n".join([*notes, *_notes(one, other)])]
    sections.append(_images(paired_changes(first, second)))
    sections.append(_table(("as given", "first", "second", "change"), list(_overall(one, other))))
    for title, rates in (("class", _class_rates), ("group", _group_rates)):
        before, after = rates(one), rates(other)
        rows = _changes(before, after)
        if rows:
            sections.append(_table((title, "first", "second", "change"), rows[:LIMIT]))
            sections += _left_out(len(rows) - LIMIT, len({**before, **after}) - len(rows))
    repairs = [*_repairs("first", one), *_repairs("second", other)]
    if repairs:
        sections.append(_table(REPAIR_COLUMNS, repairs))
    return "\n\n".join(sections) + "\n"


def _caution(changes: Iterable[InputChange]) -> Iterator[str]:
    lines = [f"  {_input_change(change)}" for change in changes]
    if lines:
        yield "\n".join([_CAUTION, *lines])


def _input_change(change: InputChange) -> str:
    match change.what:
        case "data":
            return "data: other images or labels"
        case "labels":
            return f"labels: {change.second} images have another class, and are left out below"
        case _:
            return f"{change.what}: {_value(change.first)} → {_value(change.second)}"


def _value(value: Value) -> str:
    match value:
        case Preprocessing():
            return preprocessing_words(value)
        case tuple():
            known = [safe(name, 20) for name in value]
            return ", ".join(known[:4]) + (f" and {len(known) - 4} more" if len(known) > 4 else "")
        case None:
            return "unknown"
        case _:
            return safe(str(value), 40)


def _images(changes: Sequence[PairedChange]) -> str:
    """Return the table of images fixed and broken, all images first, then the parts in which some changed."""
    overall, *parts = changes
    if not overall.n:
        return "no image is in both sessions with the same label"
    changed = sorted(
        (one for one in parts if one.fixed + one.broken), key=lambda one: (one.p, one.kind, one.name)
    )
    rows = [_image_row(one) for one in (overall, *changed[:LIMIT])]
    header = ("images in both, matched by path", "n", "fixed", "broken", "p (McNemar)", "p after Holm")
    return "\n\n".join([_table(header, rows), *_left_out(len(changed) - LIMIT, len(parts) - len(changed))])


def _image_row(one: PairedChange) -> Sequence[str]:
    numbers = (str(one.n), str(one.fixed), str(one.broken), _p(one.p))
    return (_part_name(one), *numbers, "" if one.kind == "all" else _p(one.adjusted))


def _p(value: float) -> str:
    return f"{value:.3f}" if value >= 0.001 else f"{value:.0e}"


def _part_name(one: PairedChange) -> str:
    if one.kind == "all":
        return "all images"
    if one.kind == "class":
        return f"class {safe(one.name[0], 40)}"
    column, value, label = one.name
    return f"group {safe(label, 40)}, {safe(column, 20)} {safe(value, 40)}"


def regression_line(regressed: Sequence[PairedChange]) -> str:
    """Return one line that names where the second session is significantly worse."""
    parts = [f"{_part_name(one)} (of {one.n}, {one.fixed} fixed, {one.broken} broken)" for one in regressed]
    more = f" and {len(parts) - 5} more" if len(parts) > 5 else ""
    return f"regression in {'; '.join(parts[:5])}{more}"


def _source(label: str, name: str, report: Report) -> str:
    """Say where a report lies and which images its rates are of."""
    found = report.evaluation
    return f"{label}: {safe(name)}, {found.samples} images of {safe(found.split)}"


def _notes(first: Report, second: Report) -> Iterator[str]:
    one, other = first.model.name, second.model.name
    if one != other:
        yield f"other model: {safe(one)} → {safe(other)}"
    yield from _seen_images("first", first, "second", second)
    yield from _seen_images("second", second, "first", first)


def _seen_images(name: str, report: Report, other_name: str, other: Report) -> Iterator[str]:
    """Warn where `other` has the weights of a repair of `report` and looks at images that this one used."""
    split = other.evaluation.split
    weights = Path(other.model.weights or "").parts[-3:]
    for repair in report.repairs:
        used = any(use.split == split and use.part != "judge" for use in repair.splits)
        if used and weights == Path(repair.weights or "").parts:
            yield (
                f"{other_name} has the weights of repair {repair.number} of {name}, fitted and chosen on "
                f"images of {safe(split)}: only images that it has never used can tell what it is worth"
            )


def _overall(first: Report, second: Report) -> Iterator[Sequence[str]]:
    rates = zip(_rates(first).items(), _rates(second).values(), strict=True)
    for (label, one), other in rates:
        yield (label, percent(one), percent(other), _change(one, other))


def _rates(report: Report) -> dict[str, float | None]:
    found = report.evaluation
    return {
        "accuracy": found.accuracy,
        "mean of classes": found.macro_accuracy,
        "worst class": min((row.accuracy for row in found.classes if row.accuracy is not None), default=None),
        "worst group": None if found.worst_group is None else found.worst_group.accuracy,
    }


def _class_rates(report: Report) -> dict[str, float | None]:
    return {row.name: row.accuracy for row in report.evaluation.classes}


def _group_rates(report: Report) -> dict[str, float | None]:
    return {f"{row.class_}, {row.column} {row.value}": row.accuracy for row in report.evaluation.groups}


def _changes(first: Mapping[str, float | None], second: Mapping[str, float | None]) -> list[Sequence[str]]:
    names = [*first, *(name for name in second if name not in first)]
    pairs = [(name, first.get(name), second.get(name)) for name in names]
    changed = [pair for pair in pairs if pair[1] != pair[2]]
    changed.sort(key=lambda pair: -abs((pair[2] or 0) - (pair[1] or 0)))
    return [
        (safe(name, 40), percent(one), percent(other), _change(one, other)) for name, one, other in changed
    ]


def _left_out(smaller: int, unchanged: int) -> list[str]:
    """Say how many rows a table leaves out, and why."""
    parts = [f"{smaller} more with smaller changes"] if smaller > 0 else []
    parts += [f"{unchanged} unchanged"] if unchanged else []
    return [f"… and {', '.join(parts)}"] if parts else []


def _repairs(label: str, report: Report) -> Iterator[Sequence[str]]:
    for found in report.debugged:
        for repair in found.repairs:
            before, after = repair.before, repair.after
            yield (
                f"{label}, {repair.number}: {safe(repair.method, 40)}",
                safe(found.class_.name, 40),
                safe(after.split, 20),
                _both(before.class_accuracy, after.class_accuracy),
                _both(before.accuracy, after.accuracy),
                _both(_worst_group(before), _worst_group(after)),
                OUTCOMES[repair.verdict.outcome],
            )


def _worst_group(metrics: MetricsPart) -> float | None:
    return None if metrics.worst_group is None else metrics.worst_group.accuracy


def _both(before: float | None, after: float | None) -> str:
    return f"{percent(before)} → {percent(after)}"


def _change(one: float | None, other: float | None) -> str:
    return "" if one is None or other is None else f"{100 * (other - one):+.1f}"


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [header, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )
