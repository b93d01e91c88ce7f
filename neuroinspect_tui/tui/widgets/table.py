"""A table that draws only the lines on screen: aligned columns, sections, a cursor, a filter, an empty text.

Every list of the product is one of these. Columns leave one by one when the table gets narrow, so the
names and the main numbers stay readable at 80 columns.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual import events, on
from textual.geometry import Size
from textual.message import Message
from textual.reactive import reactive
from textual.strip import Strip

from ..keymap import keys
from .cells import Align, Cell, Inked, fit, spans_of, width_of


@dataclass(frozen=True)
class Column:
    """One column: `width` cells, growing by `stretch` shares; `leaves` says how early it goes (0: never)."""

    title: str
    width: int
    align: Align = "left"
    stretch: int = 0
    leaves: int = 0
    most: int = 200


@dataclass(frozen=True)
class Row:
    """One line: `cells` as many as columns. A row without a key is a section title and cannot be reached."""

    key: str | int | tuple[int, ...] | None
    cells: tuple[Cell, ...]
    ink: str = ""


def fit_columns(columns: Sequence[Column], width: int, natural: Sequence[int], gap: int = 1) -> list[int]:
    """Return each column's width in a table of `width` cells, 0 for a column that had to leave.

    Stretching columns grow no further than the longest of their cells (`natural`) and their `most`.
    """
    most = [
        max(column.width, min(column.most, longest)) for column, longest in zip(columns, natural, strict=True)
    ]
    kept = set(range(len(columns)))

    def needed() -> int:
        return sum(columns[index].width for index in kept) + gap * (len(kept) - 1)

    for index in sorted(kept, key=lambda i: -columns[i].leaves):
        if needed() <= width or columns[index].leaves == 0:
            break
        kept.discard(index)
    widths = [column.width if index in kept else 0 for index, column in enumerate(columns)]
    spare = width - needed()
    growing = [index for index in sorted(kept) if columns[index].stretch]
    while spare > 0 and growing:
        shares = sum(columns[index].stretch for index in growing)
        step = max(1, spare // shares)
        for index in list(growing):
            more = min(step * columns[index].stretch, spare, most[index] - widths[index])
            widths[index] += more
            spare -= more
            if widths[index] >= most[index]:
                growing.remove(index)
    return widths


class Table(Inked, can_focus=True):
    """Rows under a fixed header, with a cursor that stays on its row when the rows change."""

    ALLOW_SELECT = False
    BINDINGS = keys(
        "list.up", "list.down", "list.page-up", "list.page-down", "list.first", "list.last", "list.open"
    )

    cursor: reactive[int] = reactive(0)

    class Opened(Message):
        """Enter or a second click on a row."""

        def __init__(self, table: Table, key: object) -> None:
            super().__init__()
            self.table, self.key = table, key

        @property
        def control(self) -> Table:
            """The table."""
            return self.table

    def __init__(self, columns: Sequence[Column], *, title: str = "", dom_id: str | None = None) -> None:
        super().__init__(dom_id)
        self.columns = tuple(columns)
        self.rows: tuple[Row, ...] = ()
        self.empty: tuple[str, ...] = ()
        self.border_title = title
        self.moved: Callable[[], None] = _nothing
        """Called at once when the cursor comes to another row: a key that follows acts on what it shows."""
        self._natural = [column.width for column in columns]

    @property
    def header_lines(self) -> int:
        """1 when any column has a title."""
        return int(any(column.title for column in self.columns))

    @property
    def key(self) -> object:
        """The key under the cursor, or None."""
        return self.rows[self.cursor].key if 0 <= self.cursor < len(self.rows) else None

    @property
    def column_widths(self) -> list[int]:
        """Cells of each column at the present width, 0 for one that had to leave."""
        return fit_columns(self.columns, self.scrollable_content_region.width - 2, self._natural)

    def set_columns(self, columns: Sequence[Column]) -> None:
        """Have other columns; rows that fit them follow."""
        if self.columns != tuple(columns):
            self.columns, self.rows = tuple(columns), ()
            self._natural = [column.width for column in columns]

    def set_rows(self, rows: Sequence[Row], empty: Sequence[str] = ()) -> None:
        """Show `rows`; without any, the lines `empty` say what to do next."""
        before = self.key
        self.rows, self.empty = tuple(rows), tuple(empty)
        self._natural = [self._longest(index) for index in range(len(self.columns))]
        self.virtual_size = Size(0, len(self.rows) + self.header_lines)
        self.go_to(before, announce=False)
        if self.key != before:
            self._announce()
        self.refresh()

    def go_to(self, key: object, announce: bool = True) -> bool:
        """Put the cursor on `key`, or on the first row when it is gone; returns whether it was found."""
        found = next((i for i, row in enumerate(self.rows) if row.key == key and key is not None), None)
        target = self._first() if found is None else found
        self.set_reactive(Table.cursor, target)
        self._reveal()
        self.refresh()
        if announce:
            self._announce()
        return found is not None

    def _watch_cursor(self) -> None:
        self._reveal()
        self._announce()

    def action_move(self, steps: int) -> None:
        """Move the cursor by `steps` reachable rows."""
        reachable = [index for index, row in enumerate(self.rows) if row.key is not None]
        if not reachable:
            return
        place = reachable.index(self.cursor) if self.cursor in reachable else 0
        self.cursor = reachable[max(0, min(len(reachable) - 1, place + steps))]

    def action_page(self, direction: int) -> None:
        """Move the cursor by one screenful."""
        self.action_move(direction * max(1, self.size.height - self.header_lines - 1))

    def action_open(self) -> None:
        """Tell the screen that the row was opened."""
        if self.key is not None:
            self.post_message(self.Opened(self, self.key))

    @on(events.Click)
    def _clicked(self, event: events.Click) -> None:
        offset = event.get_content_offset(self)
        if offset is None:
            return
        index = offset.y - self.header_lines + round(self.scroll_y)
        if offset.y < self.header_lines or not 0 <= index < len(self.rows) or self.rows[index].key is None:
            return
        if index == self.cursor:
            self.action_open()
        self.cursor = index

    @on(events.Resize)
    def _resized(self) -> None:
        self._reveal()

    def render_line(self, y: int) -> Strip:
        """Draw the line `y` of the widget."""
        width = self.scrollable_content_region.width
        if not self.rows:
            return self._empty_line(y, width)
        if y < self.header_lines:
            titles = [Row(None, tuple(column.title for column in self.columns), "header")]
            return self._row_line(titles[0], False, width)
        index = y - self.header_lines + round(self.scroll_y)
        if index >= len(self.rows):
            return Strip.blank(width, self.rich_style)
        row = self.rows[index]
        return self._row_line(row, index == self.cursor and row.key is not None, width)

    def _row_line(self, row: Row, current: bool, width: int) -> Strip:
        base = self.rich_style
        if current:
            base += self.ink("cursor") if self.has_focus else Style(bold=True)
        base += self.ink(row.ink)
        pointer = ("▌ " if self.has_focus else "▏ ") if current else "  "
        segments = [Segment(pointer, base + self.ink("accent"))]
        if row.key is None and len(row.cells) == 1:
            spans = fit(row.cells[0], width - 2)
            return Strip(segments + [Segment(text, base + self.ink(ink)) for text, ink in spans], width)
        for column, cells, cell in zip(self.columns, self.column_widths, row.cells, strict=True):
            if cells:
                spans = fit(tuple(spans_of(cell)), cells, column.align)
                segments.extend(Segment(text, base + self.ink(ink)) for text, ink in spans)
                segments.append(Segment(" ", base))
        return Strip(segments[:-1]).adjust_cell_length(width, base)

    def _empty_line(self, y: int, width: int) -> Strip:
        top = max(0, min(2, self.size.height - len(self.empty)))
        index = y - top
        text = self.empty[index] if 0 <= index < len(self.empty) else ""
        return self.paint([("  " + text, "strong" if index == 0 else "dim")], self.rich_style, width)

    def _longest(self, index: int) -> int:
        cells = [row.cells[index] for row in self.rows if len(row.cells) == len(self.columns)]
        longest = max((width_of(spans_of(cell)) for cell in cells), default=0)
        return max(longest, cell_len(self.columns[index].title))

    def _first(self) -> int:
        return next((index for index, row in enumerate(self.rows) if row.key is not None), 0)

    def _reveal(self) -> None:
        lines = max(1, self.scrollable_content_region.height - self.header_lines)
        top = round(self.scroll_y)
        first = self.cursor if self.cursor > self._first() else 0
        if first < top:
            self.scroll_to(y=first, animate=False, immediate=True)
        elif self.cursor >= top + lines:
            self.scroll_to(y=self.cursor - lines + 1, animate=False, immediate=True)

    def _announce(self) -> None:
        if self.key is not None:
            self.moved()


def _nothing() -> None:
    """Follow no cursor."""
