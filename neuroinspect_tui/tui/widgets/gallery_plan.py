"""Where the pictures of a gallery go: rows of equal square boxes, as large as fit. Pure arithmetic."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field


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
    """A section: its `title`, how many tiles, and the lines of their captions.

    At most `rows` rows are placed; further tiles are left out. One that stands `beside` the section before
    it shares that one's row.
    """

    title: str
    tiles: int
    caption: int
    rows: int = 1000
    beside: bool = False


@dataclass(frozen=True)
class GalleryLayout:
    """The whole gallery: section titles with their column by line, tiles, and the height of all."""

    titles: dict[int, list[tuple[int, str]]] = field(default_factory=dict)
    tiles: tuple[Placed, ...] = ()
    height: int = 0


GAP = 1
LEAST, MOST = 12, 18
"""Cells that captions such as `boat → mug` and `airplane → truck` need."""
ENOUGH = 4
"""Tiles of a section that are worth smaller pictures."""


def plan_gallery(
    shelves: Sequence[Shelf], width: int, height: int, draws: bool = True, caption: int = LEAST
) -> GalleryLayout:
    """Place the tiles in `width` × `height` cells, their pictures as large as fit; what does not fit scrolls.

    A cell is twice as high as wide; no picture is narrower than its `caption` has cells, within reason.
    Without pictures each tile is one line.
    """
    if not draws:
        return _as_lines(shelves, width)
    bands = list(_bands(shelves))
    least = min(max(min(MOST, max(LEAST, caption)), min(28, width // 7)), max(2, width)) // 2 * 2
    if any(_shares(band, _across(width, least))[0] < 1 for band in bands):
        bands = [[shelf] for shelf in shelves]
    largest = min(width, 2 * height) // 2 * 2
    fitting = (cells for cells in range(largest, least, -2) if _fits(bands, width, height, cells))
    filling = ((width + GAP) // _across(width, least) - GAP) // 2 * 2
    return _place(bands, width, next(fitting, max(2, min(filling, largest))))


def _bands(shelves: Sequence[Shelf]) -> Iterator[list[Shelf]]:
    """Yield the sections that share rows."""
    band: list[Shelf] = []
    for shelf in shelves:
        if band and not shelf.beside:
            yield band
            band = []
        band.append(shelf)
    if band:
        yield band


def _across(width: int, cells: int) -> int:
    return max(1, (width + GAP) // (cells + GAP))


def _shares(band: Sequence[Shelf], across: int) -> list[int]:
    """Return how many tiles of each section go into a row: the later ones get their tiles, up to a third.

    Of four sections and more each gets its part, so that something is left for the first.
    """
    most = max(1, across // max(3, len(band)))
    later = [min(shelf.tiles, most) for shelf in band[1:]]
    return [across - sum(later), *later]


def _rows(band: Sequence[Shelf], across: int) -> int:
    first = _shares(band, across)[0]
    return min(band[0].rows, -(-band[0].tiles // max(1, first)))


def _fits(bands: Sequence[Sequence[Shelf]], width: int, height: int, cells: int) -> bool:
    across, needed = _across(width, cells), 0
    for band in bands:
        first, rows = _shares(band, across)[0], _rows(band, across)
        if first < 1 or first * rows < min(band[0].tiles, ENOUGH - (len(band) - 1)):
            return False
        needed += any(shelf.title for shelf in band) + rows * (cells // 2 + _caption(band))
    return needed <= height


def _caption(band: Sequence[Shelf]) -> int:
    return max(shelf.caption for shelf in band)


def _place(bands: Sequence[Sequence[Shelf]], width: int, cells: int) -> GalleryLayout:
    titles: dict[int, list[tuple[int, str]]] = {}
    placed: list[Placed] = []
    y = first = 0
    across = _across(width, cells)
    for band in bands:
        if any(shelf.title for shelf in band):
            titles[y] = []
        top, column = y + any(shelf.title for shelf in band), 0
        rows, pitch = _rows(band, across), cells // 2 + _caption(band)
        for shelf, share in zip(band, _shares(band, across), strict=True):
            if shelf.title:
                titles[y].append((column * (cells + GAP), shelf.title))
            alone = shelf.tiles == 1 and len(bands) == len(band) == 1
            left = (width - cells) // 2 if alone else column * (cells + GAP)
            for place in range(min(shelf.tiles, max(1, share) * rows)):
                row, x = divmod(place, max(1, share))
                spot = (left + x * (cells + GAP), top + row * pitch, cells, cells // 2)
                placed.append(Placed(first + place, *spot, _caption(band)))
            first += shelf.tiles
            column += max(1, share) if len(band) > 1 else 0
        y = top + rows * pitch
    return GalleryLayout(titles, tuple(placed), y)


def _as_lines(shelves: Sequence[Shelf], width: int) -> GalleryLayout:
    titles: dict[int, list[tuple[int, str]]] = {}
    placed: list[Placed] = []
    y = 0
    for shelf in shelves:
        if shelf.title:
            titles[y] = [(0, shelf.title)]
            y += 1
        for _ in range(shelf.tiles):
            placed.append(Placed(len(placed), 0, y, width, 0, 1))
            y += 1
    return GalleryLayout(titles, tuple(placed), y)
