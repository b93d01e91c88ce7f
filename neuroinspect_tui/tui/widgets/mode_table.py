"""Why the model fails: the failure modes of all classes, most mistakes first, each with its proof."""

from __future__ import annotations

from collections.abc import Sequence

from ...results import FailureMode, Repair, RepairedLayer
from ...text import safe
from ...wording import modes as words
from ...wording.numbers import number, percent
from .changes import COLUMNS as CHANGED
from .changes import change_cells
from .filtered import FilteredTable
from .table import Column, Row

COLUMNS = (
    Column("", 4, "right"),
    Column("cause · covering fixes", 20, stretch=3, most=90),
    Column("of all", 6, "right", leaves=1),
)
CHANGES = (Column("cause", 16, stretch=3, most=90), *CHANGED[1:])


class ModeTable(FilteredTable):
    """The first pane. Keys are the modes' numbers; a line of proof follows each."""

    SHOWN_AS = "1 Why it fails"

    def __init__(self, dom_id: str | None = None) -> None:
        super().__init__(COLUMNS, title=f"{self.SHOWN_AS} · most mistakes first", dom_id=dom_id)

    def show(self, modes: Sequence[FailureMode], names: Sequence[str], empty: Sequence[str]) -> None:
        """Fill the table."""
        self.set_columns(COLUMNS)
        self.border_title = f"{self.SHOWN_AS} · most mistakes first"
        self.offer([row for mode in modes for row in _rows(mode, names)], empty)
        told = sum(mode.spurious for mode in modes)
        self.summary = f"{told} of {len(modes)} look spurious" if modes else ""

    def compare(
        self, modes: Sequence[FailureMode], names: Sequence[str], made: Repair, layer: RepairedLayer | None
    ) -> None:
        """List the accuracy on the images of each cause before and after a repair, once it is known."""
        self.set_columns(CHANGES)
        self.border_title = f"{self.SHOWN_AS} · repair {made.number} · worst first"
        self.summary = f"judged on {safe(made.after.split, 20)} · b: untouched layer"
        changes = {change.id: change for change in layer.modes} if layer else {}
        known = sorted((mode for mode in modes if mode.id in changes), key=lambda m: changes[m.id].after)
        rows = [
            Row(
                mode.id,
                (
                    safe(words.brief_title(mode, names), 90),
                    *change_cells(changes[mode.id].before, changes[mode.id].after, changes[mode.id].count),
                ),
            )
            for mode in known
        ]
        empty = "No judged image carries a cause." if layer else "Looking through the repaired layer…"
        self.offer(rows, (empty, "c lists the classes."))


def _rows(mode: FailureMode, names: Sequence[str]) -> tuple[Row, Row]:
    title = safe(words.brief_title(mode, names), 90)
    flag = (("! ", "warn"),) if mode.spurious else ()
    weak = ((" weak", "dim"),) if mode.weak else ()
    cells = (
        ((number(mode.mistakes), "strong"),),
        (*flag, (title, "strong"), *weak),
        ((percent(mode.share, 0), "dim"),),
    )
    proof = ((f" {words.proof(mode)}", "dim"),)
    return Row(mode.id, cells), Row(None, (proof,))
