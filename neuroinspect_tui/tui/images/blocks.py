"""Pictures as half-block cells, two pixels a cell: drawn by term-image, handed to Textual as strips."""

from __future__ import annotations

import re
import warnings
from functools import cache
from typing import TYPE_CHECKING, Any

from rich.color import Color
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from .encoder import Rendered, framed
from .picture import Box, fitted

if TYPE_CHECKING:
    from PIL.Image import Image

_TOKEN = re.compile(r"\x1b\[([0-9;]*)m|([^\x1b]+)")


@cache
def _block_image() -> Any:
    # Not catch_warnings: it would swallow what other threads warn of meanwhile.
    warnings.filterwarnings("ignore", category=UserWarning, module=r"term_image\b")
    import term_image

    term_image.disable_queries()
    from term_image.image import BlockImage

    return BlockImage


class BlockEncoder:
    """Works in every terminal, inside tmux and over the slowest line."""

    name = "block"

    def encode(self, image: Image, box: Box) -> Rendered:
        """Return `image` as half blocks."""
        from PIL import Image as Images

        columns, rows = fitted(image.width, image.height, box)
        small = image.resize((columns, 2 * rows), Images.Resampling.LANCZOS)
        drawn = _block_image()(small, width=columns, height=rows)
        strips = [parse_line(line, columns) for line in format(drawn, "1.1").split("\n")]
        lines, left, top = framed(strips, columns, box)
        return Rendered(lines, left=left, top=top, columns=columns, rows=rows)

    def forget(self, painted: Rendered) -> str:
        """Cells leave nothing behind."""
        return ""


def parse_line(line: str, columns: int) -> Strip:
    """Turn one line of true-colour escape sequences (SGR 38;2, 48;2, reset) into a strip."""
    segments: list[Segment] = []
    front = back = None
    for codes, text in _TOKEN.findall(line):
        if text:
            segments.append(Segment(text, Style(color=front, bgcolor=back)))
            continue
        parts = [int(code) for code in codes.split(";") if code]
        if len(parts) == 5:
            colour = Color.from_rgb(*parts[2:])
            front, back = (colour, back) if parts[0] == 38 else (front, colour)
        else:
            front = back = None
    return Strip(segments, columns)
