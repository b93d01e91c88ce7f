"""What all screens share: title line and footer, the app_state, asking for work, hearing what changed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeVar, cast, get_args

from textual import events, on
from textual.app import ComposeResult
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Static

from ...jobs import Job
from ..app_state import AppState, Topic
from ..host import Host
from ..widgets.gallery import Gallery
from ..widgets.header import StatusHeader
from ..widgets.hints import HintBar

Result = TypeVar("Result")
SMALLEST = (60, 16)
ONCE: frozenset[Topic] = frozenset({"exported", "verified", "found", "report"})
ALL: frozenset[Topic] = frozenset(get_args(Topic)) - ONCE


class Page(Screen[Result]):
    """A screen that shows a part of the app_state between the title line and the footer."""

    cancels: tuple[type[Job], ...] = ()
    """Jobs that escape stops here; with none of them running it goes back."""

    home = False
    """Whether this is the first screen, from which no way leads back."""

    def __init__(self) -> None:
        super().__init__()
        self.header = StatusHeader(id="header")
        self.hints = HintBar(back=not self.home, dom_id="hints")

    def compose(self) -> ComposeResult:
        """Lay out the title line, the body and the footer."""
        yield self.header
        yield from self.body()
        yield self.hints
        yield Static(
            f"Please make the window larger: at least {SMALLEST[0]} × {SMALLEST[1]}.", id="too-small"
        )

    def body(self) -> Iterable[Widget]:
        """Yield what lies between the title line and the footer."""
        return ()

    @on(events.Resize)
    def _measure(self) -> None:
        """Say so where nothing useful fits."""
        width, height = self.app.size
        self.set_class(width < SMALLEST[0] or height < SMALLEST[1], "-too-small")

    def next_step(self) -> tuple[str, str]:
        """Return the id of the key that comes next here and what it will do; empty where there is none."""
        return "", ""

    def redraw(self, topics: frozenset[Topic]) -> None:
        """Redraw what depends on `topics`."""

    def redraw_pictures(self) -> None:
        """Draw the pictures that became ready."""
        for gallery in self.query(Gallery):
            gallery.redraw_ready()

    @on(events.ScreenSuspend)
    def arrange_pictures(self) -> None:
        """Draw all pictures anew: a dialog lies over them, or they are drawn another way."""
        for gallery in self.query(Gallery):
            gallery.place_tiles()

    @on(events.ScreenResume)
    def _shown(self) -> None:
        self.arrange_pictures()
        self.board_changed(ALL)

    def board_changed(self, topics: frozenset[Topic]) -> None:
        """Redraw the title line and the body as far as they depend on `topics`."""
        if topics & {"opened", "progress"}:
            job = self.app_state.at_work
            self.header.facts = self.ni.facts()
            hint = "esc cancels" if isinstance(job, self.cancels) else ""
            hint = "stopping…" if job is not None and job == self.app_state.stopping else hint
            progress = self.app_state.progress.get(job) if job else None
            self.header.show_work(
                job, progress, len(self.app_state.pending) - len(self.app_state.running), hint
            )
        self.redraw(topics)
        self.hints.name_next(self.next_step())

    @property
    def ni(self) -> Host:
        """The app, as what it is to its screens."""
        return cast("Host", self.app)

    @property
    def app_state(self) -> AppState:
        """All that is known."""
        return self.ni.app_state

    @property
    def class_names(self) -> Sequence[str]:
        """The class names, as far as known."""
        return self.app_state.class_names

    def class_name(self, index: int) -> str:
        """The name of class `index`, or its number."""
        return self.class_names[index] if 0 <= index < len(self.class_names) else f"class {index}"

    def ask(self, job: Job) -> None:
        """Ask the worker for `job`; asking again moves it to the front."""
        self.ni.ask(job)

    def copied(self) -> str:
        """What `copy` puts on the clipboard here."""
        return ""

    def action_press_key(self, key: str) -> None:
        """Do what `key` does: for clicks on the footer."""
        self.app.simulate_key(key)

    def action_copy(self) -> None:
        """Copy what the screen offers."""
        text = self.copied()
        if text:
            self.ni.copy(text)
        else:
            self.notify("Nothing to copy here.", severity="warning")
