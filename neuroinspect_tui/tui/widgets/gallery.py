"""Pictures with captions in one widget that draws its own lines: no widget per picture, nothing to mount."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import cast

from rich.style import Style
from textual import events, on
from textual.content import Content
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.strip import Strip

from ...results import Sample
from ..host import Host
from ..images.encoder import Rendered
from ..images.overlay import Shown
from ..images.picture import Box, Picture
from ..images.renderer import PictureRenderer
from ..keymap import keys
from .cells import Inked, Span, width_of
from .gallery_plan import GalleryLayout, Placed, Shelf, plan_gallery


@dataclass(frozen=True)
class Tile:
    """A picture (None: not made yet), its caption lines, what `copy` copies, and words for an empty box.

    `name` stands for the picture where none are drawn; `sample` is the image of the data that it shows.
    """

    picture: Picture | None
    caption: tuple[tuple[Span, ...], ...]
    copy: str = ""
    waiting: str = ""
    name: str = ""
    sample: Sample | None = None


@dataclass(frozen=True)
class Section:
    """Tiles under a title, at most `rows` rows of them, or `beside` the section before."""

    title: str
    tiles: tuple[Tile, ...]
    rows: int = 1000
    beside: bool = False


class Gallery(Inked, can_focus=True):
    """Sections of tiles with a cursor; draws through the app's `PictureRenderer`."""

    ALLOW_SELECT = False
    BINDINGS = keys("picture.left", "picture.right", "picture.up", "picture.down", "list.open")

    cursor: reactive[int] = reactive(0)
    masked: reactive[bool] = reactive(False)

    class Opened(Message):
        """Enter or a second click on a tile."""

        def __init__(self, gallery: Gallery, index: int) -> None:
            super().__init__()
            self.gallery, self.index = gallery, index

    class LeftSide(Message):
        """The cursor wants to leave to the left."""

    def __init__(self, title: str = "", dom_id: str | None = None) -> None:
        super().__init__(dom_id)
        self.border_title = title
        self.sections: tuple[Section, ...] = ()
        self.tiles: tuple[Tile, ...] = ()
        self.empty: tuple[str, ...] = ()
        self.plan = GalleryLayout()
        self.begin: int | None = None
        self.moved: Callable[[], None] = _nothing
        """Called at once when the cursor comes to another tile, or other tiles come into sight."""
        self._shown: dict[tuple[Path | str, Box], Rendered] = {}
        self._missing: set[int] = set()
        self._named = title

    @property
    def renderer(self) -> PictureRenderer:
        """The app's way of drawing pictures."""
        return cast("Host", self.app).renderer

    @property
    def tile(self) -> Tile | None:
        """The tile under the cursor."""
        return self.tiles[self.cursor] if 0 <= self.cursor < len(self.tiles) else None

    def show(self, sections: Sequence[Section], empty: Sequence[str] = ()) -> None:
        """Show `sections`; without any tile, the lines `empty` say what to do next."""
        if (tuple(sections), tuple(empty)) == (self.sections, self.empty):
            return
        self.sections, self.empty = tuple(sections), tuple(empty)
        self.tiles = tuple(tile for section in sections for tile in section.tiles)
        if not any(tile.picture and tile.picture.rgb for tile in self.tiles):
            self._shown.clear()
        self.set_reactive(Gallery.cursor, max(0, min(self.cursor, len(self.tiles) - 1)))
        self.begin = None if self.begin is None else min(self.begin, len(self.tiles) - 1)
        self.place_tiles()

    def name_it(self, title: str) -> None:
        """Set the title; the same one again costs no repaint."""
        if title != self._named:
            self._named = title
            self.border_title = Content(title)

    def place_tiles(self) -> None:
        """Place the tiles anew and draw everything.

        The scroll bar's column stays free, there or not: whether it is needed follows from where they are.
        """
        width = max(1, self.size.width - 2)
        shelves = [
            Shelf(
                section.title,
                len(section.tiles),
                max(len(tile.caption) for tile in section.tiles),
                section.rows,
                section.beside,
            )
            for section in self.sections
            if section.tiles
        ]
        captions = (width_of(tile.caption[0]) for tile in self.tiles if tile.caption)
        height = max(3, self.size.height)
        self.plan = plan_gallery(shelves, width, height, self.renderer.draws, max(captions, default=0))
        self.virtual_size = Size(0, self.plan.height)
        self._missing.clear()
        self._reveal()
        self.refresh()

    @on(events.Resize)
    def _resized(self) -> None:
        self.place_tiles()
        self.moved()

    def _watch_masked(self) -> None:
        self.refresh()

    @property
    def place(self) -> int:
        """Where the cursor's tile is among those placed."""
        before = [number for number, placed in enumerate(self.plan.tiles) if placed.index <= self.cursor]
        return before[-1] if before else 0

    def _watch_cursor(self) -> None:
        self._reveal()
        self.refresh()
        self.moved()

    def _reveal(self) -> None:
        """Scroll to the cursor's tile."""
        if self.plan.tiles:
            placed = self.plan.tiles[self.place]
            top = placed.y - 1 if placed.y - 1 in self.plan.titles else placed.y
            region = Region(0, top, 1, placed.bottom - top)
            self.scroll_to_region(region, animate=False, immediate=True, force=True)

    @property
    def chosen(self) -> range:
        """The tiles from where the range began to the cursor, or the cursor's alone."""
        start = self.cursor if self.begin is None else self.begin
        return range(min(start, self.cursor), max(start, self.cursor) + 1)

    @property
    def row(self) -> list[int]:
        """The tiles in the cursor's row."""
        if not self.plan.tiles:
            return []
        here = self.plan.tiles[self.place].y
        return [placed.index for placed in self.plan.tiles if placed.y == here]

    def action_range(self) -> None:
        """Begin a range at the cursor, or drop it."""
        self.begin = self.cursor if self.begin is None else None
        self.refresh()

    def action_step(self, steps: int) -> None:
        """Move the cursor by `steps` tiles; leaving to the left tells the screen."""
        placed, target = self.plan.tiles, self.place + steps
        if steps < 0 and (not placed or placed[self.place].x == 0):
            self.post_message(self.LeftSide())
        elif 0 <= target < len(placed):
            self.cursor = placed[target].index

    def action_row(self, direction: int) -> None:
        """Move the cursor to the nearest tile in the row above or below."""
        if not self.plan.tiles:
            return
        here = self.plan.tiles[self.place]
        further = [p for p in self.plan.tiles if (p.y - here.y) * direction > 0]
        if further:
            self.cursor = min(further, key=lambda p: (abs(p.y - here.y), abs(p.x - here.x))).index

    def action_open(self) -> None:
        """Tell the screen that the tile was opened."""
        if self.tiles:
            self.post_message(self.Opened(self, self.cursor))

    @on(events.Click)
    def _clicked(self, event: events.Click) -> None:
        offset = event.get_content_offset(self)
        if offset is None:
            return
        y = offset.y + round(self.scroll_y)
        for placed in self.plan.tiles:
            if placed.y <= y < placed.bottom and placed.x <= offset.x - 1 < placed.x + placed.width:
                if placed.index == self.cursor:
                    self.action_open()
                self.cursor = placed.index

    def render_line(self, y: int) -> Strip:
        """Draw the line `y` of the widget."""
        width = self.scrollable_content_region.width
        base = self.rich_style
        if not self.tiles:
            return self._empty_line(y, width)
        line = y + round(self.scroll_y)
        if line in self.plan.titles:
            return self._title_line(self.plan.titles[line], base, width)
        parts: list[Strip] = []
        x = 0
        for placed in (p for p in self.plan.tiles if p.y <= line < p.bottom):
            start = placed.x + 1
            parts += [self._edge(placed, start - x, base), self._tile_line(placed, line - placed.y, base)]
            x = start + placed.width
        return Strip.join(parts).adjust_cell_length(width, base)

    def _title_line(self, titles: list[tuple[int, str]], base: Style, width: int) -> Strip:
        parts: list[Strip] = []
        x = 0
        for (start, words), (end, _) in pairwise([*titles, (width, "")]):
            room = end - start - 1
            parts += [Strip.blank(start + 1 - x, base), self.paint([(words, "header")], base, room)]
            x = end
        return Strip.join(parts).adjust_cell_length(width, base)

    def _edge(self, placed: Placed, width: int, base: Style) -> Strip:
        """Draw what lies left of a tile: a bar where it is chosen."""
        sign = "▌" if self.has_focus and placed.index in self.chosen else " "
        return self.paint([(" " * (width - 1) + sign, "accent")], base, width)

    def _tile_line(self, placed: Placed, line: int, base: Style) -> Strip:
        tile = self.tiles[placed.index]
        if line >= placed.height:
            return self._caption_line(tile, placed, line - placed.height, base)
        painted = self.painted(placed)
        if isinstance(painted, Rendered):
            return painted.strips[line].apply_style(base)
        self._missing.add(placed.index)
        words = tile.waiting if tile.picture is None else painted or "…"
        shown = words if line == placed.height // 2 else ""
        return self.paint([(shown.center(placed.width), "dim")], base, placed.width)

    def _caption_line(self, tile: Tile, placed: Placed, line: int, base: Style) -> Strip:
        if self.renderer.draws:
            spans = tile.caption[line] if line < len(tile.caption) else ()
        else:
            spans = (
                (f"{tile.name}  ", "dim"),
                *(span for part in tile.caption for span in (*part, ("  ", ""))),
            )
        if placed.index == self.cursor and self.has_focus:
            base += self.ink("cursor")
        return self.paint(spans, base, placed.width)

    def painted(self, placed: Placed) -> Rendered | str | None:
        """Return the prepared picture of a tile, why there is none, or None while it is on its way."""
        picture = self.tiles[placed.index].picture
        if picture is None:
            return ""
        cell = self.renderer.cell
        box = Box(placed.width, placed.height, cell.width, cell.height)
        painted = self.renderer.want(picture, box, self.masked, self.app.screen is not self.screen)
        slot = (picture.path or picture.name, box)
        if isinstance(painted, Rendered):
            self._shown[slot] = painted
        return painted or (self._shown.get(slot) if picture.rgb else None)

    def redraw_ready(self) -> None:
        """Redraw the pictures that were not ready when they were drawn."""
        for placed in self.plan.tiles:
            if placed.index in self._missing and self.painted(placed) is not None:
                self._missing.discard(placed.index)
                top = placed.y - round(self.scroll_y)
                self.refresh(Region(placed.x + 1, top, placed.width, placed.height))

    def shown(self) -> Iterator[Shown]:
        """Yield the prepared pictures and where they are on the screen."""
        window = self.scrollable_content_region
        for placed in self.plan.tiles:
            top = window.y + placed.y - round(self.scroll_y)
            if top < window.bottom and top + placed.height > window.y:
                painted = self.painted(placed)
                if isinstance(painted, Rendered):
                    box = Region(window.x + 1 + placed.x, top, placed.width, placed.height)
                    yield Shown(painted, box, window)

    def _empty_line(self, y: int, width: int) -> Strip:
        text = self.empty[y - 1] if 0 <= y - 1 < len(self.empty) else ""
        return self.paint([("  " + text, "strong" if y == 1 else "dim")], self.rich_style, width)


def _nothing() -> None:
    """Follow no cursor."""
