"""The images of one cell of the confusion view, or the mistakes of a class, as a wall of thumbnails."""

from __future__ import annotations

from collections.abc import Iterable

from textual import events, on
from textual.widget import Widget

from ... import jobs
from ...results import Sample
from ...text import safe
from ...wording.numbers import number
from ..app_state import Topic
from ..keymap import keys
from ..widgets.gallery import Gallery, Section
from ..widgets.pictures import sample_tile
from .page import Page
from .zoom import ZoomScreen

AHEAD = 24


class SampleGallery(Gallery):
    """The wall; every move of the cursor asks for the thumbnails around it."""

    def _watch_cursor(self) -> None:
        super()._watch_cursor()
        if isinstance(self.screen, SamplesScreen):
            self.screen.ask_thumbnails()


class SamplesScreen(Page[None]):
    """Images of class `target` predicted as `predicted`."""

    BINDINGS = keys("picture.zoom", "app.copy")

    def __init__(self, target: int, predicted: int) -> None:
        super().__init__()
        self.job = jobs.ListSamples(target, predicted, only_mistakes=target != predicted)
        self.gallery = SampleGallery(dom_id="samples")

    def body(self) -> Iterable[Widget]:
        """Lay out the wall."""
        yield self.gallery

    @on(events.Mount)
    def _begin(self) -> None:
        self.gallery.focus()
        if self.job not in self.app_state.samples:
            self.ask(self.job)

    @property
    def samples(self) -> tuple[Sample, ...]:
        """The images, as far as known."""
        return self.app_state.samples.get(self.job, ())

    def redraw(self, topics: frozenset[Topic]) -> None:
        """Show the list, and thumbnails as they come."""
        if not topics & {"samples", "thumbnails", "tags", "failure"}:
            return
        target, predicted = self.job.target, self.job.predicted
        name = safe(self.class_name(target), 60)
        taken = (
            "predicted right"
            if predicted == target
            else f"taken for {safe(self.class_name(predicted or 0), 60)}"
        )
        self.gallery.name_it(f"{name} {taken} · {number(len(self.samples))}")
        tiles = tuple(sample_tile(self.app_state, sample, self.class_names) for sample in self.samples)
        failure = self.app_state.failures.get(self.job)
        words = (safe(failure.line, 400),) if failure else ("Reading the list…",)
        self.gallery.show(
            [Section("", tiles, "medium")],
            ("No such image.",) if self.job in self.app_state.samples else words,
        )
        self.ask_thumbnails()

    def ask_thumbnails(self) -> None:
        """Ask for the thumbnails around the cursor."""
        first = max(0, self.gallery.cursor - AHEAD // 4)
        near = self.samples[first : first + AHEAD]
        missing = tuple(s.row for s in near if (s.split, s.row) not in self.app_state.thumbnails)
        job = jobs.MakeThumbnails(near[0].split, missing) if missing else None
        if job is not None and not self.app_state.waits_for(job) and job not in self.app_state.failures:
            self.ask(job)

    @on(Gallery.Opened)
    def action_zoom(self) -> None:
        """Enlarge the image under the cursor."""
        if self.gallery.tiles:
            self.app.push_screen(ZoomScreen(self.gallery.tiles, self.gallery.cursor, False))

    def copied(self) -> str:
        """The image's path."""
        return self.gallery.tile.copy if self.gallery.tile else ""
