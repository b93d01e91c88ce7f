"""Drawing Sixel and iTerm2 pictures over their cells after the cells were painted.

Textual knows only cells. After each frame the pictures whose cells were written are drawn again, if they are
wholly visible and nothing lies over them; otherwise their half blocks stay.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from textual.geometry import Region

from .encoder import Rendered


@dataclass(frozen=True)
class Shown:
    """A prepared picture whose box is at `box` on the screen, inside the widget's visible `window`."""

    painted: Rendered
    box: Region
    window: Region

    @property
    def region(self) -> Region:
        """Where the picture itself lies."""
        painted = self.painted
        return Region(self.box.x + painted.left, self.box.y + painted.top, painted.columns, painted.rows)


class Overlay:
    """Knows where cells were painted since the pictures over them were drawn."""

    def __init__(self) -> None:
        self._touched: list[Region] = []

    def touch(self, regions: list[Region]) -> None:
        """Cells were painted in `regions`."""
        self._touched += regions

    def due(self, shown: Iterable[Shown], covers: list[Region]) -> Iterator[Shown]:
        """Yield the pictures to draw: touched, wholly visible, with nothing over them; forget the rest."""
        touched, self._touched = self._touched, []
        waiting = [
            picture
            for picture in shown
            if picture.painted.overlay
            and picture.window.contains_region(picture.region)
            and any(picture.region.overlaps(area) for area in touched)
            and not any(picture.region.overlaps(cover) for cover in covers)
        ]
        self._touched = [picture.region for picture in waiting]
        yield from waiting

    def draw(self, picture: Shown) -> str:
        """Return what to write so that `picture` is drawn."""
        region = picture.region
        self._touched = [other for other in self._touched if other != region]
        return f"\x1b7\x1b[{region.y + 1};{region.x + 1}H{picture.painted.overlay}\x1b8"
