"""The log: what was done, warned and failed; enter shows the details, y copies them."""

from __future__ import annotations

from collections.abc import Iterable

from textual import events, on
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from ...text import safe
from ..app_state import LogLine, Topic
from ..keymap import keys
from ..widgets.cells import Cell
from ..widgets.filtered import FilteredTable
from ..widgets.table import Column, Row, Table
from .page import Page

COLUMNS = (Column("time", 8), Column("", 7), Column("what", 30, stretch=1, most=400))
INKS = {"error": "bad", "warning": "warn"}


class LogScreen(Page[None]):
    """Newest line first."""

    BINDINGS = keys("app.copy")

    def __init__(self) -> None:
        super().__init__()
        self.table = FilteredTable(COLUMNS, title="Log", dom_id="log")

    def body(self) -> Iterable[Widget]:
        """Lay out the table."""
        yield self.table

    def redraw(self, topics: frozenset[Topic]) -> None:
        """Show new lines."""
        if "log" in topics:
            lines = list(enumerate(self.app_state.log))[::-1]
            empty = ("Nothing happened yet.", "Warnings and errors are kept here.")
            self.table.offer([Row(number, _cells(line)) for number, line in lines], empty)

    @on(Table.Opened)
    def _open(self) -> None:
        if self.line is not None:
            self.app.push_screen(ErrorPanel(self.line.text, self.line.detail))

    @property
    def line(self) -> LogLine | None:
        """The line under the cursor."""
        return self.app_state.log[self.table.key] if isinstance(self.table.key, int) else None

    def copied(self) -> str:
        """The line and its details."""
        return f"{self.line.text}\n{self.line.detail}".strip() if self.line else ""


def _cells(line: LogLine) -> tuple[Cell, ...]:
    more = "  ⏎ details" if line.detail else ""
    return line.time, ((line.level, INKS.get(line.level, "dim")),), safe(line.text, 400) + more


class ErrorPanel(Page[None]):
    """What went wrong in one line, and the details to copy into a bug report."""

    BINDINGS = keys("app.copy")

    def __init__(self, line: str, detail: str) -> None:
        super().__init__()
        self.line, self.detail = line, detail
        self.panel = VerticalScroll(id="error")

    def body(self) -> Iterable[Widget]:
        """Lay out the line above the scrolling details."""
        with self.panel:
            yield Static(Content.styled(safe(self.line, 2000), "bold"))
            for text in self.detail.splitlines():
                yield Static(Content.styled(safe(text, 2000) or " ", "$foreground 80%"))

    @on(events.Mount)
    def _set_titles(self) -> None:
        self.panel.border_title = Content("What went wrong")
        self.panel.border_subtitle = Content("y copies")
        self.panel.focus()

    def copied(self) -> str:
        """The line and the details."""
        return f"{self.line}\n{self.detail}".strip()
