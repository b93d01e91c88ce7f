"""The main screen: why the model fails. Causes or classes, their neurons, and the pictures that show it."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING

from textual import events, on
from textual.containers import Horizontal, Vertical
from textual.timer import Timer
from textual.widget import Widget

from ... import jobs
from ...results import FailureMode
from ...text import safe
from ...wording.modes import case_lines
from ...wording.numbers import plural
from ...wording.verifications import verification_sentence
from ..app_state import Topic
from ..case import NO_CASE, TITLE, Case, class_case, mode_case, neuron_case, repaired_case
from ..cue_aim import CueAim, aim_of_class, aim_of_mode
from ..keymap import keys
from ..marks import Marks
from ..on_show import missing, no_classes, no_modes, no_neurons, result_of
from ..widgets.case_words import CaseWords
from ..widgets.class_table import ClassTable
from ..widgets.contact_sheet import ContactSheet
from ..widgets.gallery import Gallery
from ..widgets.mode_table import ModeTable
from ..widgets.neuron_table import NeuronTable
from ..widgets.table import Table
from .marked import MarkedPage
from .page import ALL

if TYPE_CHECKING:
    from textual.notifications import SeverityLevel

SETTLE = 0.12
SEEDS = 2
"""Illusions of a neuron, pushed apart: what they share is the neuron's."""
ENOUGH_TAGS = 8


