"""Full screen: one picture as large as the terminal allows, with its numbers; left and right step on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from textual import events, on
from textual.widget import Widget

from ..keymap import keys
from ..widgets.gallery import Gallery, Section, Tile
from ..widgets.mistake_table import file_name
from .page import Page


class ZoomedPicture(Gallery):
    """One tile of a series; its step keys change the tile."""

    def __init__(self, tiles: Sequence[Tile], index: int) -> None:
        super().__init__(dom_id="zoomed")
        self.series, self.index = tuple(tiles), index

    @on(events.Resize)
    def _fill(self) -> None:
        self.show_tile()

    def show_tile(self) -> None:
        """Show the present tile."""
        tile = self.series[self.index]
        file = f" · {file_name(tile.copy)}" if tile.copy else ""
        self.name_it(f"picture {self.index + 1} of {len(self.series)}{file}")
        self.show([Section("", (tile,), "full")])

    def action_step(self, steps: int) -> None:
        """Go to another tile."""
        self.index = max(0, min(len(self.series) - 1, self.index + steps))
        self.show_tile()

    def action_row(self, direction: int) -> None:
        """Up and down step too."""
        self.action_step(direction)


class ZoomScreen(Page[None]):
    """The enlarged picture."""

    BINDINGS = keys("picture.mask", "app.copy")

    def __init__(self, tiles: Sequence[Tile], index: int, masked: bool) -> None:
        super().__init__()
        self.picture = ZoomedPicture(tiles, index)
        self.picture.masked = masked

    def body(self) -> Iterable[Widget]:
        """Lay out the picture."""
        yield self.picture

    @on(events.Mount)
    def _take_keys(self) -> None:
        self.picture.focus()

    def action_mask(self) -> None:
        """Mask on or off."""
        self.picture.masked = not self.picture.masked

    @on(Gallery.Opened)
    def _back(self) -> None:
        self.dismiss()

    def copied(self) -> str:
        """The picture's path."""
        return self.picture.series[self.picture.index].copy
