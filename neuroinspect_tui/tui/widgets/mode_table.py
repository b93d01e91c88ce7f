"""Why the model fails: the failure modes of all classes, most mistakes first, each with its proof."""

from __future__ import annotations

from collections.abc import Sequence

from ...results import FailureMode
from ...text import safe
from ...wording import modes as words
from ...wording.numbers import number, percent
from .filtered import FilteredTable
from .table import Column, Row

COLUMNS = (
    Column("", 4, "right"),
    Column("cause", 20, stretch=3, most=90),
    Column("of all", 6, "right", leaves=1),
)


class ModeTable(FilteredTable):
    """The first pane. Keys are the modes' numbers; a line of proof follows each."""

    SHOWN_AS = "1 Why it fails"

    def __init__(self, dom_id: str | None = None) -> None:
        super().__init__(COLUMNS, title=f"{self.SHOWN_AS} · most mistakes first", dom_id=dom_id)

    def show(self, modes: Sequence[FailureMode], names: Sequence[str], empty: Sequence[str]) -> None:
        """Fill the table."""
        self.offer([row for mode in modes for row in _rows(mode, names)], empty)
        told = sum(mode.spurious for mode in modes)
        self.summary = f"{told} of {len(modes)} look spurious" if modes else ""


def _rows(mode: FailureMode, names: Sequence[str]) -> tuple[Row, Row]:
    above, mistakes = mode.carried.mistakes
    title = safe(words.brief_title(mode, names), 90)
    flag = (("! ", "warn"),) if mode.spurious else ()
    weak = ((" weak", "dim"),) if mode.weak else ()
    cells = (
        ((number(mode.mistakes), "strong"),),
        (*flag, (title, "strong"), *weak),
        ((percent(mode.share, 0), "dim"),),
    )
    proof = ((f"    {number(above)}/{number(mistakes)}, {words.proof(mode)}", "dim"),)
    return Row(mode.id, cells), Row(None, (proof,))