class TriageScreen(MarkedPage):
    """Shows what is under the cursors, and asks for what is missing once they rest.

    Actions read the cursors themselves, so that keys that arrive together act on what the cursor shows.
    """

    BINDINGS = keys(
        "causes.switch", "causes.compare", "causes.verify", "neuron.visualise", "neuron.visualise-all",
        "neuron.find", "view.tag", "view.repair", "tag.cues", "view.confusion",
        "view.sessions", "view.log", "app.copy", "app.retry",
    )  # fmt: skip

    cancels = (jobs.Job,)
    home = True

    def __init__(self, marks: Marks) -> None:
        super().__init__(ContactSheet(TITLE, "pictures"), marks)
        self._settling: Timer | None = None
        self._chosen = False
        self._seen_through: int | None = None
        self.mode_table, self.class_table = ModeTable("modes"), ClassTable("classes")
        self.neuron_table, self.words = NeuronTable("neurons"), CaseWords(id="words")
        self.causes: Table = self.class_table
        for table in (self.mode_table, self.class_table):
            table.moved = partial(self._row_moved, table)
        self.neuron_table.moved = self._neuron_moved

    def body(self) -> Iterable[Widget]:
        """Lay out the panes and the strip."""
        with Horizontal(id="body"):
            with Vertical(id="lists"):
                yield self.mode_table
                yield self.class_table
                yield self.neuron_table
            with Vertical(id="case"):
                yield self.words
                yield self.sheet
        yield self.strip

    @on(events.Mount)
    def _begin(self) -> None:
        view = self.ni.project.state.view
        self.class_table.sort = view.sort
        self._show_causes(self.class_table)
        self.board_changed(ALL)
        if view.target is not None and self.class_table.go_to(view.target):
            self.neuron_table.go_to(view.neuron)

    def widget_of(self, pane: str) -> Widget:
        """Return the widget that takes the focus of a pane: causes or classes share the first."""
        return self.causes if pane == "causes" else super().widget_of(pane)

    # Under the cursors

    @property
    def mode(self) -> FailureMode | None:
        """The failure mode under the cursor, while the causes are listed."""
        return self.app_state.mode(self.mode_table.key) if self.causes is self.mode_table else None

    @property
    def target(self) -> int | None:
        """The class under the cursor, or the one with most mistakes of the failure mode."""
        if self.causes is self.mode_table:
            mode = self.mode
            return mode.classes[0] if mode and mode.classes else None
        return self.class_table.key if isinstance(self.class_table.key, int) else None

    @property
    def neuron(self) -> int | None:
        """The neuron under the cursor."""
        return self.neuron_table.key if isinstance(self.neuron_table.key, int) else None

    @property
    def aim(self) -> CueAim | None:
        """The cue that the images of what is on show are tagged for."""
        mode, target = self.mode, self.target
        if mode is not None:
            return aim_of_mode(self.app_state, mode)
        if target is None:
            return None
        neurons = self.marked or self.app_state.one_sided(target, self.neuron)
        return aim_of_class(self.app_state, target, neurons)

    def _row_moved(self, table: Table) -> None:
        if table is self.causes:
            self._cause_moved()

    def _cause_moved(self) -> None:
        self.marks.forget_scale()
        self.neuron_table.start_over()
        self.show_neurons()
        self._show_pictures()
        self.what_if_changed()
        self._settle()
        self.refresh_bindings()

    def _neuron_moved(self) -> None:
        if self.pane == "neurons":
            self._show_pictures()
        self._settle()

    @on(events.DescendantFocus)
    def _focus_moved(self) -> None:
        self._show_pictures()
        self._settle()

    def action_switch(self) -> None:
        """List classes instead of causes, or causes again."""
        self._chosen = True
        self._show_causes(self.class_table if self.causes is self.mode_table else self.mode_table)

    def show_class(self, index: int) -> None:
        """List the classes with the cursor on `index`."""
        self.class_table.clear_filter()
        self.class_table.go_to(index)
        self._chosen = True
        self._show_causes(self.class_table)

    def _show_causes(self, table: Table) -> None:
        """List the causes or the classes in the first pane."""
        self.causes = table
        self.set_class(table is self.class_table, "-classes")
        self.action_show_pane("causes")
        self._cause_moved()

    # What the app_state says

    def redraw(self, topics: frozenset[Topic]) -> None:
        """Redraw the panes that show any of `topics`."""
        if topics & {"opened", "modes", "evaluation", "failure", "progress", "repairs", "layers"}:
            self._show_lists(topics)
        if "modes" in topics and self.app_state.failure_modes and not self._chosen:
            self._chosen = True
            self._show_causes(self.mode_table)
        if topics & {"modes", "culprits", "failure", "evaluation", "repairs"}:
            self.show_neurons()
        if topics - {"opened", "log", "report", "exported", "found", "what-if", "progress"}:
            self._show_pictures()
        if topics & {"what-if", "opened", "failure", "tags", "repairs"}:
            self.show_what_if()
        if "found" in topics:
            self._show_found()
        if "verified" in topics:
            self._tell_verified()
        if topics & {"evaluation", "modes", "tags", "repairs"} and self.app_state.evaluation_final:
            self._settle()

    def _show_lists(self, topics: frozenset[Topic]) -> None:
        """Fill the classes and the causes, as the layer that is looked through has them."""
        state = self.app_state
        made, modes = state.seen_through, state.failure_modes or ()
        if made is not None:
            self.class_table.compare(made)
            self.mode_table.compare(modes, self.class_names, made, state.layers.get(made.number))
            self._begin_at_the_worst(made.number)
            return
        self._seen_through = None
        if topics & {"opened", "evaluation", "failure", "repairs"} or state.evaluation is None:
            self.class_table.show(state.evaluation, state.evaluation_final, no_classes(state))
        self.mode_table.show(modes, self.class_names, no_modes(state))

    def _begin_at_the_worst(self, number: int) -> None:
        """Put the focus on what fails most through a layer that is looked through for the first time."""
        if number != self._seen_through:
            self._seen_through = number
            self.causes.go_to(None)
            self.action_show_pane("causes")

    def action_compare(self) -> None:
        """Look through the repaired layer, or through the untouched one again."""
        if not self.app_state.toggle_layer():
            self.notify("No repair is accepted yet: m makes one.", timeout=3)
            return
        self.board_changed(ALL)
        self._cause_moved()

    def action_verify(self) -> None:
        """Load the weights that were accepted last in a fresh process and compare its answers."""
        accepted = self.app_state.accepted
        if accepted is None:
            self.notify("No repair is accepted yet: m makes one.", timeout=3)
        else:
            self.ask(jobs.VerifyRepair(accepted.number))

    def _tell_verified(self) -> None:
        accepted = self.app_state.accepted
        found = self.app_state.verifications.get(accepted.number) if accepted is not None else None
        if found is not None:
            severity: SeverityLevel = "information" if found.holds else "error"
            self.notify(safe(verification_sentence(found), 400), severity=severity, timeout=12, markup=False)

    def show_neurons(self) -> None:
        """Fill the second pane with the neurons of the cause, or the culprits of the class."""
        target, mode = self.target, self.mode
        words = no_neurons(self.app_state, target)
        concepts = self.app_state.concepts_of(target) if target is not None else {}
        repaired = self.app_state.seen_through is not None
        if mode is not None:
            self.neuron_table.show_mode(mode, self.report, self.marked, concepts, repaired)
        else:
            self.neuron_table.show(self.report, self.marked, concepts, words, repaired)

    @property
    def case(self) -> Case:
        """What the pictures show, and the words above them."""
        state, mode, target, neuron = self.app_state, self.mode, self.target, self.neuron
        if target is None:
            return NO_CASE
        if self.pane == "neurons" and neuron is not None:
            culprit = state.culprit(target, neuron)
            words = self.neuron_table.words_for(culprit, neuron, self.class_name(target))
            if state.seen_through is not None:
                words.insert(0, "Measured with the untouched layer: a repair changes its weights alone.")
            return neuron_case(state, target, neuron, words)
        if state.seen_through is not None:
            return repaired_case(state, state.seen_through, target, mode)
        return class_case(state, target, self.cue) if mode is None else mode_case(state, mode, self.cue)

    def _show_pictures(self) -> None:
        case = self.case
        self.sheet.name_it(case.title)
        self.words.show(case.words)
        self.sheet.show(case.sections, case.empty)
        self.ask_thumbnails()

    def _show_found(self) -> None:
        from .dialogs import FoundDialog

        if self.app_state.found:
            target = self.target if self.target is not None else -1
            named = partial(self.app_state.label_of, target)
            self.app.push_screen(FoundDialog(self.app_state.found, named), self._take_found)
        else:
            self.notify("No neuron has such a concept.", severity="warning")

    def next_step(self) -> tuple[str, str]:
        """The key that comes next: look, tag, repair, then the report."""
        accepted = self.app_state.accepted
        if accepted is not None and accepted.number not in self.app_state.verifications:
            return "causes.verify", "verify the exported weights"
        if accepted is not None and not self.app_state.report_directory:
            return "app.report", "write the report"
        if accepted is not None and self.app_state.seen_through is not None and self.target is not None:
            return "view.repair", f"repair on top of repair {accepted.number}"
        if self.target is None:
            return "", ""
        tagged = self.app_state.tag_count(self.cue)
        if tagged >= ENOUGH_TAGS:
            return "view.repair", f"repair with {plural(tagged, 'tag')}"
        return "view.tag", "tag images"

    @on(Gallery.LeftSide)
    def _leave_pictures(self) -> None:
        self.action_show_pane("causes")

    @on(Table.Opened, "#modes")
    @on(Table.Opened, "#classes")
    @on(Table.Opened, "#neurons")
    def _open_row(self) -> None:
        self.action_show_pane("pictures")

    # What is asked for

    def _settle(self) -> None:
        if self._settling is not None:
            self._settling.stop()
        self._settling = self.set_timer(SETTLE, self._ask_for_what_is_missing)

    def _ask_for_what_is_missing(self) -> None:
        for job in missing(self.app_state, self.target, self.neuron, self.mode):
            self.ask(job)
        self.ask_what_if()

    def action_visualise(self) -> None:
        """Make illusions of the neuron under the cursor."""
        if self.target is None or self.neuron is None:
            self.notify("There is no neuron to make illusions of yet.", severity="warning", timeout=3)
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
            self.marks_changed()
            self.neuron_table.go_to(neuron)
            self.action_show_pane("neurons")

    def action_retry(self) -> None:
        """Go on with what was stopped or failed."""
        self.ni.retry()
        self._settle()

    def copied(self) -> str:
        """What has the focus: a picture's path, a neuron, a class or the cause in words."""
        if self.pane == "pictures" and self.sheet.tile is not None:
            return self.sheet.tile.copy
        if self.pane == "neurons" and self.neuron is not None:
            return str(self.neuron)
        if self.mode is not None:
            return " ".join(case_lines(self.mode, self.class_names))
        result = result_of(self.app_state, self.target)
        return result.name if result is not None else ""
