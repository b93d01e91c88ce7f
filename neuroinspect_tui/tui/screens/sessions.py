"""The sessions on this machine; enter opens one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from textual import events, on
from textual.widget import Widget

from ...text import safe
from ...wording.names import short_name
from ...wording.numbers import bare_percent as percent
from ..keymap import keys
from ..protocol import SessionEntry
from ..widgets.cells import cut_front
from ..widgets.filtered import FilteredTable
from ..widgets.table import Column, Row, Table
from .page import Page

COLUMNS = (
    Column("model", 14, stretch=1, most=36),
    Column("data", 14, stretch=1, most=36),
    Column("acc", 5, "right", leaves=2),
    Column("repairs", 7, "right", leaves=3),
    Column("changed", 16, leaves=1),
    Column("directory", 16, stretch=2, leaves=4),
)


class SessionsScreen(Page[None]):
    """Newest first."""

    BINDINGS = keys("app.copy")

    def __init__(self) -> None:
        super().__init__()
        self.table = FilteredTable(COLUMNS, title="Sessions", dom_id="sessions")
        self.entries: Sequence[SessionEntry] = ()

    def body(self) -> Iterable[Widget]:
        """Lay out the table."""
        yield self.table

    @on(events.Mount)
    def _fill(self) -> None:
        self.entries = self.ni.project.sessions()
        here = self.app_state.root
        rows = [Row(number, _cells(entry, entry.root == here)) for number, entry in enumerate(self.entries)]
        empty = ("No sessions yet.", "Each run keeps one; this list shows them, newest first.")
        self.table.offer(rows, empty)
        self.table.focus()

    @property
    def entry(self) -> SessionEntry | None:
        """The session under the cursor."""
        return self.entries[self.table.key] if isinstance(self.table.key, int) else None

    @on(Table.Opened)
    async def _open(self) -> None:
        if self.entry is None:
            return
        if self.entry.root == self.app_state.root:
            self.dismiss()
        else:
            self.ni.open_session(self.entry.root)

    def copied(self) -> str:
        """The directory."""
        return str(self.entry.root) if self.entry else ""


def _cells(entry: SessionEntry, here: bool) -> tuple[str, ...]:
    model = f"{safe(short_name(entry.model), 80)}{' (this one)' if here else ''}"
    repairs = str(entry.repairs or "")
    return (
        model, safe(short_name(entry.data), 80), percent(entry.accuracy), repairs, safe(entry.changed, 16),
        cut_front(safe(str(entry.root)), 80),
    )  # fmt: skip
