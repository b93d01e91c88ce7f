"""The confusion screen: which class is predicted as which, and the images of the cell beside it."""

from __future__ import annotations

from collections.abc import Iterable

from textual import events, on
from textual.containers import Horizontal
from textual.content import Content
from textual.timer import Timer
from textual.widget import Widget

from ... import jobs
from ...text import safe
from ...wording.numbers import percent, plural
from ..app_state import Topic
from ..cue_aim import CueAim, aim_of_class
from ..keymap import keys
from ..widgets.contact_sheet import ContactSheet
from ..widgets.gallery import Gallery, Section
from ..widgets.matrix import ConfusionMatrix
from ..widgets.tiles import sample_tile
from .sheet_page import SheetPage

SETTLE = 0.12


class ConfusionScreen(SheetPage):
    """The matrix, and the contact sheet of the cell under its cursor."""

    BINDINGS = keys("list.sort", "pane.next", "pane.matrix", "pane.sheet", "app.copy")

    def __init__(self) -> None:
        super().__init__(ContactSheet(dom_id="cell"))
        self.matrix = ConfusionMatrix(dom_id="matrix")
        self.matrix.moved = self._moved
        self.worst_first = True
        self._settling: Timer | None = None

    def body(self) -> Iterable[Widget]:
        """Lay out the matrix beside the images."""
        with Horizontal(id="confusion-body"):
            yield self.matrix
            yield self.sheet

    @on(events.Mount)
    def _begin(self) -> None:
        self.matrix.focus()

    @property
    def aim(self) -> CueAim | None:
        """The cue of the class whose row the cursor is in."""
        cell = self.matrix.cell
        return aim_of_class(self.app_state, cell[0], ()) if cell else None

    @property
    def job(self) -> jobs.ListSamples | None:
        """What lists the images of the cell."""
        cell = self.matrix.cell
        return jobs.ListSamples(*cell, only_mistakes=cell[0] != cell[1]) if cell else None

    def redraw(self, topics: frozenset[Topic]) -> None:
        """Show the counts and the images of the cell."""
        if "evaluation" in topics and self.app_state.evaluation is not None:
            found = self.app_state.evaluation.classes
            if self.worst_first:
                found = tuple(
                    sorted(found, key=lambda c: (2.0 if c.accuracy is None else c.accuracy, c.index))
                )
            order = "worst class first" if self.worst_first else "in class order"
            self.matrix.border_title = Content(f"1 Confusion · {order}")
            self.matrix.show(found)
        if topics & {"evaluation", "samples", "thumbnails", "tags", "failure"}:
            self._show_cell()

    def action_sort(self) -> None:
        """Worst class first, or class order."""
        self.worst_first = not self.worst_first
        self.redraw(frozenset({"evaluation"}))

    def _moved(self) -> None:
        self.sheet.begin, self.sheet.cursor = None, 0
        self._show_cell()
        if self._settling is not None:
            self._settling.stop()
        self._settling = self.set_timer(SETTLE, self._ask)

    def _ask(self) -> None:
        job = self.job
        if job is not None and job not in self.app_state.samples and self.matrix.count(self.matrix.cell):
            self.ask(job)

    def _show_cell(self) -> None:
        job, state = self.job, self.app_state
        self.sheet.name_it(f"2 {self.sentence()}")
        found = sorted(state.samples.get(job, ()), key=lambda sample: -sample.confidence) if job else []
        tiles = tuple(
            sample_tile(state, sample, self.class_names, state.tag(self.cue, sample)) for sample in found
        )
        empty = "Reading the list…" if self.matrix.count(self.matrix.cell) else "No image in this cell."
        self.sheet.show([Section("", tiles)], (empty, "n goes to the next largest mistake."))
        self.ask_thumbnails()

    def sentence(self) -> str:
        """The cell under the cursor in words."""
        cell = self.matrix.cell
        if cell is None:
            return ""
        true, predicted = cell
        total = next(c.count for c in self.matrix.order if c.index == true)
        count = self.matrix.count(cell)
        share = f" ({percent(count / total)})" if total else ""
        name = safe(self.class_name(true), 40)
        what = f"{name} right" if true == predicted else f"{name} → {safe(self.class_name(predicted), 40)}"
        return f"{what}: {count} of {plural(total, 'image')}{share}"

    @on(ConfusionMatrix.Opened)
    def _open(self) -> None:
        self.action_show_part("sheet")

    @on(Gallery.LeftSide)
    def _leave_sheet(self) -> None:
        self.action_show_part("matrix")

    def action_next_pane(self, direction: int) -> None:
        """Go between the matrix and the images."""
        self.action_show_part("sheet" if self.matrix.has_focus else "matrix")

    def action_show_part(self, name: str) -> None:
        """Focus the matrix or the images."""
        self.set_focus(self.sheet if name == "sheet" else self.matrix)

    def copied(self) -> str:
        """The path of the image, or the cell in words."""
        if self.sheet.has_focus and self.sheet.tile is not None:
            return self.sheet.tile.copy
        return self.sentence()
