"""Pictures as iTerm2 inline files, drawn over half-block cells like Sixel."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING

from .blocks import BlockEncoder
from .encoder import Rendered
from .picture import Box

if TYPE_CHECKING:
    from PIL.Image import Image


class ITermEncoder:
    """For iTerm2 and WezTerm."""

    name = "iterm2"

    def __init__(self) -> None:
        self._cells = BlockEncoder()

    def encode(self, image: Image, box: Box) -> Rendered:
        """Return the cells and the inline file for exactly their area."""
        from PIL import Image as Images

        under = self._cells.encode(image, box)
        size = (under.columns * box.cell_width, under.rows * box.cell_height)
        if image.width > size[0] or image.height > size[1]:
            image = image.resize(size, Images.Resampling.LANCZOS)
        buffer = io.BytesIO()
        image.save(buffer, "PNG", compress_level=3)
        data = buffer.getvalue()
        options = (
            f"inline=1;size={len(data)};width={under.columns};height={under.rows};"
            "preserveAspectRatio=0;doNotMoveCursor=1"
        )
        overlay = f"\x1b]1337;File={options}:{base64.standard_b64encode(data).decode()}\x07"
        return Rendered(under.strips, "", overlay, under.left, under.top, under.columns, under.rows)

    def forget(self, painted: Rendered) -> str:
        """The terminal keeps nothing under a name."""
        return ""
