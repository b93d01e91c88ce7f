"""A picture to show: a PNG of the session or pixels still being made; loading, masking and fitting it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image

DIMMED = 0.22
LARGEST = 40_000_000


@dataclass(frozen=True)
class Picture:
    """Where the pixels come from. `step` tells the stages of a picture still being made apart.

    A `faded` one is shown in grey. `mask` is a PNG: bright where the neuron looks. `rgb` holds
    height × width × 3 bytes of `size`.
    """

    path: Path | None = None
    mask: Path | None = None
    name: str = ""
    step: int = 0
    faded: bool = False
    size: tuple[int, int] = (0, 0)
    rgb: bytes = field(default=b"", repr=False, compare=False)


@dataclass(frozen=True)
class Box:
    """A place of `columns` × `rows` cells; a cell is `cell_width` × `cell_height` pixels."""

    columns: int
    rows: int
    cell_width: int = 10
    cell_height: int = 20


def load(picture: Picture, masked: bool) -> Image:
    """Return the RGB pixels, dimmed outside the mask if `masked`; raises OSError when they cannot be read."""
    from PIL import Image

    if picture.path is None:
        return Image.frombytes("RGB", picture.size, picture.rgb)
    image = _open(picture.path)
    if picture.faded:
        image = image.convert("L").convert("RGB")
    if masked and picture.mask is not None:
        mask = _open(picture.mask).convert("L").resize(image.size)
        dark = image.point(lambda value: int(value * DIMMED))
        image = Image.composite(image, dark, mask)
    return image


def _open(path: Path) -> Image:
    from PIL import Image, UnidentifiedImageError

    try:
        opened: Image.Image
        with Image.open(path) as opened:
            if opened.width * opened.height > LARGEST:
                raise OSError(f"{path.name} is too large to show")
            return opened.convert("RGB")
    except (UnidentifiedImageError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise OSError(str(error)) from error


def fitted(width: int, height: int, box: Box) -> tuple[int, int]:
    """Return the largest columns × rows inside `box` that keep the picture's shape, at least 1 × 1."""
    wide, high = box.columns * box.cell_width, box.rows * box.cell_height
    scale = min(wide / max(1, width), high / max(1, height))
    columns = max(1, min(box.columns, round(width * scale / box.cell_width)))
    rows = max(1, min(box.rows, round(height * scale / box.cell_height)))
    return columns, rows
