"""A repair beside its controls: before, after, bias, finetune, random — one line each, the same columns."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content

from ...results import Metrics, Repair
from ...text import safe
from ...wording.numbers import bare_percent as percent
from ...wording.numbers import number, signed
from .cells import Cell
from .table import Column, Row, Table

COLUMNS = (
    Column("", 12, stretch=1, most=16),
    Column("class", 5, "right"),
    Column("95 %", 7, "right", leaves=5),
    Column("prec", 5, "right", leaves=2),
    Column("f1", 5, "right", leaves=4),
    Column("all", 5, "right"),
    Column("worst", 5, "right", leaves=3),
    Column("group", 5, "right", leaves=1),
    Column("worst group is", 16, stretch=2, leaves=6, most=44),
)


class VerdictTable(Table):
    """Not a list to walk through: it cannot take the focus."""

    def __init__(self, dom_id: str | None = None) -> None:
        super().__init__(COLUMNS, title="Before and after", dom_id=dom_id)
        self.can_focus = False

    def show(self, repair: Repair | None, names: Sequence[str], empty: Sequence[str]) -> None:
        """Fill the table; `names` are the class names."""
        if repair is None:
            self.border_title = "Before and after"
            self.set_rows([], empty)
            return
        name = safe(repair.target.name, 40)
        self.border_title = Content(f"Before and after · {repair.method} for {name} · {_judged_on(repair)}")
        before, after = repair.before, repair.after
        rows = [
            Row(None, _line("before", before, names, "")),
            Row(None, _line(f"▸ {repair.method}", after, names, "strong")),
        ]
        rows.append(Row(None, _difference(before, after)))
        rows.append(Row(None, ((("controls", "dim"),),)))
        rows += [Row(None, _line(name, metrics, names, "dim")) for name, metrics in repair.controls.items()]
        self.set_rows(rows)


def _judged_on(repair: Repair) -> str:
    """Say which images the numbers are of, and how many."""
    part = next((use for use in repair.splits if use.part == "judge"), None)
    split = safe(repair.after.split, 20)
    if part is None:
        return f"on {split}"
    return f"on {'held-out ' if part.note else ''}{number(part.samples)} of {split}"


def _rates(metrics: Metrics) -> tuple[float | None, ...]:
    worst = metrics.worst_class.accuracy if metrics.worst_class else None
    group = metrics.worst_group.accuracy if metrics.worst_group else None
    return (
        metrics.class_accuracy, metrics.class_precision, metrics.class_f1, metrics.accuracy, worst, group,
    )  # fmt: skip


def _line(name: str, metrics: Metrics, names: Sequence[str], ink: str) -> tuple[Cell, ...]:
    own, *others = (((percent(rate), ink),) for rate in _rates(metrics))
    low_high = metrics.class_interval
    interval = f"{percent(low_high[0], 0)}–{percent(low_high[1], 0)}" if low_high else ""
    return (
        ((safe(name, 20), ink),),
        own,
        ((interval, "dim"),),
        *others,
        ((_worst_group(metrics, names), "dim"),),
    )


def _worst_group(metrics: Metrics, names: Sequence[str]) -> str:
    group = metrics.worst_group
    return "" if group is None else safe(f"{names[group.class_index]}, {group.column} {group.value}", 80)


def _difference(before: Metrics, after: Metrics) -> tuple[Cell, ...]:
    own, *others = (_change(old, new) for old, new in zip(_rates(before), _rates(after), strict=True))
    return (("difference", "dim"),), own, "", *others, ""


def _change(old: float | None, new: float | None) -> Cell:
    if old is None or new is None:
        return ""
    digits = 0 if abs(new - old) >= 0.9995 else 1
    return ((signed(new - old, digits), "good" if new > old else "bad" if new < old else "dim"),)
