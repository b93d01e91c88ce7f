"""Pictures at full resolution by Kitty's graphics protocol with Unicode placeholders.

The picture is sent once; then each of its cells is the character U+10EEEE with two combining marks for
its row and column, coloured with the picture's number. They scroll, move and vanish like any other text,
also inside tmux. https://sw.kovidgoyal.net/kitty/graphics-protocol/#unicode-placeholders
"""

from __future__ import annotations

import base64
import io
import itertools
import secrets
from typing import TYPE_CHECKING

from rich.color import Color
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from .diacritics import MARKS
from .encoder import Rendered, framed
from .picture import Box, fitted

if TYPE_CHECKING:
    from PIL.Image import Image

PLACEHOLDER = "\U0010eeee"
CHUNK = 4096
_NEXT = dict(itertools.pairwise(MARKS))


def continues(left: str, cell: str) -> bool:
    """Whether `cell` is the placeholder right of `left` in a picture: it means the same without marks."""
    placeholders = len(left) == len(cell) == 3 and left[0] == cell[0] == PLACEHOLDER
    return placeholders and left[1] == cell[1] and _NEXT.get(left[2]) == cell[2]


def wrap_for_tmux(sequence: str) -> str:
    """Return `sequence` so that tmux hands it on to the terminal around it."""
    return "\x1bPtmux;" + sequence.replace("\x1b", "\x1b\x1b") + "\x1b\\"


class KittyEncoder:
    """Sends PNGs under numbers of its own: 12 bits drawn at random, 12 bits counted up.

    Process numbers are no good for that: those of two containers are often equal.
    """

    name = "kitty"

    def __init__(self, tmux: bool = False) -> None:
        self._tmux = tmux
        base = (secrets.randbelow(0xFFF) + 1) << 12
        self._numbers = (base | count for count in itertools.cycle(range(1, 0x1000)))

    def encode(self, image: Image, box: Box) -> Rendered:
        """Return the picture's transmission and its placeholder cells."""
        columns, rows = fitted(image.width, image.height, box)
        columns, rows = min(columns, len(MARKS)), min(rows, len(MARKS))
        number = next(self._numbers)
        control = f"a=T,U=1,i={number},f=100,c={columns},r={rows},q=2"
        sent = "".join(self._chunks(control, _png(image, columns * box.cell_width, rows * box.cell_height)))
        strips = [_placeholders(number, row, columns) for row in range(rows)]
        lines, left, top = framed(strips, columns, box)
        return Rendered(lines, sent, "", left, top, columns, rows, number)

    def forget(self, painted: Rendered) -> str:
        """Delete the picture and free its memory in the terminal."""
        return self._command(f"a=d,d=I,i={painted.number},q=2", "")

    def _chunks(self, control: str, data: bytes) -> list[str]:
        text = base64.standard_b64encode(data).decode()
        parts = [text[start : start + CHUNK] for start in range(0, len(text), CHUNK)]
        last = len(parts) - 1
        return [
            self._command(f"{control}," * (place == 0) + f"m={int(place < last)}", part)
            for place, part in enumerate(parts)
        ]

    def _command(self, control: str, payload: str) -> str:
        sequence = f"\x1b_G{control};{payload}\x1b\\"
        return wrap_for_tmux(sequence) if self._tmux else sequence


def _png(image: Image, width: int, height: int) -> bytes:
    from PIL import Image as Images

    if image.width > width or image.height > height:
        image = image.resize((width, height), Images.Resampling.LANCZOS)
    buffer = io.BytesIO()
    image.save(buffer, "PNG", compress_level=3)
    return buffer.getvalue()


def _placeholders(number: int, row: int, columns: int) -> Strip:
    colour = Color.from_rgb(number >> 16 & 255, number >> 8 & 255, number & 255)
    text = "".join(f"{PLACEHOLDER}{MARKS[row]}{MARKS[column]}" for column in range(columns))
    return Strip([Segment(text, Style(color=colour))], columns)
