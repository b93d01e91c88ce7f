"""Pictures as Sixel graphics, drawn over half-block cells, which show it where Sixel cannot be drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .blocks import BlockEncoder
from .encoder import Rendered
from .picture import Box

if TYPE_CHECKING:
    from PIL.Image import Image

COLOURS = 128


class SixelEncoder:
    """Redrawn by the app whenever the cells under it were."""

    name = "sixel"

    def __init__(self) -> None:
        self._cells = BlockEncoder()

    def encode(self, image: Image, box: Box) -> Rendered:
        """Return the cells and the Sixel data for exactly their area."""
        under = self._cells.encode(image, box)
        height = under.rows * box.cell_height // 6 * 6
        data = sixel(image, under.columns * box.cell_width, height)
        return Rendered(under.strips, "", data, under.left, under.top, under.columns, under.rows)

    def forget(self, painted: Rendered) -> str:
        """The terminal keeps nothing under a name."""
        return ""


def sixel(image: Image, width: int, height: int) -> str:
    """Return `image` scaled to `width` × `height` pixels as one DECSIXEL string with a palette of its own."""
    import numpy as np
    from PIL import Image as Images

    scaled = image.resize((width, height), Images.Resampling.LANCZOS)
    reduced = scaled.quantize(COLOURS, method=Images.Quantize.FASTOCTREE, dither=Images.Dither.NONE)
    pixels = np.asarray(reduced)
    palette = np.asarray(reduced.getpalette() or [], dtype=np.int64).reshape(-1, 3) * 100 // 255
    colours = "".join(f"#{i};2;{r};{g};{b}" for i, (r, g, b) in enumerate(palette.tolist()))
    bands = "-".join(_band(pixels[top : top + 6]) for top in range(0, height, 6))
    return f'\x1bP0;1;0q"1;1;{width};{height}{colours}{bands}\x1b\\'


def _band(rows: np.ndarray) -> str:  # type: ignore[name-defined]  # noqa: F821
    """Return up to six rows of palette indices [h,w] as one line of Sixel data, colour over colour."""
    import numpy as np

    used = np.unique(rows)
    weights = (1 << np.arange(len(rows), dtype=np.uint8)).astype(np.uint8)
    bits = ((rows[None] == used[:, None, None]) * weights[None, :, None]).sum(1, dtype=np.uint8)
    return "$".join(f"#{colour}{_runs(line)}" for colour, line in zip(used.tolist(), bits, strict=True))


def _runs(line: np.ndarray) -> str:  # type: ignore[name-defined]  # noqa: F821
    """Return one row of sixels [w] with repeats written as `!count`, blanks at the end left out."""
    import numpy as np

    starts = np.concatenate(([0], np.flatnonzero(np.diff(line)) + 1))
    lengths = np.diff(np.append(starts, len(line))).tolist()
    values = line[starts].tolist()
    if values[-1] == 0:
        values.pop()
    runs = zip(values, lengths, strict=False)
    return "".join(f"!{n}{chr(63 + value)}" if n > 3 else chr(63 + value) * n for value, n in runs)
