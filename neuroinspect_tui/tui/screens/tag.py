"""The tag screen: image by image in the order that teaches the probe most, one key each, with undo."""

from __future__ import annotations

from collections.abc import Iterable

from textual import events, on
from textual.containers import Horizontal
from textual.reactive import reactive
from textual.widget import Widget

from ... import jobs
from ...results import ReviewItem
from ...results.stored_cues import LONGEST_NAME
from ...text import safe
from ...wording.numbers import neurons
from ..app_state import Topic
from ..keymap import keys
from ..widgets.gallery import Gallery, Section
from ..widgets.pictures import sample_tile
from ..widgets.tag_panel import TagPanel
from .page import Page

AHEAD = 10


class TagScreen(Page[None]):
    """Images of class `target`, ordered by the culprits `neurons`."""

    BINDINGS = keys(
        "tag.cue", "tag.clean", "tag.mislabelled", "tag.skip", "tag.previous", "tag.undo", "tag.order",
        "view.repair", "app.copy",
    )  # fmt: skip

    place: reactive[int] = reactive(0, init=False, repaint=False)

    def __init__(self, target: int, culprits: tuple[int, ...]) -> None:
        super().__init__()
        self.target, self.culprits = target, culprits
        self.picture = Gallery(dom_id="tagged")
        self.picture.can_focus = False
        self.panel = TagPanel(id="tag-panel")
        self.history: list[tuple[ReviewItem, str]] = []

    def body(self) -> Iterable[Widget]:
        """Lay out the picture beside the panel."""
        with Horizontal(id="tag-body"):
            yield self.picture
            yield self.panel

    @on(events.Mount)
    def _begin(self) -> None:
        self.ask(self.job)

    @property
    def cue(self) -> str:
        """The cue that is tagged for: one for each class, named after it."""
        return f"{self.class_name(self.target).strip()[: LONGEST_NAME - 4]} {jobs.DEFAULT_CUE}"

    @property
    def job(self) -> jobs.OrderReview:
        """What proposes the images."""
        return jobs.OrderReview(self.target, self.culprits, cue=self.cue)

    @property
    def tags(self) -> dict[tuple[str, str], str]:
        """The cue's tags by split and path."""
        return self.app_state.tagged.setdefault(self.cue, {})

    @property
    def items(self) -> tuple[ReviewItem, ...]:
        """The images to tag, as proposed."""
        return self.app_state.reviews.get(self.target, ())

    @property
    def item(self) -> ReviewItem | None:
        """The image on show."""
        return self.items[self.place] if self.place < len(self.items) else None

    def redraw(self, topics: frozenset[Topic]) -> None:
        """Show the image, and what the probe has learned."""
        if "review" in topics:
            self.set_reactive(TagScreen.place, min(self.place, max(0, len(self.items) - 1)))
        if topics & {"review", "thumbnails", "tags", "failure", "opened"}:
            self._show()

    def _show(self) -> None:
        name = safe(self.class_name(self.target), 60)
        by = f" · in the order of {neurons(self.culprits, 3)}" if self.culprits else ""
        item = self.item
        count = f"{self.place + 1} of {len(self.items)}" if item else "images"
        self.picture.name_it(f"Tag {count} · {name}{by}")
        if item is None:
            failure = self.app_state.failures.get(self.job)
            ready = self.target in self.app_state.reviews
            words = (
                safe(failure.line, 400)
                if failure
                else "No image to tag."
                if ready
                else "Ordering the images…"
            )
            self.picture.show([], (words,))
        else:
            tile = sample_tile(self.app_state, item.sample, self.class_names)
            self.picture.show([Section("", (tile,), "full")])
            self._ask_thumbnails()
        self.panel.show(
            self.items, self.place, self.app_state, self.class_names, self.target, self.culprits, self.cue
        )

    @on(events.Resize)
    def _resized(self) -> None:
        self.call_after_refresh(self._show)

    def _ask_thumbnails(self) -> None:
        near = self.items[self.place : self.place + AHEAD]
        missing = tuple(
            item.sample.row
            for item in near
            if (item.sample.split, item.sample.row) not in self.app_state.thumbnails
        )
        job = jobs.MakeThumbnails(near[0].sample.split, missing) if missing else None
        if job is not None and not self.app_state.waits_for(job) and job not in self.app_state.failures:
            self.ask(job)

    def _watch_place(self) -> None:
        self._show()

    def action_step(self, steps: int) -> None:
        """Go on or back without tagging."""
        self.place = max(0, min(len(self.items) - 1, self.place + steps))

    def action_tag(self, tag: str) -> None:
        """Tag the image on show and go on."""
        item = self.item
        if item is None:
            return
        before = self.tags.get((item.sample.split, item.sample.path), "")
        self.history.append((item, before))
        self._set(item, tag)
        if self.place + 1 < len(self.items):
            self.place += 1
        else:
            self._show()
            self.notify("That was the last one. r proposes more, m repairs.", title="Tags")

    def _set(self, item: ReviewItem, tag: str) -> None:
        place = (item.sample.split, item.sample.path)
        if tag:
            self.tags[place] = tag
        else:
            self.tags.pop(place, None)
        self.ask(jobs.SetTag(item.sample.split, item.sample.row, tag, self.cue))

    def action_undo(self) -> None:
        """Take the last tag back and return to its image."""
        if not self.history:
            self.notify("Nothing to undo.", timeout=2)
            return
        item, before = self.history.pop()
        self._set(item, before)
        rows = [other.sample.row for other in self.items]
        if item.sample.row in rows:
            self.place = rows.index(item.sample.row)
        self._show()

    def action_order(self) -> None:
        """Ask for a new order that uses the tags so far."""
        self.history.clear()
        self.place = 0
        self.ask(self.job)

    def action_view(self, name: str) -> None:
        """Go on to the repair with these tags."""
        self.ni.view(name)

    def copied(self) -> str:
        """The image's path."""
        return self.item.sample.path if self.item else ""
