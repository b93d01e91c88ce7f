"""What a way of drawing pictures has to offer, and the one that draws none."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from rich.segment import Segment
from textual.strip import Strip

from .picture import Box

if TYPE_CHECKING:
    from PIL.Image import Image


@dataclass(frozen=True)
class Rendered:
    """A picture ready for the screen.

    `strips` are the cells of the whole box. `send` goes to the terminal once before they are shown;
    `overlay` is drawn over them at column `left`, line `top` of the box whenever they were repainted.
    """

    strips: tuple[Strip, ...]
    send: str = field(default="", repr=False)
    overlay: str = field(default="", repr=False)
    left: int = 0
    top: int = 0
    columns: int = 0
    rows: int = 0
    number: int = 0


class Encoder(Protocol):
    """One way to draw. `encode` runs on the render_queue's thread and touches nothing but its arguments."""

    name: str

    def encode(self, image: Image, box: Box) -> Rendered:
        """Return `image` prepared for `box`."""

    def forget(self, painted: Rendered) -> str:
        """Return what to write so that the terminal frees the picture."""


def framed(strips: list[Strip], columns: int, box: Box) -> tuple[tuple[Strip, ...], int, int]:
    """Centre `strips` of `columns` cells in `box`; returns the box's strips, the left and the top margin."""
    left, top = (box.columns - columns) // 2, (box.rows - len(strips)) // 2
    before = Strip([Segment(" " * left)], left) if left else Strip([], 0)
    lines = [Strip.blank(box.columns) for _ in range(top)]
    lines += [
        Strip.join([before, strip]).adjust_cell_length(box.columns)
        if left or columns < box.columns
        else strip
        for strip in strips
    ]
    lines += [Strip.blank(box.columns) for _ in range(box.rows - len(lines))]
    return tuple(lines), left, top
