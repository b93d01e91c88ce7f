"""The classes before and after a repair, the largest change first."""

from __future__ import annotations

from ...results import Repair
from ...text import safe
from ...wording.numbers import bare_percent as percent
from ...wording.numbers import number, signed
from .cells import Cell
from .table import Column, Row, Table

COLUMNS = (
    Column("class", 10, stretch=3, most=34),
    Column("before", 6, "right"),
    Column("▸ after", 7, "right"),
    Column("change", 6, "right", leaves=1),
    Column("images", 6, "right", leaves=2),
)


class ChangesTable(Table):
    """Not a list to walk through: it cannot take the focus."""

    def __init__(self, dom_id: str | None = None) -> None:
        super().__init__(COLUMNS, title="Classes · largest change first", dom_id=dom_id)
        self.can_focus = False

    def show(self, made: Repair | None) -> None:
        """Fill the table."""
        self.set_rows(change_rows(made) if made else [], ("Nothing repaired yet.",))


def change_rows(made: Repair, worst_first: bool = False) -> list[Row]:
    """Return a row for each class of a repair: the largest change first, or the worst after it."""
    if worst_first:
        ordered = sorted(made.classes, key=lambda c: (2.0 if c.after is None else c.after, -c.count))
    else:
        ordered = sorted(made.classes, key=lambda c: -abs((c.after or 0.0) - (c.before or 0.0)))
    return [
        Row(change.index, (safe(change.name, 80), *change_cells(change.before, change.after, change.count)))
        for change in ordered
    ]


def change_cells(before: float | None, after: float | None, count: int) -> tuple[Cell, ...]:
    """Return both rates, their difference and the number of images."""
    moved: Cell = ""
    if before is not None and after is not None:
        moved = ((signed(after - before), "good" if after > before else "bad" if after < before else "dim"),)
    return percent(before), ((percent(after), "strong"),), moved, ((number(count), "dim"),)
