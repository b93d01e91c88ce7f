"""An app that draws screens and pictures as well as its terminal can and as fast as its line takes.

What changed is written by the `Painter`, pictures that lie over the text after it. Who looks, how large a
cell is and what the terminal answers late are followed.
"""

from __future__ import annotations

from dataclasses import replace
from typing import IO, TYPE_CHECKING

from rich.color import ColorSystem
from rich.console import Console
from textual import events, on
from textual._compositor import CompositorUpdate
from textual.app import App
from textual.message import Message

from .app_state import AppState
from .images.chooser import choose, make_encoders, repeats_characters
from .images.encoder import Encoder
from .images.overlay import Overlay
from .images.probe import Terminal, measured_cell, seen_by, with_late_answer
from .images.renderer import CellSize, PictureRenderer
from .images.viewers import Viewer, ViewerWatch
from .screens.page import Page
from .widgets.gallery import Gallery
from .wire.driver import LineClear, TerminalDriver, TerminalReplied
from .wire.painter import Painter
from .wire.replies import is_arrival

if TYPE_CHECKING:
    from rich.console import RenderableType
    from textual.screen import Screen

OVERLAID = ("sixel", "iterm2")
RECHECK = 0.25


class ViewersChanged(Message, bubble=False):
    """Others look at the app through tmux than before."""

    def __init__(self, looking: frozenset[Viewer]) -> None:
        super().__init__()
        self.looking = looking


class PicturesReady(Message, bubble=False):
    """The render_queue prepared a picture."""

    def can_replace(self, message: Message) -> bool:
        """One redraw serves several pictures."""
        return isinstance(message, PicturesReady)


