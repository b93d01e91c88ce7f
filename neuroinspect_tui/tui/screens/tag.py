"""The tag screen: the images that teach most as a contact sheet, tagged where they stand."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from textual import events, on
from textual.timer import Timer
from textual.widget import Widget

from ... import jobs
from ...results import ReviewItem
from ...text import safe
from ...wording.cues import carried_words, count_words, probe_advice, rare_words
from ..app_state import Topic
from ..cue_aim import CueAim
from ..keymap import keys
from ..on_show import repair_question
from ..widgets.case_words import CaseWords
from ..widgets.contact_sheet import ContactSheet
from ..widgets.gallery import Section, Tile
from ..widgets.tiles import sample_tile
from ..widgets.what_if import WhatIfStrip
from .sheet_page import SheetPage

ENOUGH_TAGS = 8
SETTLE = 0.5
NO_PREVIEW = f"from {ENOUGH_TAGS} tags on, what m would do with them"


def _doubt(item: ReviewItem) -> float:
    """Return how certain the probe is of its belief; without one, the classifier of its answer."""
    return max(item.belief.values()) if item.belief else item.sample.confidence


SORTS: dict[str, Callable[[ReviewItem], float] | None] = {
    "what teaches most first": None,
    "highest score first": lambda item: -item.score,
    "most doubtful first": _doubt,
    "most confident first": lambda item: -item.sample.confidence,
}


class TagScreen(SheetPage):
    """Images to tag for the cue of `aim`."""

    BINDINGS = keys("tag.none", "tag.sort", "tag.order", "tag.split", "tag.cues", "view.repair", "app.copy")

    def __init__(self, aim: CueAim) -> None:
        super().__init__(ContactSheet(dom_id="tagged"))
        self._aim = aim
        self.split: str | None = None
        self.sort = next(iter(SORTS))
        self.words = CaseWords(id="words")
        self.strip = WhatIfStrip(id="what-if")
        self._settling: Timer | None = None
        self._prepared = False

    def body(self) -> Iterable[Widget]:
        """Lay out the question above the images."""
        yield self.words
        yield self.sheet
        yield self.strip

    @on(events.Mount)
    def _begin(self) -> None:
        self.sheet.focus()
        self.ask(self.job)

    @property
    def aim(self) -> CueAim:
        """The cue that is tagged for."""
        return self._aim

    @property
    def job(self) -> jobs.OrderReview:
        """What proposes the images."""
        return jobs.OrderReview(self.aim.target, self.aim.neurons, cue=self.aim.name, split=self.split)

    @property
    def items(self) -> list[ReviewItem]:
        """The images to tag, in the chosen order."""
        rank, found = SORTS[self.sort], self.app_state.reviews.get(self.job, ())
        return list(found) if rank is None else sorted(found, key=rank)

    def redraw(self, topics: frozenset[Topic]) -> None:
        """Show the images, and what the probe has learned."""
        if topics & {"what-if", "tags", "failure", "opened"}:
            self._show_preview()
        if not topics & {"review", "thumbnails", "tags", "failure", "opened"}:
            return
        opened = self.app_state.opened
        splits = dict.fromkeys(item.sample.split for item in self.items)
        name, split = safe(self.aim.name, 60), self.split or (opened.split if opened else "")
        self.sheet.name_it(f"Tag “{name}” · {' and '.join(splits) or split} · {self.sort}")
        tiles = tuple(self._tile(item) for item in self.items)
        failure = self.app_state.failures.get(self.job)
        ready = self.job in self.app_state.reviews
        waiting = "No image to tag." if ready else "Choosing the images that teach most…"
        self.sheet.show([Section("", tiles)], (safe(failure.line, 400) if failure else waiting,))
        self.words.show(self._lines())
        self.ask_thumbnails()

    @property
    def _question(self) -> jobs.PreviewRepair | None:
        """The repair that `m` would make with these tags, once there are enough of them."""
        if self.app_state.tag_count(self.aim.name) < ENOUGH_TAGS:
            return None
        mode = self.app_state.mode(int(self.aim.source)) if self.aim.origin == "mode" else None
        return repair_question(self.app_state, self.aim.target, mode)

    def _show_preview(self) -> None:
        self.strip.show_preview(self.app_state, self._question, NO_PREVIEW)
        if self._settling is not None:
            self._settling.stop()
        if self._question is not None and not self._prepared:
            self._prepared = True  # what every repair needs is made ready while the user goes on tagging
            self._ask_preview()
        self._settling = self.set_timer(SETTLE, self._ask_preview)

    def _ask_preview(self) -> None:
        """Ask once the keys rest: every tag makes it another repair."""
        job = self._question
        if job is not None and self.app_state.wants(job):
            self.ask(job)

    def _tile(self, item: ReviewItem) -> Tile:
        tag = self.app_state.tag(self.aim.name, item.sample)
        return sample_tile(self.app_state, item.sample, self.class_names, tag, item.score)

    def _lines(self) -> list[str]:
        """Ask the question, and tell how far the tags carry."""
        lines = [f"Which have “{self.aim.name}”?  c has it · x has not · l wrong label"]
        cue = self.app_state.cues.get(self.aim.name)
        if cue is None or cue.probe is None:
            return [*lines, "A few dozen tags teach a probe that carries them to all other images."]
        lines += [probe_advice(cue.tags, cue.probe), count_words(cue.tags), carried_words(cue.probe)]
        return [*lines, *rare_words(cue.probe, self.aim.name, self.class_names)]

    def next_step(self) -> tuple[str, str]:
        """Tag first; then repair."""
        if self.app_state.tag_count(self.aim.name) >= ENOUGH_TAGS:
            return "view.repair", "repair with these tags"
        return "tag.has", "has it (x: has not)"

    def action_sort(self) -> None:
        """Sort by the next key."""
        order = list(SORTS)
        self.sort = order[(order.index(self.sort) + 1) % len(order)]
        self._start_over()

    def action_split(self) -> None:
        """Go on with the images of another split."""
        opened = self.app_state.opened
        if opened is None:
            return
        names = list(opened.splits)
        here = names.index(self.split or opened.split)
        self.split = names[(here + 1) % len(names)]
        self.ask(self.job)
        self._start_over()

    def action_order(self) -> None:
        """Ask for a new order that uses the tags so far."""
        self.ask(self.job)
        self._start_over()

    def _start_over(self) -> None:
        self.sheet.begin, self.sheet.cursor = None, 0
        self.redraw(frozenset({"review"}))

    def copied(self) -> str:
        """The image's path."""
        return self.sheet.tile.copy if self.sheet.tile else ""
