"""The confusion view: which class is taken for which; enter shows the images of a cell."""

from __future__ import annotations

from collections.abc import Iterable

from textual import events, on
from textual.content import Content
from textual.widget import Widget

from ...text import safe
from ...wording.numbers import bare_percent as percent
from ...wording.numbers import plural
from ..app_state import Topic
from ..keymap import keys
from ..widgets.matrix import ConfusionMatrix
from .page import Page
from .samples import SamplesScreen


class ConfusionScreen(Page[None]):
    """The matrix and a line about the cell under the cursor."""

    BINDINGS = keys("list.sort", "app.copy")

    def __init__(self) -> None:
        super().__init__()
        self.matrix = ConfusionMatrix(dom_id="matrix")
        self.worst_first = True

    def body(self) -> Iterable[Widget]:
        """Lay out the matrix."""
        yield self.matrix

    @on(events.Mount)
    def _begin(self) -> None:
        self.matrix.focus()

    def redraw(self, topics: frozenset[Topic]) -> None:
        """Show the counts."""
        if "evaluation" in topics and self.app_state.evaluation is not None:
            found = self.app_state.evaluation.classes
            if self.worst_first:
                found = tuple(
                    sorted(found, key=lambda c: (2.0 if c.accuracy is None else c.accuracy, c.index))
                )
            self.matrix.border_title = Content(
                "Confusion" + (" · worst class first" if self.worst_first else "")
            )
            self.matrix.show(found)
            self._describe()

    def action_sort(self) -> None:
        """Worst class first, or class order."""
        self.worst_first = not self.worst_first
        self.redraw(frozenset({"evaluation"}))

    @on(ConfusionMatrix.Moved)
    def _describe(self) -> None:
        self.matrix.border_subtitle = Content(self.sentence())

    def sentence(self) -> str:
        """The cell under the cursor in words."""
        cell = self.matrix.cell
        if cell is None:
            return ""
        true, predicted = cell
        total = next(c.count for c in self.matrix.order if c.index == true)
        count = self.matrix.count(cell)
        share = f" ({percent(count / total)} %)" if total else ""
        name = safe(self.class_name(true), 40)
        how = "right" if true == predicted else f"taken for {safe(self.class_name(predicted), 40)}"
        return f"{name}: {count} of {plural(total, 'image')}{share} {how}"

    @on(ConfusionMatrix.Opened)
    def _open(self) -> None:
        cell = self.matrix.cell
        if cell is not None and self.matrix.count(cell):
            self.app.push_screen(SamplesScreen(*cell))
        else:
            self.notify("No image in this cell.", timeout=2)

    def copied(self) -> str:
        """The cell in words."""
        return self.sentence()
