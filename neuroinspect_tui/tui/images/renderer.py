"""The app's one place for pictures: which way of drawing is on, and the render_queue that prepares them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .blocks import BlockEncoder
from .encoder import Encoder, Rendered
from .picture import Box, Picture
from .render_queue import RenderQueue


@dataclass(frozen=True)
class CellSize:
    """A character cell in pixels."""

    width: int = 10
    height: int = 20


class PictureRenderer:
    """Draws with `way`, one of `encoders`, or with none."""

    def __init__(
        self, encoders: dict[str, Encoder], way: str, cell: CellSize, ready: Callable[[], None],
        send: Callable[[str], None], clear: Callable[[], bool] = lambda: True,
    ) -> None:  # fmt: skip
        self.encoders, self.way, self.cell = encoders, way, cell
        self.render_queue = RenderQueue(ready, send, clear)
        self._blocks = encoders.get("block") or BlockEncoder()

    def adopt(self, encoders: dict[str, Encoder], way: str, cell: CellSize) -> None:
        """Draw for another terminal: with its encoders, and for its cells."""
        self.render_queue.forget_all()
        self.encoders, self.way, self.cell = encoders, way, cell
        self._blocks = encoders.get("block") or BlockEncoder()

    @property
    def draws(self) -> bool:
        """Whether pictures are drawn at all."""
        return self.way != "none"

    def want(self, picture: Picture, box: Box, masked: bool, dimmed: bool) -> Rendered | str | None:
        """Return the picture prepared for `box`, why it cannot be, or None while it is being prepared.

        Under a dialog (`dimmed`) it is drawn in cells: the tint would change the colours that carry Kitty's
        picture numbers.
        """
        encoder = self._blocks if dimmed else self.encoders.get(self.way, self._blocks)
        return self.render_queue.want(picture, box, masked, encoder)

    def next_way(self) -> str:
        """Switch to the next way of drawing and return its name."""
        ways = [*self.encoders, "none"]
        self.way = ways[(ways.index(self.way) + 1) % len(ways)] if self.way in ways else ways[0]
        return self.way
