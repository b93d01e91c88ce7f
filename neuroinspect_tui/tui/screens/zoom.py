"""One image as large as the terminal allows, with what is known of it; left and right step on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from textual import events, on
from textual.widget import Widget

from ... import jobs
from ...results import FailureMode, ModeExemplar, Sample
from ...text import safe
from ...wording.modes import brief_title, changed_word
from ...wording.neighbours import label_words
from ...wording.numbers import class_name, percent
from ..app_state import AppState, Topic
from ..images.picture import Picture
from ..keymap import keys
from ..on_show import missing_thumbnails
from ..widgets.case_words import CaseWords
from ..widgets.contact_sheet import PictureSheet
from ..widgets.gallery import Gallery, Section, Tile
from ..widgets.tiles import file_name, sample_tile
from .page import Page

NEAREST = "nearest right images of its class"


class ZoomedPicture(Gallery):
    """One tile of a series; its step keys change the tile."""

    def __init__(self, tiles: Sequence[Tile], index: int) -> None:
        super().__init__(dom_id="zoomed")
        self.series, self.index = tuple(tiles), index

    def action_step(self, steps: int) -> None:
        """Go to another tile."""
        self.index = max(0, min(len(self.series) - 1, self.index + steps))
        self.moved()

    def action_row(self, direction: int) -> None:
        """Up and down step too."""
        self.action_step(direction)


class ZoomScreen(Page[None]):
    """The enlarged picture; beside it, where that was tried, the same without the cue."""

    BINDINGS = keys("picture.mask", "app.copy")

    def __init__(self, tiles: Sequence[Tile], index: int, masked: bool) -> None:
        super().__init__()
        self.picture, self.words = ZoomedPicture(tiles, index), CaseWords(id="words")
        self.picture.masked = masked
        self.picture.moved = self._show
        self.nearest = PictureSheet(NEAREST, "nearest")
        self.nearest.can_focus = False

    def body(self) -> Iterable[Widget]:
        """Lay out the picture below what is known of it."""
        yield self.words
        yield self.picture
        yield self.nearest

    @on(events.Mount)
    def _begin(self) -> None:
        self.picture.focus()
        self._show()

    @property
    def tile(self) -> Tile:
        """The tile on show."""
        return self.picture.series[self.picture.index]

    def _show(self) -> None:
        tile, state = self.tile, self.app_state
        file = f" · {file_name(tile.copy)}" if tile.copy else ""
        self.picture.name_it(f"picture {self.picture.index + 1} of {len(self.picture.series)}{file}")
        found = next(_in_modes(state, tile.copy), None)
        covered = covered_tile(state, *found) if found else None
        tiles = (tile,) if covered is None else (tile, covered)
        self.picture.show([Section("", tiles)])
        self.words.show(list(_facts(state, tile, found)))
        self._show_nearest()

    def _show_nearest(self) -> None:
        """Show the right images of the class that are nearest to this one, once they are known."""
        job, state = self.question, self.app_state
        self.set_class(job is None, "-alone")
        if job is None:
            return
        known = state.neighbours.get(job)
        if known is None:
            self.nearest.show([], ("Looking for similar images…",))
            if job not in state.failures and not state.waits_for(job):
                self.ask(job)
            return
        tiles = tuple(sample_tile(state, sample, self.class_names) for sample in known.right)
        self.nearest.show([Section("", tiles, 1)], ("No image of its class is predicted right.",))
        for missing in missing_thumbnails(state, known.right):
            self.ask(missing)

    @property
    def question(self) -> jobs.FindNeighbours | None:
        """What finds the images nearest to this one; None for pictures that are no image of the data."""
        return question_of(self.tile)

    def redraw(self, topics: frozenset[Topic]) -> None:
        """Show what was found meanwhile."""
        if topics & {"samples", "thumbnails", "failure", "tags"} and self.is_mounted:
            self._show()

    def action_mask(self) -> None:
        """Mask on or off."""
        self.picture.masked = not self.picture.masked

    @on(Gallery.Opened)
    def _back(self) -> None:
        self.dismiss()

    def copied(self) -> str:
        """The picture's path."""
        return self.tile.copy


def question_of(tile: Tile) -> jobs.FindNeighbours | None:
    """Return what finds the images nearest to that of a tile."""
    return jobs.FindNeighbours(tile.sample.split, tile.sample.row) if tile.sample else None


def _in_modes(state: AppState, path: str) -> Iterator[tuple[FailureMode, ModeExemplar]]:
    """Yield the failure modes that show an image."""
    for mode in state.failure_modes or ():
        for exemplar in mode.exemplars:
            if exemplar.path == path:
                yield mode, exemplar


def covered_tile(state: AppState, mode: FailureMode, exemplar: ModeExemplar) -> Tile | None:
    """Return the image without the mode's cue, where that was tried."""
    if not exemplar.covered or exemplar.covered_predicted is None:
        return None
    answer = safe(class_name(state.class_names, exemplar.covered_predicted), 60)
    right = exemplar.covered_predicted == exemplar.label
    caption = (
        (("without it: ", "dim"), (answer, "good" if right else "bad")),
        ((percent(exemplar.covered_confidence, 0), "dim"),),
    )
    return Tile(Picture(state.root / exemplar.covered), caption, exemplar.path, name=changed_word(mode))


def _facts(state: AppState, tile: Tile, found: tuple[FailureMode, ModeExemplar] | None) -> Iterator[str]:
    """Say what is known of an image: its path, answer, groups, tags and failure mode."""
    yield tile.copy or tile.name
    sample = tile.sample
    if sample is not None:
        yield _answer(state, sample)
        tag = state.tag_of(sample)
        groups = ", ".join(f"{column} {value}" for column, value in sample.groups.items())
        known = [f"groups: {groups}" if groups else "", f"tagged: {tag}" if tag else ""]
        if any(known):
            yield " · ".join(filter(None, known))
        question = question_of(tile)
        near = state.neighbours.get(question) if question else None
        if near is not None:
            yield label_words(sample, near, state.class_names)
    if found is not None:
        mode, exemplar = found
        yield f"Score {exemplar.score:.2f} on the cause {brief_title(mode, state.class_names)}."


def _answer(state: AppState, sample: Sample) -> str:
    label, predicted = (class_name(state.class_names, index) for index in (sample.label, sample.predicted))
    how = "right" if sample.label == sample.predicted else f"its label is {label}"
    return f"Predicted as {predicted} with {percent(sample.confidence, 0)} confidence; {how}."
