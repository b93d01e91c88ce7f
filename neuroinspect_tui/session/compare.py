"""Two reports side by side, as plain text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ..text import safe
from ..wording.numbers import percent

Report = dict[str, Any]
LIMIT = 20
REPAIR_COLUMNS = ("repair", "class", "on", "class recall", "accuracy", "worst group", "verdict")


def compare(first: Report, second: Report, names: tuple[str, str] = ("first", "second")) -> str:
    """Return a table of what changed from `first` to `second`: overall rates, classes, groups, repairs.

    The upper tables are of the models as they were given; `names` says where the two reports lie.
    Classes and groups are matched by name; at most 20 of each are listed, the largest change first.
    """
    sections = [_table(("as given", "first", "second", "change"), list(_overall(first, second)))]
    notes = [_source("first", names[0], first), _source("second", names[1], second)]
    notes += _notes(first, second)
    for title, rates in (("class", _class_rates), ("group", _group_rates)):
        one, other = rates(first), rates(second)
        rows = _changes(one, other)
        if rows:
            sections.append(_table((title, "first", "second", "change"), rows[:LIMIT]))
            sections += _left_out(len(rows) - LIMIT, len({**one, **other}) - len(rows))
    repairs = [*_repairs("first", first), *_repairs("second", second)]
    if repairs:
        sections.append(_table(REPAIR_COLUMNS, repairs))
    return "\n\n".join(["\n".join(notes), *sections]) + "\n"


def _source(label: str, name: str, report: Report) -> str:
    """Say where a report lies and which images its rates are of."""
    found = report["evaluation"]
    return f"{label}: {safe(name)}, {found['samples']} images of {safe(found['split'])}"


def _notes(first: Report, second: Report) -> Iterator[str]:
    for label, part, key in (
        ("model", "model", "name"),
        ("data", "data", "name"),
        ("split", "evaluation", "split"),
    ):
        one, other = first[part][key], second[part][key]
        if one != other:
            yield f"other {label}: {safe(one)} → {safe(other)}"
    yield from _seen_images("first", first, "second", second)
    yield from _seen_images("second", second, "first", first)


def _seen_images(name: str, report: Report, other_name: str, other: Report) -> Iterator[str]:
    """Warn where `other` has the weights of a repair of `report` and looks at images that this one used."""
    split = other["evaluation"]["split"]
    weights = Path(other["model"]["weights"] or "").parts[-3:]
    for repair in (repair for found in report["debugged"] for repair in found["repairs"]):
        used = any(use["split"] == split and use["part"] != "judge" for use in repair["splits"])
        if used and weights == Path(repair["weights"] or "").parts:
            number = safe(str(repair["number"]))
            yield (
                f"{other_name} has the weights of repair {number} of {name}, fitted and chosen on "
                f"images of {safe(split)}: only images that it never used tell what it is worth"
            )


def _overall(first: Report, second: Report) -> Iterator[Sequence[str]]:
    for label, read in (
        ("accuracy", lambda found: found["accuracy"]),
        ("mean of classes", lambda found: found["macro_accuracy"]),
        ("worst class", _worst_class),
        ("worst group", lambda found: (found["worst_group"] or {}).get("accuracy")),
    ):
        one, other = read(first["evaluation"]), read(second["evaluation"])
        yield (label, percent(one), percent(other), _change(one, other))


def _worst_class(found: dict[str, Any]) -> float | None:
    return min((row["accuracy"] for row in found["classes"] if row["accuracy"] is not None), default=None)


def _class_rates(report: Report) -> dict[str, float | None]:
    return {row["name"]: row["accuracy"] for row in report["evaluation"]["classes"]}


def _group_rates(report: Report) -> dict[str, float | None]:
    rows = report["evaluation"]["groups"]
    return {f"{row['class']}, {row['column']} {row['value']}": row["accuracy"] for row in rows}


def _changes(first: dict[str, float | None], second: dict[str, float | None]) -> list[Sequence[str]]:
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
    for found in report["debugged"]:
        for repair in found["repairs"]:
            before, after = repair["before"], repair["after"]
            yield (
                f"{label}, {safe(str(repair['number']))}: {safe(repair['method'], 40)}",
                safe(found["class"]["name"], 40),
                safe(after["split"], 20),
                *(_both(before[rate], after[rate]) for rate in ("class_accuracy", "accuracy")),
                _both(*((metrics["worst_group"] or {}).get("accuracy") for metrics in (before, after))),
                safe(repair["verdict"]["outcome"]),
            )


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
