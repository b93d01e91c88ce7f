"""The main screen: classes → neurons → pictures, the mistakes, and the what-if strip below."""

from __future__ import annotations

from collections.abc import Iterable

from textual import events, on
from textual.containers import Horizontal, Vertical
from textual.reactive import reactive
from textual.timer import Timer
from textual.widget import Widget

from ... import jobs
from ...results import ClassResult
from ...text import safe
from ..board import Topic
from ..keymap import keys
from ..widgets.class_table import ClassTable
from ..widgets.gallery import Gallery
from ..widgets.mistake_table import MistakeTable
from ..widgets.neuron_table import NeuronTable
from ..widgets.pictures import PicturesPane
from ..widgets.table import Table
from ..widgets.what_if import WhatIfStrip
from .page import ALL, Page

SETTLE = 0.12
PANES = ("classes", "neurons", "mistakes", "pictures")
THUMBNAILS_AHEAD = 12
NARROW = 110


class TriageScreen(Page[None]):
    """Four panes; on a narrow screen the two columns around the focus are shown."""

    BINDINGS = keys(
        "pane.left", "pane.right", "pane.next", "pane.previous", "pane.classes", "pane.neurons",
        "pane.mistakes", "pane.pictures", "pane.maximise", "pane.restore", "neuron.visualise",
        "neuron.visualise-all", "neuron.find", "whatif.everywhere", "whatif.weaker", "whatif.stronger",
        "view.tag", "view.repair",
        "view.confusion", "view.sessions", "view.log", "app.copy",
    )  # fmt: skip

    cancels = (jobs.Job,)

    target: reactive[int | None] = reactive(None, init=False)
    neuron: reactive[int | None] = reactive(None, init=False)

    def __init__(self) -> None:
        super().__init__()
        self.marks: dict[int, tuple[int, ...]] = {}
        self.everywhere = False
        self.scale = 0.0
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
        self.marks = dict(view.marks)
        self.class_table.sort = view.sort
        self.board_changed(ALL)
        self.class_table.focus()
        if view.target is not None and self.class_table.go_to(view.target):
            self.set_reactive(TriageScreen.target, view.target)
            self.board_changed(ALL)
            self.neuron_table.go_to(view.neuron)

    @property
    def marked(self) -> tuple[int, ...]:
        """The neurons marked for the class on show."""
        return self.marks.get(self.target, ()) if self.target is not None else ()

    @property
    def result(self) -> ClassResult | None:
        """The row of the class on show."""
        found = self.board.evaluation.classes if self.board.evaluation else ()
        return next((c for c in found if c.index == self.target), None)

    # What the board says

    def redraw(self, topics: frozenset[Topic]) -> None:
        """Redraw the panes that show any of `topics`."""
        if topics & {"opened", "evaluation", "failure"}:
            self.class_table.show(self.board.evaluation, self.board.evaluation_final, self._no_classes())
        if topics & {"culprits", "failure"}:
            self._show_neurons()
        if topics & {"culprits", "samples", "tags", "failure"}:
            self._show_mistakes()
        if topics & {"culprits", "pictures", "preview", "thumbnails", "failure", "tags"}:
            self._show_pictures()
        if topics & {"what-if", "opened", "failure"}:
            self._show_what_if()
        if "found" in topics:
            self._show_found()
        if "evaluation" in topics and self.board.evaluation_final:
            self._settle()

    def _no_classes(self) -> tuple[str, ...]:
        failed = next(
            (f for job, f in self.board.failures.items() if isinstance(job, (jobs.Open, jobs.Evaluate))), None
        )
        if failed is not None:
            return ("This did not work:", safe(failed.line, 400), "L shows the details, q quits.")
        if self.board.opened is None:
            return ("Loading the model…", "The classes appear here, worst first.")
        return ("Evaluating…", "Classes fill in as images are read.", "escape stops; what is done is kept.")

    def _show_neurons(self) -> None:
        report = self.board.reports.get(self.target) if self.target is not None else None
        self.neuron_table.show(report, self.marked, self.board.concepts, self._no_neurons())
        key = self.neuron_table.key
        self.neuron = key if isinstance(key, int) and report is not None else None

    def _no_neurons(self) -> tuple[str, ...]:
        failure = self.board.failures.get(jobs.FindCulprits(self.target if self.target is not None else -1))
        if failure is not None:
            return ("No culprits:", safe(failure.line, 400))
        if self.board.evaluation is None:
            return ("Waiting for the classes.",)
        if self.result is not None and self.result.correct == self.result.count:
            return ("No mistakes in this class.", "Choose one with a lower accuracy.")
        if self.target in self.board.reports:
            return (
                "No neuron stands out.",
                "None is among the first five in",
                "more than 3 % of the mistakes.",
            )
        return ("Looking for the culprits…",)

    def _show_mistakes(self) -> None:
        report = self.board.reports.get(self.target) if self.target is not None else None
        samples = report.samples if report else ()
        words = ("No mistakes in this class.",) if report else ("The mistakes appear here.",)
        self.mistake_table.show(samples, self.class_names, self.board.tags, words)

    def _show_pictures(self) -> None:
        sample = self.mistake_table.sample
        if self.mistake_table.has_focus and sample is not None:
            self.pictures.show_mistake(self.board, sample, self.class_names)
        elif self.target is not None and self.neuron is not None:
            self.pictures.show_neuron(self.board, self.target, self.neuron)
        else:
            self.pictures.explain("Pictures of a neuron appear here.", "Choose a class, then a neuron.")

    def _show_what_if(self) -> None:
        strip = self.strip
        if not self.marked:
            strip.explain("mark neurons with space: what happens when they are off?")
            return
        job = self._what_if_job()
        known = self.board.what_ifs.get(job)
        failure = self.board.failures.get(job)
        if failure is not None:
            strip.explain(safe(failure.line, 300))
        elif known is not None:
            strip.show(known)
        else:
            strip.explain("computing…")

    # What the user does

    @on(Table.Highlighted, "#classes")
    def _class_chosen(self, message: Table.Highlighted) -> None:
        if isinstance(message.key, int):
            self.target = message.key

    @on(Table.Highlighted, "#neurons")
    def _neuron_chosen(self, message: Table.Highlighted) -> None:
        if isinstance(message.key, int):
            self.neuron = message.key

    @on(Table.Highlighted, "#mistakes")
    def _mistake_chosen(self) -> None:
        self._show_pictures()
        self._settle()

    def _watch_target(self) -> None:
        self._show_neurons()
        self._show_mistakes()
        self._show_what_if()
        self._ask_what_if()
        self._settle()

    def _watch_neuron(self) -> None:
        self._show_pictures()
        self._settle()

    @on(events.DescendantFocus)
    def _focus_moved(self) -> None:
        self._choose_columns()
        self._show_pictures()
        self._settle()

    @on(events.Resize)
    def _choose_columns(self) -> None:
        """On a narrow screen show the columns around the focus; elsewhere leave the styles alone."""
        at_classes = self.focused is None or self.focused is self.class_table
        self.set_class(at_classes and self.app.size.width < NARROW, "-at-classes")

    def _settle(self) -> None:
        if self._settling is not None:
            self._settling.stop()
        self._settling = self.set_timer(SETTLE, self._ask_for_what_is_on_show)

    def _ask_for_what_is_on_show(self) -> None:
        if self.target is None or not self.board.evaluation_final:
            return
        report = self.board.reports.get(self.target)
        if report is None:
            if self.result is not None and self.result.correct < self.result.count:
                self.ask(jobs.FindCulprits(self.target))
            return
        if self.mistake_table.has_focus:
            self._ask_thumbnails()
        if self.neuron is not None and (self.target, self.neuron) not in self.board.exemplars:
            self.ask(jobs.FindExemplars(self.target, self.neuron))
        self._ask_names()

    def _ask_names(self) -> None:
        assert self.target is not None
        unnamed = tuple(
            neuron
            for neuron in self.board.culprit_neurons(self.target, 30)
            if neuron not in self.board.concepts
        )
        if unnamed and self.board.opened is not None and self.board.opened.clip:
            self.ask(jobs.NameNeurons(self.target, unnamed))

    def _ask_thumbnails(self) -> None:
        rows = [row.key for row in self.mistake_table.rows if isinstance(row.key, int)]
        start = self.mistake_table.cursor
        near = [self.mistake_table.samples[row] for row in rows[start : start + THUMBNAILS_AHEAD]]
        missing = tuple(s.row for s in near if (s.split, s.row) not in self.board.thumbnails)
        if missing:
            self.ask(jobs.MakeThumbnails(near[0].split, missing))

    def _what_if_job(self) -> jobs.AskWhatIf:
        assert self.target is not None
        return jobs.AskWhatIf(self.target, tuple(sorted(self.marked)), self.scale, self.everywhere)

    def _ask_what_if(self) -> None:
        if self.marked and self._what_if_job() not in self.board.what_ifs:
            self.ask(self._what_if_job())

    def _marks_changed(self) -> None:
        self._show_neurons()
        self._show_what_if()
        self._ask_what_if()
        self.ni.save_view()

    def action_mark(self) -> None:
        """Mark or unmark the neuron under the cursor."""
        if self.target is None or self.neuron is None:
            return
        now = self.marked
        rest = tuple(neuron for neuron in now if neuron != self.neuron)
        self.marks[self.target] = rest if self.neuron in now else (*now, self.neuron)
        self._marks_changed()

    def action_unmark_all(self) -> None:
        """Remove the marks of this class."""
        if self.target is not None:
            self.marks.pop(self.target, None)
            self._marks_changed()

    def action_everywhere(self) -> None:
        """Ask the what-if for all classes, or for this one only."""
        self.everywhere = not self.everywhere
        self._marks_changed()

    def action_scale(self, change: float) -> None:
        """Scale the marked neurons instead of switching them off."""
        self.scale = max(0.0, min(3.0, self.scale + change))
        self._marks_changed()

    def action_visualise(self) -> None:
        """Make illusions of the neuron under the cursor."""
        if self.target is None or self.neuron is None:
            self.notify("There is no neuron to visualise yet.", severity="warning", timeout=3)
        else:
            self.ask(jobs.Illustrate(self.target, (self.neuron,)))

    def action_visualise_all(self) -> None:
        """Make illusions of the five first culprits of both lists."""
        neurons = self.board.culprit_neurons(self.target) if self.target is not None else ()
        if self.target is not None and neurons:
            self.ask(jobs.Illustrate(self.target, neurons))

    def action_pane(self, direction: int) -> None:
        """Go to the column on the left or on the right."""
        columns = {"classes": ("classes", "neurons"), "pictures": ("neurons", "pictures")}
        here = self.focused.id if self.focused and self.focused.id in PANES else "classes"
        left, right = columns.get(here or "", ("classes", "pictures"))
        self.action_show_pane(left if direction < 0 else right)

    def action_next_pane(self, direction: int) -> None:
        """Go round the panes."""
        here = self.focused.id if self.focused and self.focused.id in PANES else "classes"
        self.action_show_pane(PANES[(PANES.index(here) + direction) % len(PANES)])

    def action_show_pane(self, name: str) -> None:
        """Focus a pane."""
        pane = self.query_one(f"#{name}", Widget)
        if self.has_class("-maximised"):
            self._maximise(name)
        pane.focus()

    def action_maximise(self, large: bool) -> None:
        """Give the focused pane the whole body, or show all panes again."""
        focused = self.focused.id if self.focused else None
        self._maximise(focused if large and focused in PANES else None)

    def _maximise(self, name: str | None) -> None:
        self.set_class(name is not None, "-maximised")
        for pane in PANES:
            self.query_one(f"#{pane}").set_class(pane == name, "-largest")
        self.query_one("#middle").set_class(name in ("neurons", "mistakes"), "-largest")

    @on(Gallery.LeftSide)
    def _leave_pictures(self) -> None:
        self.action_show_pane("neurons")

    @on(Table.Opened, "#classes")
    def _open_class(self) -> None:
        self.action_show_pane("neurons")

    @on(Table.Opened, "#neurons")
    def _open_neuron(self) -> None:
        self.action_show_pane("pictures")

    def action_view(self, name: str) -> None:
        """Open another screen."""
        self.ni.view(name)

    @on(Gallery.Opened)
    def action_zoom(self) -> None:
        """Enlarge the picture under the cursor."""
        from .zoom import ZoomScreen

        if self.pictures.tiles:
            self.ni.push_screen(ZoomScreen(self.pictures.tiles, self.pictures.cursor, self.pictures.masked))

    @on(Table.Opened, "#mistakes")
    def _open_mistake(self) -> None:
        self.action_zoom()

    def action_find(self) -> None:
        """Find a neuron by its concept."""
        from .dialogs import TextDialog

        self.ni.push_screen(TextDialog("Find neurons that see…", "for example: water"), self._search)

    def _search(self, text: str | None) -> None:
        if text:
            self.ask(jobs.SearchNeurons(text))

    def _show_found(self) -> None:
        from .dialogs import FoundDialog

        if self.board.found:
            self.ni.push_screen(FoundDialog(self.board.found), self._take_found)
        else:
            self.notify("No neuron has such a concept.", severity="warning")

    def _take_found(self, neuron: int | None) -> None:
        if neuron is not None and self.target is not None and neuron not in self.marked:
            self.marks[self.target] = (*self.marked, neuron)
            self._marks_changed()
            self.neuron_table.go_to(neuron)
            self.neuron_table.focus()

    def action_mask(self) -> None:
        """Show where the neuron looks, or the whole picture."""
        self.pictures.masked = not self.pictures.masked

    def copied(self) -> str:
        """A line about what has the focus."""
        if self.pictures.has_focus and self.pictures.tile is not None:
            return self.pictures.tile.copy
        if self.mistake_table.has_focus and self.mistake_table.sample is not None:
            return self.mistake_table.sample.path
        if self.neuron_table.has_focus and self.neuron is not None:
            return str(self.neuron)
        return self.result.name if self.result is not None else ""
