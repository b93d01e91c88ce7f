"""The app: carries requests to the worker and its events to the screens, which hold what is shown."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, ClassVar

from rich.color import ColorSystem
from rich.console import Console
from textual import events, on
from textual._compositor import CompositorUpdate
from textual.app import App
from textual.message import Message

from .. import jobs
from ..config import require_choice
from ..errors import InputError
from ..events import Event, Failed, Finished, Note, Partial, Preview, Progress
from ..jobs import Job
from ..results import Repair
from ..text import safe
from ..wording.names import short_name
from . import clipboard
from .app_state import AppState, Topic
from .images.chooser import choose, make_encoders, repeats_characters
from .images.encoder import Encoder
from .images.overlay import Overlay
from .images.probe import Terminal, measured_cell, seen_by, with_late_answer
from .images.renderer import CellSize, PictureRenderer
from .images.viewers import Viewer, ViewerWatch
from .keymap import KEYS, check_keymap, keys
from .marks import Marks
from .protocol import Appearance, AppSession, View, WorkerLike
from .screens.page import Page
from .screens.panes import NARROW
from .screens.triage import TriageScreen
from .themes import THEMES
from .widgets.filtered import FilteredTable
from .widgets.gallery import Gallery
from .wire.driver import LineClear, TerminalDriver, TerminalReplied
from .wire.painter import Painter
from .wire.replies import is_arrival

if TYPE_CHECKING:
    from rich.console import RenderableType
    from textual.command import Provider
    from textual.notifications import SeverityLevel
    from textual.screen import Screen

OVERLAID = ("sixel", "iterm2")
RECHECK = 0.25
MESSAGE_INKS = {"information": "$accent", "warning": "$warning", "error": "$error"}
LAST_LATIN = 0x24F
REPLACED = (Progress, Partial, Preview)


class WorkerSaid(Message, bubble=False):
    """An event of the worker, on its way to the interface's thread."""

    def __init__(self, event: Event) -> None:
        super().__init__()
        self.event = event

    def can_replace(self, message: Message) -> bool:
        """Newer progress replaces older progress that was not shown yet."""
        if not isinstance(message, WorkerSaid) or not isinstance(self.event, REPLACED):
            return False
        return _subject(message.event) == _subject(self.event)


def _subject(event: Event) -> tuple[object, ...]:
    seed = (event.neuron, event.seed) if isinstance(event, Preview) else ()
    return type(event), getattr(event, "job", None), seed


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


def _commands() -> type[Provider]:
    from .commands import Commands

    return Commands


