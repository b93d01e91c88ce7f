"""The app: carries requests to the worker and its events to the screens, which hold what is shown."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import IO, TYPE_CHECKING, ClassVar

from textual import events, on
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
from .images.probe import Terminal
from .keymap import KEYS, check_keymap, keys
from .marks import Marks
from .painted_app import PaintedApp
from .protocol import Appearance, AppSession, View, WorkerLike
from .screens.panes import NARROW
from .screens.triage import TriageScreen
from .themes import THEMES
from .widgets.filtered import FilteredTable

if TYPE_CHECKING:
    from textual.command import Provider
    from textual.notifications import SeverityLevel

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


def _commands() -> type[Provider]:
    from .commands import Commands

    return Commands


class NeuroInspectApp(PaintedApp):
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
        self.look = look or Appearance()
        super().__init__(AppState.of(project.state), self.look.images, terminal, output)
        self.HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (NARROW, "-normal"), (170, "-wide")]
        self.project = project
        self.worker: WorkerLike | None = None
        self.triage = TriageScreen(Marks(dict(project.state.view.marks)))
        self.next_session: Path | None = None
        self._printed = ""
        self._hinted = False
        for theme in THEMES.values():
            self.register_theme(theme)
        theme_name = self.look.theme or next(iter(THEMES))
        require_choice("--theme", theme_name, THEMES)
        self.theme = theme_name
        self.set_keymap(check_keymap(self.look.keys))

    # Start and end

    @on(events.Mount)
    def _begin(self) -> None:
        self.push_screen(self.triage)
        self.call_after_refresh(self._start_worker)

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
