"""The main screen: classes → neurons → pictures, the mistakes, and the what-if strip below."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from textual import events, on
from textual.containers import Horizontal, Vertical
from textual.reactive import reactive
from textual.timer import Timer
from textual.widget import Widget

from ... import jobs
from ...text import safe
from ..app_state import Topic
from ..keymap import keys
from ..marks import Marks
from ..on_show import missing, no_classes, no_neurons, result_of
from ..widgets.class_table import ClassTable
from ..widgets.gallery import Gallery
from ..widgets.mistake_table import MistakeTable
from ..widgets.neuron_table import NeuronTable
from ..widgets.pictures import PicturesPane
from ..widgets.table import Table
from ..widgets.what_if import WhatIfStrip
from .page import ALL
from .panes import PanedPage

SETTLE = 0.12
THUMBNAILS_AHEAD = 12
SEEDS = 2
"""Illusions of a neuron, pushed apart: what they share is the neuron's."""


class TriageScreen(PanedPage):
    """Shows the class `target` and its `neuron`, and asks for what is missing once the cursor rests."""

    BINDINGS = keys(
        "neuron.visualise", "neuron.visualise-all", "neuron.find", "whatif.everywhere", "whatif.more",
        "whatif.less", "view.tag", "view.repair", "view.confusion", "view.sessions", "view.log",
        "app.copy", "app.retry",
    )  # fmt: skip

    cancels = (jobs.Job,)
    home = True

    target: reactive[int | None] = reactive(None, init=False, repaint=False)
    neuron: reactive[int | None] = reactive(None, init=False, repaint=False)

    def __init__(self, marks: Marks) -> None:
        super().__init__()
        self.marks = marks
        self._settling: Timer | None = None
        self.class_table, self.neuron_table = ClassTable(dom_id="classes"), NeuronTable(dom_id="neurons")
        self.mistake_table, self.pictures = MistakeTable(dom_id="mistakes"), PicturesPane(dom_id="pictures")
        self.strip = WhatIfStrip(id="what-if")

    def body(self) -> Iterable[Widget]:
        """Lay out the panes and the strip."""
        with Horizontal(id="body"):
            yield self.class_table
            with Vertical(id="middle"):
                yield self.neuron_table
                yield self.mistake_table
            yield self.pictures
        yield self.strip

    @on(events.Mount)
    def _begin(self) -> None:
        view = self.ni.project.state.view
        self.class_table.sort = view.sort
        self.board_changed(ALL)
        self.class_table.focus()
        if view.target is not None and self.class_table.go_to(view.target):
            self.target = view.target
            self.neuron_table.go_to(view.neuron)

    @property
    def marked(self) -> tuple[int, ...]:
        """The neurons marked for the class on show."""
        return self.marks.of(self.target)

    # What the app_state says

    def redraw(self, topics: frozenset[Topic]) -> None:
        """Redraw the panes that show any of `topics`."""
        if topics & {"opened", "evaluation", "failure"} or self.app_state.evaluation is None:
            self.class_table.show(
                self.app_state.evaluation, self.app_state.evaluation_final, no_classes(self.app_state)
            )
        if topics & {"culprits", "failure", "evaluation"}:
            self._show_neurons()
        if topics & {"culprits", "samples", "tags", "failure", "evaluation"}:
            self._show_mistakes()
        if topics & {"culprits", "pictures", "preview", "thumbnails", "failure", "tags"}:
            self._show_pictures()
        if topics & {"what-if", "opened", "failure"}:
            self._show_what_if()
        if "found" in topics:
            self._show_found()
        if "evaluation" in topics and self.app_state.evaluation_final:
            self._settle()

    def _show_neurons(self) -> None:
        report = self.app_state.reports.get(self.target) if self.target is not None else None
        words = no_neurons(self.app_state, self.target)
        concepts = self.app_state.concepts_of(self.target) if self.target is not None else {}
        self.neuron_table.show(report, self.marked, concepts, words)
        key = self.neuron_table.key
        self.neuron = key if isinstance(key, int) and report is not None else None

    def _show_mistakes(self) -> None:
        report = self.app_state.reports.get(self.target) if self.target is not None else None
        samples = report.samples if report else ()
        words = ("No mistakes in this class.",) if report else ("The mistakes appear here.",)
        evaluation = self.app_state.evaluation
        groups = [g for g in evaluation.groups if g.class_index == self.target] if evaluation else []
        self.mistake_table.show(samples, self.class_names, self.app_state.tag_of, groups, words)

    def _show_pictures(self) -> None:
        sample = self.mistake_table.sample
        if self.mistake_table.has_focus and sample is not None:
            self.pictures.show_mistake(self.app_state, sample, self.class_names)
        elif self.target is not None and self.neuron is not None:
            self.pictures.show_neuron(self.app_state, self.target, self.neuron)
        else:
            self.pictures.explain("Pictures of a neuron appear here.", "Choose a class, then a neuron.")

    def _question(self) -> jobs.AskWhatIf | None:
        report = self.app_state.reports.get(self.target) if self.target is not None else None
        weak = {culprit.neuron for culprit in report.insufficient} if report else set()
        return self.marks.question(self.target, weak)

    def _show_what_if(self) -> None:
        job = self._question()
        if job is None:
            self.strip.explain("mark neurons with space: what if ▲ were stronger, ▼ off?")
        elif job in self.app_state.failures:
            self.strip.explain(safe(self.app_state.failures[job].line, 300))
        elif job in self.app_state.what_ifs:
            self.strip.show(self.app_state.what_ifs[job])
        else:
            self.strip.explain("computing…")

    def _show_found(self) -> None:
        from .dialogs import FoundDialog

        if self.app_state.found:
            target = self.target if self.target is not None else -1
            named = partial(self.app_state.label_of, target)
            self.app.push_screen(FoundDialog(self.app_state.found, named), self._take_found)
        else:
            self.notify("No neuron has such a concept.", severity="warning")

    # Where the cursor is

    @on(Table.Highlighted, "#classes")
    def _class_chosen(self) -> None:
        if isinstance(self.class_table.key, int):
            self.target = self.class_table.key

    @on(Table.Highlighted, "#neurons")
    def _neuron_chosen(self) -> None:
        if isinstance(self.neuron_table.key, int):
            self.neuron = self.neuron_table.key

    @on(Table.Highlighted, "#mistakes")
    @on(events.DescendantFocus)
    def _pictures_chosen(self) -> None:
        self._show_pictures()
        self._settle()

    def _watch_target(self) -> None:
        self.marks.forget_scale()
        self.neuron_table.start_over()
        self._show_neurons()
        self._show_mistakes()
        self._what_if_changed()
        self._settle()

    def _watch_neuron(self) -> None:
        self._show_pictures()
        self._settle()

    @on(Gallery.LeftSide)
    def _leave_pictures(self) -> None:
        self.action_show_pane("neurons")

    @on(Table.Opened, "#classes")
    def _open_class(self) -> None:
        self.action_show_pane("neurons")

    @on(Table.Opened, "#neurons")
    def _open_neuron(self) -> None:
        self.action_show_pane("pictures")

    # What is asked for

    def _settle(self) -> None:
        if self._settling is not None:
            self._settling.stop()
        self._settling = self.set_timer(SETTLE, self._ask_for_what_is_missing)

    def _ask_for_what_is_missing(self) -> None:
        near = self.mistake_table.near(THUMBNAILS_AHEAD) if self.mistake_table.has_focus else ()
        for job in missing(self.app_state, self.target, self.neuron, near):
            self.ask(job)
        self._ask_what_if()

    def _ask_what_if(self) -> None:
        job = self._question()
        known = job is None or job in self.app_state.what_ifs or job in self.app_state.failures
        if job is not None and not known and not self.app_state.waits_for(job):
            self.ask(job)

    def _what_if_changed(self) -> None:
        self._show_what_if()
        self._ask_what_if()

    def _marks_changed(self) -> None:
        self._show_neurons()
        self._what_if_changed()
        self.ni.save_view()

    def action_mark(self) -> None:
        """Mark or unmark the neuron under the cursor."""
        if self.target is not None and self.neuron is not None:
            self.marks.toggle(self.target, self.neuron)
            self._marks_changed()

    def action_unmark_all(self) -> None:
        """Remove the marks of this class."""
        if self.target is not None:
            self.marks.clear(self.target)
            self._marks_changed()

    def action_everywhere(self) -> None:
        """Ask the what-if for all classes, or for this one only."""
        self.marks.everywhere = not self.marks.everywhere
        self._marks_changed()

    def action_scale(self, change: float) -> None:
        """Scale the marked neurons instead of switching them off."""
        self.marks.change_scale(change)
        self._marks_changed()

    def action_visualise(self) -> None:
        """Make illusions of the neuron under the cursor."""
        if self.target is None or self.neuron is None:
            self.notify("There is no neuron to visualise yet.", severity="warning", timeout=3)
        else:
            self._illustrate((self.neuron,))

    def action_visualise_all(self) -> None:
        """Make illusions of the five first culprits of both lists."""
        neurons = self.app_state.culprit_neurons(self.target) if self.target is not None else ()
        if self.target is not None and neurons:
            self._illustrate(neurons)

    def _illustrate(self, neurons: tuple[int, ...]) -> None:
        assert self.target is not None
        self.ask(jobs.Illustrate(self.target, neurons, pictures=SEEDS * len(neurons)))

    def action_find(self) -> None:
        """Find a neuron by its concept."""
        from .dialogs import TextDialog

        self.app.push_screen(TextDialog("Find neurons that see…", "for example: water"), self._search)

    def _search(self, text: str | None) -> None:
        if text:
            self.ask(jobs.SearchNeurons(text))

    def _take_found(self, neuron: int | None) -> None:
        if neuron is not None and self.target is not None and neuron not in self.marked:
            self.marks.toggle(self.target, neuron)
            self._marks_changed()
            self.neuron_table.go_to(neuron)
            self.set_focus(self.neuron_table)

    def action_retry(self) -> None:
        """Go on with what was stopped or failed."""
        self.ni.retry()
        self._settle()

    # Other screens and the clipboard

    def action_view(self, name: str) -> None:
        """Open another screen."""
        self.ni.view(name)

    @on(Gallery.Opened)
    @on(Table.Opened, "#mistakes")
    def action_zoom(self) -> None:
        """Enlarge the picture under the cursor."""
        from .zoom import ZoomScreen

        if self.pictures.tiles:
            self.app.push_screen(ZoomScreen(self.pictures.tiles, self.pictures.cursor, self.pictures.masked))

    def action_mask(self) -> None:
        """Show where the neuron looks, or the whole picture."""
        self.pictures.masked = not self.pictures.masked

    def copied(self) -> str:
        """What has the focus: a picture's path, an image's path, a neuron or a class."""
        if self.pictures.has_focus and self.pictures.tile is not None:
            return self.pictures.tile.copy
        if self.mistake_table.has_focus and self.mistake_table.sample is not None:
            return self.mistake_table.sample.path
        if self.neuron_table.has_focus and self.neuron is not None:
            return str(self.neuron)
        result = result_of(self.app_state, self.target)
        return result.name if result is not None else ""