class NeuroInspectApp(App[int]):
    """NeuroInspect in a terminal."""

    TITLE = "NeuroInspect"
    CSS_PATH = "neuroinspect.tcss"
    COMMANDS: ClassVar[set[type[Provider] | Callable[[], type[Provider]]]] = {_commands}
    BINDINGS = keys(
        "app.back", "app.report", "app.images", "app.redraw", "app.theme", "app.commands", "app.help",
        "app.suspend", "app.quit", "app.quit-now",
    )  # fmt: skip

    def __init__(
        self, project: AppSession, look: Appearance | None = None, terminal: Terminal | None = None,
        output: IO[str] | None = None,
    ) -> None:  # fmt: skip
        super().__init__(driver_class=TerminalDriver)
        self.output = output
        if output is not None:
            self.error_console = Console(file=output, markup=False, highlight=False)
        self.HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (NARROW, "-normal"), (170, "-wide")]
        self.project = project
        self.look = look or Appearance()
        self.app_state = AppState.of(project.state)
        self.worker: WorkerLike | None = None
        self.triage = TriageScreen(Marks(dict(project.state.view.marks)))
        self.next_session: Path | None = None
        self._printed = ""
        self._hinted = False
        self.terminal = terminal or Terminal()
        self.painter = Painter(self._hand_over, self._line_idle, self._line_held, self.terminal.answered)
        self.overlay = Overlay()
        self._late_answer = ""
        self._watch: ViewerWatch | None = None
        self.renderer = self._make_renderer()
        for theme in THEMES.values():
            self.register_theme(theme)
        theme_name = self.look.theme or next(iter(THEMES))
        require_choice("--theme", theme_name, THEMES)
        self.theme = theme_name
        self.set_keymap(check_keymap(self.look.keys))

    def _choose(self) -> tuple[dict[str, Encoder], str, CellSize]:
        """Choose how to draw pictures here, and say why in the log."""
        choice = choose(self.look.images, self.terminal, not self.no_color)
        self.app_state.note(f"pictures: {choice.way} ({choice.reason})")
        self.painter.repeats = repeats_characters(self.terminal)
        cell = CellSize(*self.terminal.cell) if self.terminal.cell else CellSize()
        return make_encoders(choice, self.terminal), choice.way, cell

    def _make_renderer(self) -> PictureRenderer:
        return PictureRenderer(*self._choose(), self._picture_ready, self._write, self.painter.free)

    # Start and end

    @on(events.Mount)
    def _begin(self) -> None:
        self.app_resume_signal.subscribe(self, lambda _: self.action_redraw())
        self.push_screen(self.triage)
        self.call_after_refresh(self._start_worker)
        if self.terminal.tmux:
            self._watch = ViewerWatch(self._viewers_changed)

    def _start_worker(self) -> None:
        self.worker = self.project.make_worker(self._worker_said)
        self.ask(jobs.Open())
        self.ask(jobs.Evaluate())
        if self.project.tour and not self.project.state.view.toured:
            from .screens.dialogs import TourDialog

            self.push_screen(TourDialog())

    def view_now(self) -> View:
        """What is looked at and marked at the moment."""
        triage = self.triage
        return View(triage.target, triage.neuron, triage.class_table.sort, dict(triage.marks.neurons), True)

    def save_view(self) -> None:
        """Keep what is looked at and marked for the next time, if the disk takes it."""
        try:
            self.project.save_view(self.view_now())
        except InputError as error:
            self.app_state.note(f"the view could not be saved: {error}")

    @on(events.Unmount)
    def _end(self) -> None:
        if self._watch is not None:
            self._watch.close()
        self.renderer.render_queue.close()

    def open_session(self, root: Path) -> None:
        """Close this session and open the one in `root`."""
        self.next_session = root
        self.action_quit_now()

    def action_leave(self) -> None:
        """Go back; from the main screen, quit."""
        if len(self.screen_stack) > 2:
            self.pop_screen()
        else:
            self.action_quit_now()

    def action_quit_now(self) -> None:
        """Quit; ask first if work would be lost."""
        lost = self.app_state.would_be_lost
        if not lost:
            self._leave(True)
            return
        from .screens.dialogs import ConfirmDialog

        names = [job.label for job in lost]
        self.push_screen(ConfirmDialog("Work is under way. Quit?", names, "quit", "stay"), self._leave)

    def _leave(self, yes: bool | None) -> None:
        if not yes:
            self.next_session = None
            return
        self.save_view()
        if self.worker is not None:
            self.worker.cancel()
        self.renderer.render_queue.close()
        self.exit(0)

    @property
    def page(self) -> Page[object] | None:
        """The topmost screen that shows the app_state: on top, or under a dialog."""
        return next((screen for screen in reversed(self.screen_stack) if isinstance(screen, Page)), None)

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: SeverityLevel = "information",
        timeout: float | None = None,
        markup: bool = True,
    ) -> None:
        """Say something in the title line, where it covers nothing, and keep warnings in the log."""
        words = f"{title}: {message}" if title else message
        page = self.page
        if page is not None:
            page.header.say(words, MESSAGE_INKS[severity], timeout or 5.0)

    # The worker

    def _worker_said(self, event: Event) -> None:
        self.post_message(WorkerSaid(event))

    @on(WorkerSaid)
    def _take_in(self, message: WorkerSaid) -> None:
        self._say_if_known(message.event)
        topics = self.app_state.apply(message.event)
        if isinstance(message.event, Failed):
            self._report_failure(message.event)
        if isinstance(message.event, Note) and message.event.level == "warning":
            self.notify(safe(message.event.text, 400), severity="warning", timeout=10, markup=False)
        if "report" in topics:
            directory = safe(self.app_state.report_directory)
            words = f"The report is {directory}/report.html. Press y to copy the path."
            self.notify(words, title="Report", timeout=10, markup=False)
        self._tell(topics)

    def log_line(self, text: str) -> None:
        """Put into the log what others wrote to standard output or error; callable from any thread."""
        self._worker_said(Note(safe(text, 4000)))

    def _print(self, text: str, stderr: bool = False) -> None:
        """Take what Python code of this process prints."""
        if self.is_headless:
            super()._print(text, stderr)
            return
        *lines, self._printed = (self._printed + text).split("\n")
        for line in lines:
            if line.strip():
                self.log_line(line)

    def _say_if_known(self, event: Event) -> None:
        """Say so where a repair that was asked for has been made before."""
        match event:
            case Finished(jobs.RepairHead(), Repair() as repair) if repair.number in self.app_state.repairs:
                self.notify(f"It has been made before: repair {repair.number}.")

    def _tell(self, topics: frozenset[Topic]) -> None:
        if self.page is not None:
            self.page.board_changed(topics)

    def _report_failure(self, event: Failed) -> None:
        if isinstance(event.job, (jobs.Open, jobs.Evaluate)):
            from .screens.log import ErrorPanel

            self.push_screen(ErrorPanel(event.line, event.detail))
        else:
            words = f"{safe(event.line, 400)}\nL shows the details."
            self.notify(words, title=event.job.label.capitalize(), severity="error", timeout=10, markup=False)

    def ask(self, job: Job) -> None:
        """Submit a job; asking for one that waits moves it to the front."""
        if self.worker is None:
            return
        self.app_state.ask(job)
        self.worker.submit(job)
        self._tell(frozenset({"progress"}))

    def retry(self) -> None:
        """Ask again for what failed, and go on with a stopped evaluation."""
        failed = list(self.app_state.failures)
        self.app_state.failures.clear()
        wanted: list[Job] = [jobs.Open()] if self.app_state.opened is None else []
        wanted += [jobs.Evaluate()] if not self.app_state.evaluation_final else []
        wanted += [jobs.FindFailureModes()] if self.app_state.failure_modes is None else []
        for job in dict.fromkeys([*wanted, *failed]):
            self.ask(job)
        if not wanted and not failed:
            self.notify("Nothing was stopped and nothing failed.", timeout=3)

    def facts(self) -> tuple[str, ...]:
        """The title line's parts: what was opened, or before that what was asked for."""
        opened, facts = self.app_state.opened, self.project.facts
        if opened is None:
            named = (facts.model, facts.data, facts.split, facts.device)
        else:
            named = (opened.model, opened.data, opened.split, opened.device)
        model, data = (safe(short_name(part), 60) for part in named[:2])
        split, device = (safe(part, 40) for part in named[2:])
        other = (
            f"process {self.app_state.elsewhere} works here, yours waits" if self.app_state.elsewhere else ""
        )
        return tuple(part for part in (other, model, f"{data}/{split}" if split else data, device) if part)

    # Pictures

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
        if message.looking:
            self._draw_for(seen_by(self.terminal, message.looking))

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

    # Screens

    def view(self, name: str) -> None:
        """Open a screen by name."""
        from . import views

        views.open_view(self, self.triage, name)

    def show_class(self, index: int) -> None:
        """Go to the main screen with class `index`."""
        while len(self.screen_stack) > 2:
            self.pop_screen()
        self.triage.show_class(index)

    async def action_back(self) -> None:
        """Drop a filter, stop the job that this screen waits for, or go back."""
        if isinstance(self.focused, FilteredTable) and self.focused.clear_filter():
            return
        running = self.app_state.at_work
        if self.page is not None and isinstance(running, self.page.cancels) and self.worker:
            self.app_state.stopping = running
            self.worker.cancel()
            self._tell(frozenset({"progress"}))
        elif len(self.screen_stack) > 2:
            self.pop_screen()

    @on(events.Key)
    def _hint_at_layout(self, event: events.Key) -> None:
        """A letter that reached nobody and is not Latin: say once why the keys do nothing."""
        letter = event.character or ""
        if not self._hinted and letter.isalpha() and ord(letter) > LAST_LATIN:
            self._hinted = True
            self.notify("The keys are Latin letters: switch the keyboard's layout.", timeout=8)

    def action_help_quit(self) -> None:
        """What Ctrl-C does: nothing is stopped by a slip."""
        self.notify("q quits, escape stops the job that runs.", timeout=3)

    def action_help(self) -> None:
        """Show the keys that work here, and all others."""
        from .screens.help import HelpScreen

        here = [active.binding for active in self.screen.active_bindings.values()]
        self.push_screen(HelpScreen(here))

    def action_report(self) -> None:
        """Write the report files."""
        self.ask(jobs.WriteReport())

    def action_next_theme(self) -> None:
        """Change the colours."""
        names = list(THEMES)
        place = names.index(self.theme) if self.theme in names else -1
        self.theme = names[(place + 1) % len(names)]
        self.notify(f"Theme: {self.theme}", timeout=2)

    def copy(self, text: str) -> None:
        """Put `text` on the clipboard of the user's terminal."""
        clipboard.copy(text, self._write)
        self.notify(f"Copied: {safe(text, 120)}", timeout=3, markup=False)

    def keys_of(self, name: str) -> str:
        """The keys of a binding id as they are mapped now."""
        from textual.binding import Binding

        mapped = self._keymap.get(name, KEYS[name].keys)
        bindings = Binding.make_bindings([Binding(mapped, "", "", id=name)])
        return " ".join(self.get_key_display(binding) for binding in bindings)
