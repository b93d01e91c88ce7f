"""Class × class: how often each class was predicted as another, as shaded numbers with a cursor."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich.segment import Segment
from textual import events, on
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.strip import Strip

from ...results import ClassResult
from ...text import safe
from ..keymap import keys
from .cells import Inked, fit

NAME = 18
LEVELS = ((0.4, "heat3"), (0.15, "heat2"), (0.0, "heat1"))


class ConfusionMatrix(Inked, can_focus=True):
    """Rows are true classes, columns predictions; only what is on screen is drawn."""

    ALLOW_SELECT = False
    BINDINGS = keys("matrix.left", "matrix.right", "matrix.up", "matrix.down", "matrix.open", "matrix.next")

    row: reactive[int] = reactive(0)
    column: reactive[int] = reactive(0)

    class Opened(Message):
        """Enter or a second click on a cell."""

    def __init__(self, dom_id: str | None = None) -> None:
        super().__init__(dom_id)
        self.order: tuple[ClassResult, ...] = ()
        self.counts: dict[tuple[int, int], int] = {}
        self.moved: Callable[[], None] = _nothing
        """Called at once when the cursor comes to another cell."""

    def show(self, ordered: Sequence[ClassResult]) -> None:
        """Show the classes in this order, keeping the cursor on its cell."""
        here = self.cell
        self.order = tuple(ordered)
        self.counts = {(c.index, c.index): c.correct for c in ordered}
        self.counts |= {(c.index, other.index): other.count for c in ordered for other in c.confusions}
        places = {result.index: place for place, result in enumerate(self.order)}
        if here is not None:
            self.row, self.column = places.get(here[0], 0), places.get(here[1], 0)
        self.virtual_size = Size(NAME + 2 + self.cell_width * len(self.order), len(self.order) + 1)
        self.refresh()

    @property
    def cell_width(self) -> int:
        """Wide cells for few classes, so that their names fit into the heading."""
        room = self.scrollable_content_region.width - NAME - 2
        return max(5, min(14, room // max(1, len(self.order))))

    @property
    def cell(self) -> tuple[int, int] | None:
        """The (true, predicted) class under the cursor."""
        if not self.order:
            return None
        return self.order[self.row].index, self.order[self.column].index

    def count(self, cell: tuple[int, int] | None) -> int:
        """How many images of a (true, predicted) cell."""
        return self.counts.get(cell, 0) if cell is not None else 0

    def action_go(self, down: int, right: int) -> None:
        """Move the cursor."""
        last = len(self.order) - 1
        self.row, self.column = max(0, min(last, self.row + down)), max(0, min(last, self.column + right))

    def action_next_mistake(self) -> None:
        """Go to the next smaller count off the diagonal, and round again."""
        wrong = sorted((-count, cell) for cell, count in self.counts.items() if cell[0] != cell[1] and count)
        if not wrong or self.cell is None:
            return
        here = (-self.count(self.cell), self.cell)
        after = [entry for entry in wrong if entry > here] if self.cell[0] != self.cell[1] else wrong
        target = (after or wrong)[0][1]
        places = {result.index: place for place, result in enumerate(self.order)}
        self.row, self.column = places[target[0]], places[target[1]]

    def action_open(self) -> None:
        """Tell the screen."""
        if self.cell is not None:
            self.post_message(self.Opened())

    def _watch_row(self) -> None:
        self._moved()

    def _watch_column(self) -> None:
        self._moved()

    def _moved(self) -> None:
        width = self.cell_width
        place = Region(self.column * width, self.row, width + NAME + 2, 2)
        self.scroll_to_region(place, animate=False, immediate=True, force=True)
        self.refresh()
        self.moved()

    @on(events.Resize)
    def _resized(self) -> None:
        self.show(self.order)

    @on(events.Click)
    def _clicked(self, event: events.Click) -> None:
        offset = event.get_content_offset(self)
        if offset is None or offset.y < 1 or offset.x < NAME + 2:
            return
        row = offset.y - 1 + round(self.scroll_y)
        column = (offset.x - NAME - 2 + round(self.scroll_x)) // self.cell_width
        if row < len(self.order) and column < len(self.order):
            again = (row, column) == (self.row, self.column)
            self.row, self.column = row, column
            if again:
                self.action_open()

    def render_line(self, y: int) -> Strip:
        """Draw the line `y`: names stay at the left, headings on top."""
        width = self.scrollable_content_region.width
        base = self.rich_style
        row = y - 1 + round(self.scroll_y)
        if not self.order or row >= len(self.order):
            return Strip.blank(width, base)
        name = "true ↓ predicted →" if y == 0 else self._row_name(row)
        current = y > 0 and row == self.row
        ink = "header" if y == 0 else "strong" if current else ""
        left = self.paint(
            [("▌ " if current else "  ", "accent"), *[(t, ink) for t, _ in fit(name, NAME)]], base, NAME + 2
        )
        strips = [left]
        first = round(self.scroll_x) // self.cell_width
        shown = (width - NAME - 2) // self.cell_width
        for place in range(first, min(len(self.order), first + shown)):
            strips.append(self._heading(place) if y == 0 else self._cell(row, place))
        return Strip.join(strips).adjust_cell_length(width, base)

    @property
    def _numbered(self) -> bool:
        """Whether the columns are too narrow for names, and headed by the classes' numbers instead."""
        return self.cell_width < 9

    def _row_name(self, row: int) -> str:
        result = self.order[row]
        return f"{result.index if self._numbered else ''} {safe(result.name, 60)}".strip()

    def _heading(self, place: int) -> Strip:
        ink = "strong" if place == self.column else "header"
        result = self.order[place]
        words = str(result.index) if self._numbered else safe(result.name, 40)
        return self.paint(
            [(" ", ""), *((t, ink) for t, _ in fit(words, self.cell_width - 1, "right"))],
            self.rich_style,
            self.cell_width,
        )

    def _cell(self, row: int, place: int) -> Strip:
        true, predicted = self.order[row], self.order[place]
        count = self.count((true.index, predicted.index))
        share = count / true.count if true.count else 0.0
        if row == place:
            ink = "right"
        else:
            ink = next((ink for least, ink in LEVELS if share > least), "dim") if count else "dim"
        text = str(count) if count else "·"
        base = self.rich_style + self.ink(ink)
        if (row, place) == (self.row, self.column) and self.has_focus:
            text, base = f"[{text}]", base + self.ink("mark")
        else:
            text = f"{text} "
        return Strip(
            [Segment(part, base) for part, _ in fit(text, self.cell_width, "right")], self.cell_width
        )


def _nothing() -> None:
    """Follow no cursor."""