class PaintedApp(App[int]):
    """Draws pictures the way of `images`, a name that `choose` knows, on `terminal`."""

    def __init__(
        self, app_state: AppState, images: str, terminal: Terminal | None, output: IO[str] | None
    ) -> None:
        super().__init__(driver_class=TerminalDriver)
        self.output = output
        if output is not None:
            self.error_console = Console(file=output, markup=False, highlight=False)
        self.app_state, self._images = app_state, images
        self.terminal = terminal or Terminal()
        self.painter = Painter(self._hand_over, self._line_idle, self._line_held, self.terminal.answered)
        self.overlay = Overlay()
        self._late_answer = ""
        self._watch: ViewerWatch | None = None
        self._looked = False
        self.renderer = self._make_renderer()

    @on(events.Mount)
    def _watch_terminal(self) -> None:
        self.app_resume_signal.subscribe(self, lambda _: self.action_redraw())
        if self.terminal.tmux:
            self._watch = ViewerWatch(self._viewers_changed)

    @on(events.Unmount)
    def _end(self) -> None:
        if self._watch is not None:
            self._watch.close()
        self.renderer.render_queue.close()

    @property
    def page(self) -> Page[object] | None:
        """The topmost screen that shows the app_state: on top, or under a dialog."""
        return next((screen for screen in reversed(self.screen_stack) if isinstance(screen, Page)), None)

    def _choose(self) -> tuple[dict[str, Encoder], str, CellSize]:
        """Choose how to draw pictures here, and say why in the log."""
        choice = choose(self._images, self.terminal, not self.no_color)
        self.app_state.note(f"pictures: {choice.way} ({choice.reason})")
        self.painter.repeats = repeats_characters(self.terminal)
        cell = CellSize(*self.terminal.cell) if self.terminal.cell else CellSize()
        return make_encoders(choice, self.terminal), choice.way, cell

    def _make_renderer(self) -> PictureRenderer:
        return PictureRenderer(*self._choose(), self._picture_ready, self._write, self.painter.free)

    def _picture_ready(self) -> None:
        self.post_message(PicturesReady())

    @on(PicturesReady)
    def _redraw_pictures(self) -> None:
        if self.page is not None:
            self.page.redraw_pictures()

    def _write(self, data: str) -> None:
        if self._driver is not None and data:
            self.painter.write(data)

    def _hand_over(self, text: str, asks: bool) -> None:
        if isinstance(self._driver, TerminalDriver):
            self._driver.expected += asks
        if self._driver is not None:
            self._driver.write(text)

    def _line_held(self) -> None:
        """Something waits for the line: look again even if nobody tells that it has cleared."""
        self.set_timer(RECHECK, self._look_again)

    def _look_again(self) -> None:
        self._line_cleared()
        if self.painter.behind:
            self._line_held()

    def _line_idle(self) -> bool:
        return not isinstance(self._driver, TerminalDriver) or self._driver.waiting == 0

    def _display(self, screen: Screen[object], renderable: RenderableType | None) -> None:
        paints = isinstance(self._driver, TerminalDriver) and isinstance(renderable, CompositorUpdate)
        if not paints or self._closed or not self._running:
            super()._display(screen, renderable)
        elif not self._batch_count:
            self.painter.fit(self.size, self.console._color_system or ColorSystem.TRUECOLOR)
            self.painter.take(renderable)
            self._paint()
            self.post_display_hook()

    def _paint(self) -> None:
        """Write what changed, then the pictures that lie over it."""
        screen = self.screen
        cursor = screen.outer_size.clamp_offset(self.cursor_position)
        self.overlay.touch(self.painter.paint(cursor, self._sync_available))
        if self.renderer.way not in OVERLAID:
            return
        shown = [picture for gallery in screen.query(Gallery) for picture in gallery.shown()]
        covers = [toast.region for toast in screen.query("Toast")]
        for picture in self.overlay.due(shown, covers):
            if not self.painter.free():
                break
            self._write(self.overlay.draw(picture))
            self.painter.frame.cover(picture.region)

    def action_redraw(self) -> None:
        """Write everything anew, pictures included: the terminal has lost something."""
        self.renderer.render_queue.send_anew()
        self.painter.forget()
        self.screen.refresh()
        if self.page is not None:
            self.page.arrange_pictures()

    def _viewers_changed(self, looking: frozenset[Viewer]) -> None:
        self.post_message(ViewersChanged(looking))

    @on(ViewersChanged)
    def _draw_for_others(self, message: ViewersChanged) -> None:
        first, self._looked = not self._looked, True
        terminal = seen_by(self.terminal, message.looking)
        # tmux may know less of a terminal that has just attached when the probe asks than at the first look.
        if message.looking and not (first and terminal == self.terminal):
            self._draw_for(terminal)

    def _draw_for(self, terminal: Terminal) -> None:
        """Draw for the terminal that looks now, another one perhaps."""
        if terminal != self.terminal:
            self.terminal = terminal
            self.renderer.adopt(*self._choose())
        self.action_redraw()

    @on(events.Resize)
    def _measure_cells(self) -> None:
        """Read the size of a cell again: a change of the font makes it another."""
        cell = measured_cell()
        if cell is not None and self.terminal.cell is not None and cell != self.terminal.cell:
            self._draw_for(replace(self.terminal, cell=cell))

    @on(LineClear)
    def _line_cleared(self) -> None:
        """Show what had to wait."""
        if self.painter.behind and self.painter.clear:
            self.painter.behind = False
            self._paint()
            self._redraw_pictures()

    @on(TerminalReplied)
    def _take_reply(self, message: TerminalReplied) -> None:
        if not self.terminal.answered:
            self._late_answer += message.text
        if is_arrival(message.text):
            self.painter.pace.answered()
            self._line_cleared()
            if not self.terminal.answered:
                self._adopt_late_answer()

    def _adopt_late_answer(self) -> None:
        """Draw as well as the terminal can: on a slow link or a busy machine it answered after the start."""
        terminal = with_late_answer(self.terminal, self._late_answer.encode())
        if terminal.true_colour:
            self.console._color_system = ColorSystem.TRUECOLOR
        self._draw_for(terminal)

    def draw_with(self, way: str) -> None:
        """Draw pictures another way."""
        self.renderer.way = way
        self.painter.forget()
        self.notify(f"Pictures: {way}", timeout=2)
        if self.page is not None:
            self.page.arrange_pictures()

    def action_images(self) -> None:
        """Draw pictures the next way."""
        self.draw_with(self.renderer.next_way())
