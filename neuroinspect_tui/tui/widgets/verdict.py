"""The verdict line by line: the aim first; the repaired layer beside the untouched one and the controls."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content

from ...results import Comparison, Repair
from ...text import safe
from ...wording.numbers import bare_percent as percent
from ...wording.numbers import number, plural, signed
from ...wording.verdicts import aim_name, opponent_words, outcome_words
from .cells import Cell
from .table import Column, Row, Table

COLUMNS = (
    Column("against", 17, stretch=1, most=20),
    Column("its %", 5, "right"),
    Column("repaired", 8, "right"),
    Column("difference", 10, "right", leaves=1),
    Column("95 % interval", 14, "right", leaves=4),
    Column("fixed", 5, "right", leaves=2),
    Column("broken", 6, "right", leaves=3),
    Column("p", 8, "right"),
)
TITLE = "Verdict"
OUTCOME_INKS = {"helps": "good", "no_better": "warn", "hurts": "bad", "too_few": "warn"}


class VerdictTable(Table):
    """Not a list to walk through: it cannot take the focus."""

    def __init__(self, dom_id: str | None = None) -> None:
        super().__init__(COLUMNS, title=TITLE, dom_id=dom_id)
        self.can_focus = False

    def show(self, repair: Repair | None, empty: Sequence[str]) -> None:
        """Fill the table."""
        if repair is None:
            self.border_title = TITLE
            self.set_rows([], empty)
            return
        name = safe(repair.target.name, 40)
        name += "" if repair.base is None else f", on top of repair {repair.base}"
        self.border_title = Content(
            f"{TITLE} on repair {repair.number} ({repair.method} for {name}): {outcome_words(repair)}"
        )
        self.border_subtitle = Content(_judged_on(repair))
        self.set_rows([row for metric in _metrics(repair) for row in _lines(repair, metric)], empty)


def _metrics(repair: Repair) -> list[str]:
    """Return what was judged, the aim first."""
    return list(dict.fromkeys(line.metric for line in repair.verdict.comparisons))


def _lines(repair: Repair, metric: str) -> list[Row]:
    found = [line for line in repair.verdict.comparisons if line.metric == metric]
    guessed = " · estimated from tags" if repair.verdict.estimated and metric == "worst_group" else ""
    first = " (the aim)" if metric == repair.verdict.aim else ""
    words = f"{safe(aim_name(repair, metric), 60)}{first} · {plural(found[0].n, 'image')}{guessed}"
    return [Row(None, (((words, "header"),),)), *(Row(None, _line(line, repair.base)) for line in found)]


def _line(line: Comparison, base: int | None) -> tuple[Cell, ...]:
    change = line.after - line.before
    ink = "good" if change > 0 else "bad" if change < 0 else "dim"
    low, high = line.interval
    strong = "strong" if line.against == "untouched" else ""
    return (
        ((opponent_words(line.against, base), strong),),
        percent(line.before),
        ((percent(line.after), "strong"),),
        ((signed(change), ink),),
        ((f"{signed(low)} … {signed(high)}", "dim"),),
        number(line.fixed),
        number(line.broken),
        f"{line.p:.2g}" if line.p >= 0.0001 else "< 0.0001",
    )


def _judged_on(repair: Repair) -> str:
    """Say which images the numbers are of, and how many."""
    part = next((use for use in repair.splits if use.part == "judge"), None)
    split = safe(repair.after.split, 20)
    if part is None:
        return f"judged on {split}"
    return f"judged on {'held-out ' if part.note else ''}{plural(part.samples, 'image')} of {split}"
