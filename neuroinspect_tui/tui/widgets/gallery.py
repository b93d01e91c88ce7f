"""Pictures with captions in one widget that draws its own lines: no widget per picture, nothing to mount."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

from rich.style import Style
from textual import events, on
from textual.content import Content
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.strip import Strip

from ..host import Host
from ..images.encoder import Rendered
from ..images.overlay import Shown
from ..images.picture import Box, Picture
from ..images.renderer import PictureRenderer
from ..keymap import keys
from .cells import Inked, Span
from .gallery_plan import GalleryLayout, Placed, Shelf, plan_gallery

Scale = Literal["small", "medium", "large", "full"]
WIDTHS: tuple[tuple[int, dict[Scale, int]], ...] = (
    (70, {"small": 18, "medium": 22, "large": 28, "full": 1000}),
    (38, {"small": 12, "medium": 18, "large": 18, "full": 1000}),
    (0, {"small": 10, "medium": 16, "large": 16, "full": 1000}),
)


@dataclass(frozen=True)
class Tile:
    """A picture (None: not made yet), its caption lines, what `copy` copies, and words for an empty box."""

    picture: Picture | None
    caption: tuple[tuple[Span, ...], ...]
    copy: str = ""
    waiting: str = ""


@dataclass(frozen=True)
class Section:
    """Tiles under a title, in one of four sizes."""

    title: str
    tiles: tuple[Tile, ...]
    scale: Scale = "large"


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
        self.plan = GalleryLayout({}, (), 0)
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
        self.place_tiles()

    def name_it(self, title: str) -> None:
        """Set the title; the same one again costs no repaint."""
        if title != self._named:
            self._named = title
            self.border_title = Content(title)

    def place_tiles(self) -> None:
        """GalleryLayout the places anew and draw everything."""
        width = max(1, self.scrollable_content_region.width - 2)
        aims = next(scales for least, scales in WIDTHS if width >= least)
        shelves = [
            Shelf(
                section.title,
                len(section.tiles),
                max((len(tile.caption) for tile in section.tiles), default=0),
                aims[section.scale] if self.renderer.draws else 0,
                1 if section.scale == "small" else 1000,
            )
            for section in self.sections
            if section.tiles
        ]
        most = max((shelf.caption for shelf in shelves), default=0)
        self.plan = plan_gallery(shelves, width, max(3, self.size.height - most - 1))
        self.virtual_size = Size(0, self.plan.height)
        self._missing.clear()
        self.refresh()

    @on(events.Resize)
    def _resized(self) -> None:
        self.place_tiles()

    def _watch_masked(self) -> None:
        self.refresh()

    @property
    def place(self) -> int:
        """Where the cursor's tile is among those placed."""
        before = [number for number, placed in enumerate(self.plan.tiles) if placed.index <= self.cursor]
        return before[-1] if before else 0

    def _watch_cursor(self) -> None:
        if self.plan.tiles:
            placed = self.plan.tiles[self.place]
            top = placed.y - 1 if placed.y - 1 in self.plan.titles else placed.y
            region = Region(0, top, 1, placed.bottom - top)
            self.scroll_to_region(region, animate=False, immediate=True, force=True)
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
            return self.paint([(" ", ""), (self.plan.titles[line], "header")], base, width)
        parts: list[Strip] = []
        x = 0
        for placed in (p for p in self.plan.tiles if p.y <= line < p.bottom):
            start = placed.x + 1
            parts += [Strip.blank(start - x, base), self._tile_line(placed, line - placed.y, base)]
            x = start + placed.width
        return Strip.join(parts).adjust_cell_length(width, base)

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
        spans = tile.caption[line] if line < len(tile.caption) else ()
        if placed.index == self.cursor and self.has_focus:
            base += self.ink("cursor")
            if line == 0:
                spans = (("▸", "accent"), *spans)
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
