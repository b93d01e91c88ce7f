"""A table that can be narrowed by typing: `/` starts, the words appear in the border, escape ends."""

from __future__ import annotations

from collections.abc import Sequence

from textual import events, on
from textual.content import Content
from textual.reactive import reactive

from ...text import safe
from ..keymap import keys
from .cells import cut_front, spans_of
from .table import Row, Table


class FilteredTable(Table):
    """A table with a filter over the text that it shows and a summary in its lower border."""

    BINDINGS = keys("list.filter")

    summary: reactive[str] = reactive("", layout=False, init=False)
    words: reactive[str] = reactive("", layout=False, init=False)
    typing: reactive[bool] = reactive(False, layout=False, init=False)

    _offered: tuple[Row, ...] = ()
    _empty_words: tuple[str, ...] = ()

    def offer(self, rows: Sequence[Row], empty: Sequence[str] = ()) -> None:
        """Show those of `rows` that match the filter."""
        self._offered, self._empty_words = tuple(rows), tuple(empty)
        if not self.words:
            self.set_rows(self.shortened(self._offered), self._empty_words)
            return
        wanted, widths = self.words.lower().split(), self.column_widths
        found = [row for row in self._offered if row.key is not None and _matches(row, widths, wanted)]
        self.set_rows(found, ("Nothing matches.", "escape shows all rows again."))

    def shortened(self, rows: tuple[Row, ...]) -> Sequence[Row]:
        """Return what is shown of `rows` without a filter: all of them."""
        return rows

    def action_filter(self) -> None:
        """Start typing a filter."""
        self.typing = True

    def clear_filter(self) -> bool:
        """Drop the filter; returns whether there was one."""
        had = bool(self.words or self.typing)
        self.typing, self.words = False, ""
        return had

    def _watch_words(self) -> None:
        self.offer(self._offered, self._empty_words)
        self._write_border()

    def _watch_typing(self) -> None:
        self._write_border()

    def _watch_summary(self) -> None:
        self._write_border()

    def check_consume_key(self, key: str, character: str | None) -> bool:
        """While typing, letters belong to the filter and to no binding."""
        return self.typing and character is not None and character.isprintable()

    @on(events.Key)
    async def _typed(self, event: events.Key) -> None:
        if not self.typing:
            return
        if event.key == "enter":
            self.typing = False
        elif event.key == "backspace":
            self.words = self.words[:-1]
        elif event.key in ("up", "down"):
            self.typing = False
            return
        elif event.is_printable and event.character:
            self.words += event.character
        else:
            return
        event.stop()
        event.prevent_default()

    @on(events.Paste)
    def _pasted(self, event: events.Paste) -> None:
        if self.typing:
            self.words += " ".join(event.text.split())
            event.stop()

    @on(events.Blur)
    def _left(self) -> None:
        self.typing = False

    def _write_border(self) -> None:
        if self.typing or self.words:
            shown = safe(cut_front(self.words, max(4, self.size.width - 20)))
            found = sum(row.key is not None for row in self.rows)
            total = sum(row.key is not None for row in self._offered)
            self.border_subtitle = Content(f"/{shown}{'▏' if self.typing else ''} {found} of {total}")
        else:
            self.border_subtitle = Content(self.summary)


def _matches(row: Row, widths: Sequence[int], wanted: Sequence[str]) -> bool:
    """Whether all words are in the cells that are on show."""
    shown = (cell for cell, width in zip(row.cells, widths, strict=True) if width)
    text = " ".join(part for cell in shown for part, _ in spans_of(cell)).lower()
    return all(word in text for word in wanted)
