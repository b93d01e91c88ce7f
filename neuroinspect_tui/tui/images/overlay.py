"""Drawing Sixel and iTerm2 pictures over their cells after the cells were painted.

Textual knows only cells. After each of its updates the pictures whose cells were painted are drawn
again, if they are wholly visible and nothing lies over them; otherwise their half blocks stay.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

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


def painted_regions(update: Any, whole: Region) -> list[Region]:
    """Return the regions that one of Textual's screen updates painted.

    An update of spans repaints each fragment of a line from the fragment's start, though the span may begin
    further right (`ChopsUpdate.render_segments`).
    """
    if not hasattr(update, "chops"):
        return [getattr(update, "region", whole)]
    return [
        Region(start, y, min(end, right) - start, 1)
        for y, left, right in update.spans
        for end, (start, strip) in zip(update.chop_ends[y], update.chops[y].items(), strict=True)
        if strip is not None and start <= right and end > left
    ]


def draw(shown: Iterable[Shown], painted: list[Region], covers: list[Region]) -> str:
    """Return what to write so that the pictures touched by `painted` and not under `covers` are drawn."""
    parts: list[str] = []
    for picture in shown:
        region = picture.region
        if not picture.painted.overlay or not picture.window.contains_region(region):
            continue
        touched = any(region.overlaps(area) for area in painted)
        if touched and not any(region.overlaps(cover) for cover in covers):
            parts.append(f"\x1b[{region.y + 1};{region.x + 1}H{picture.painted.overlay}")
    return f"\x1b7{''.join(parts)}\x1b8" if parts else ""
