"""Where the pictures of a gallery go: rows of equal boxes under section titles. Pure arithmetic."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Placed:
    """Tile `index` at `x`, `y` with a picture of `width` × `height` cells above its caption."""

    index: int
    x: int
    y: int
    width: int
    height: int
    caption: int

    @property
    def bottom(self) -> int:
        """The first line under the caption."""
        return self.y + self.height + self.caption


@dataclass(frozen=True)
class Shelf:
    """A section: its `title`, how many tiles, caption lines, the picture width it aims at (0: none).

    At most `rows` rows are placed; further tiles are left out.
    """

    title: str
    tiles: int
    caption: int
    aim: int
    rows: int = 1000


@dataclass(frozen=True)
class GalleryLayout:
    """The whole gallery: section titles by line, tiles, and the height of all."""

    titles: dict[int, str]
    tiles: tuple[Placed, ...]
    height: int


GAP = 1


def plan_gallery(shelves: Sequence[Shelf], width: int, tallest: int = 1000) -> GalleryLayout:
    """Place all tiles in `width` cells, none of their pictures taller than `tallest`.

    Boxes are square (a cell is twice as high as wide). A lone tile without a title is centred.
    """
    titles: dict[int, str] = {}
    placed: list[Placed] = []
    y = first = 0
    for shelf in shelves:
        if shelf.title:
            titles[y] = shelf.title
            y += 1
        across, cells = _across(shelf, width, tallest)
        high = min(tallest, cells // 2) if shelf.aim else 0
        tiles = min(shelf.tiles, across * shelf.rows) if shelf.aim else shelf.tiles
        for place in range(tiles):
            column, row = place % across, place // across
            top = y + row * (high + shelf.caption + 1)
            left = column * (cells + GAP) if shelf.tiles > 1 or shelf.title else (width - cells) // 2
            placed.append(Placed(first + place, left, top, cells, high, shelf.caption))
        first += shelf.tiles
        rows = -(-tiles // across)
        y += rows * (high + shelf.caption + 1)
    return GalleryLayout(titles, tuple(placed), max(0, y - 1))


def _across(shelf: Shelf, width: int, tallest: int) -> tuple[int, int]:
    if shelf.aim == 0:
        return 1, width
    aim = max(2, min(shelf.aim, width, 2 * tallest))
    across = max(1, (width + GAP) // (aim + GAP))
    cells = min((width + GAP) // across - GAP, 2 * tallest, 3 * aim // 2 if shelf.tiles >= across else width)
    return across, max(2, cells - cells % 2)
