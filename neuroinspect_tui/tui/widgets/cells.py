"""Text in terminal cells: spans with an ink, cut and aligned to an exact width, wide characters included."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.scroll_view import ScrollView
from textual.strip import Strip

from ...text import safe
from ...wording.numbers import bar, class_name

Align = Literal["left", "right"]
Span = tuple[str, str]
Cell = str | tuple[Span, ...]

INKS = (
    "plain", "dim", "strong", "good", "warn", "bad", "accent", "raise", "lower", "mark", "line", "track",
    "cursor", "header", "heat1", "heat2", "heat3", "right",
)  # fmt: skip


class Inked(ScrollView, inherit_bindings=False):
    """A line-drawing view that paints with named inks; the style sheet says what each `ink--…` looks like."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {f"ink--{name}" for name in INKS}

    def __init__(self, dom_id: str | None = None) -> None:
        super().__init__(id=dom_id)
        self._inks: dict[str, Style] = {}

    def ink(self, name: str) -> Style:
        """Return the style of the ink `name`; the empty name is the widget's own style."""
        if not name:
            return Style.null()
        if name not in self._inks:
            own = self.get_component_rich_style(f"ink--{name}", partial=True)
            blended = self.get_component_rich_style(f"ink--{name}")
            self._inks[name] = own + Style(
                color=blended.color if own.color else None, bgcolor=blended.bgcolor if own.bgcolor else None
            )
        return self._inks[name]

    def notify_style_update(self) -> None:
        """Forget the inks of the theme before."""
        self._inks.clear()
        super().notify_style_update()

    def paint(self, spans: Sequence[Span], base: Style, width: int) -> Strip:
        """Return a strip of exactly `width` cells with `spans` on `base`."""
        segments = [Segment(text, base + self.ink(ink)) for text, ink in fit(tuple(spans), width)]
        return Strip(segments, width)


def spans_of(cell: Cell) -> tuple[Span, ...]:
    """Return a cell's spans."""
    return ((cell, ""),) if isinstance(cell, str) else cell


def bar_cell(rate: float | None, width: int, ink: str) -> Cell:
    """Return a bar on its faint track."""
    full, rest = bar(rate, width)
    return ((full, ink), (rest, "track"))


def width_of(spans: Sequence[Span]) -> int:
    """Return the number of cells that `spans` take."""
    return sum(cell_len(text) for text, _ in spans)


def cut(text: str, width: int) -> str:
    """Shorten `text` to at most `width` cells, with an ellipsis where something was lost."""
    if cell_len(text) <= width:
        return text
    return set_cell_size(text, width - 1).rstrip() + "…" if width > 1 else "…"[:width]


def cut_front(text: str, width: int) -> str:
    """Shorten `text` from its beginning: the end of a path says most."""
    if cell_len(text) <= width:
        return text
    kept = text
    while kept and cell_len(kept) > width - 1:
        kept = kept[1:]
    return "…" + kept if width > 0 else ""


def fit(cell: Cell, width: int, align: Align = "left") -> list[Span]:
    """Cut or pad a cell to exactly `width` cells."""
    fitted: list[Span] = []
    room = width
    for text, ink in spans_of(cell):
        if room <= 0:
            break
        shown = cut(text, room)
        fitted.append((shown, ink))
        room -= cell_len(shown)
    if room > 0:
        padding = (" " * room, "")
        fitted = [padding, *fitted] if align == "right" else [*fitted, padding]
    return fitted


def class_word(names: Sequence[str], index: int) -> str:
    """Return a class's name safe to show, its number where the names are not known yet."""
    return safe(class_name(names, index), 60)
