"""Brings frames onto the terminal, no faster than it takes them: what is stale is replaced, not sent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rich.color import ColorSystem
from textual.geometry import Offset, Region, Size

from .frame import Frame
from .pace import ARRIVAL_QUERY, Pace

BEGIN, END = "\x1b[?2026h", "\x1b[?2026l"


class Painter:
    """`write` hands text to the terminal's line, `idle` says whether all of it has left.

    `held` is called when something has to wait; `behind` tells so until it is set back. `repeats` says
    whether the terminal repeats characters.
    """

    def __init__(
        self, write: Callable[[str, bool], None], idle: Callable[[], bool], held: Callable[[], None],
        answers: bool = False,
    ) -> None:  # fmt: skip
        self._write, self._idle, self._held = write, idle, held
        self.behind = False
        self.pace = Pace(answers)
        self.repeats = False
        self.frame = Frame(0, 0, ColorSystem.TRUECOLOR)
        self._cursor: Offset | None = None

    @property
    def clear(self) -> bool:
        """Whether something written now would be taken soon; asks the terminal where nobody knows."""
        if self.pace.asks():
            self._write(ARRIVAL_QUERY, True)
        return self._idle() and self.pace.clear

    def free(self) -> bool:
        """Whether to write now; what is not written is remembered to be `behind`."""
        clear = self.clear
        if not clear and not self.behind:
            self.behind = True
            self._held()
        return clear

    def fit(self, size: Size, colours: ColorSystem) -> None:
        """Begin anew where the screen has another size or other colours, or is written in another way."""
        frame = self.frame
        if (frame.columns, frame.rows, frame.colours, frame.repeats) != (*size, colours, self.repeats):
            self.frame = Frame(size.width, size.height, colours, self.repeats)

    def take(self, update: Any) -> None:
        """Take in one of Textual's screen updates."""
        self.frame.take(update)

    def forget(self) -> None:
        """What the terminal shows is not known any more."""
        self.frame.forget()
        self._cursor = None

    def paint(self, cursor: Offset, synchronised: bool) -> list[Region]:
        """Write what changed, if the line is clear; returns the regions that were repainted."""
        if not self.free():
            return []
        text, regions = self.frame.difference()
        if not text and cursor == self._cursor:
            return []
        text += f"\x1b[{cursor.y + 1};{cursor.x + 1}H"
        self._cursor = cursor
        self.write(f"{BEGIN}{text}{END}" if synchronised else text)
        return regions

    def write(self, text: str) -> None:
        """Write `text` and count it; now and then ask whether it has arrived."""
        asks = self.pace.wrote(len(text.encode("utf-8", "replace")))
        self._write(text + ARRIVAL_QUERY * asks, asks)
