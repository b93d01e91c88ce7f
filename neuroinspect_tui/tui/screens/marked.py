"""Marked neurons, and the strip that tells what scaling them, or the next repair, would do."""

from __future__ import annotations

from ... import jobs
from ...results import CulpritReport, FailureMode
from ...text import safe
from ..keymap import keys
from ..marks import Marks
from ..on_show import repair_question
from ..widgets.contact_sheet import ContactSheet
from ..widgets.what_if import WhatIfStrip
from .panes import PanedPage

NO_QUESTION = "space marks a neuron: what if it were off? With tags: what m would do"


class MarkedPage(PanedPage):
    """A page where the neurons of a class can be marked; without any, the strip previews the repair."""

    BINDINGS = keys("whatif.everywhere", "whatif.more", "whatif.less")

    def __init__(self, sheet: ContactSheet, marks: Marks) -> None:
        super().__init__(sheet)
        self.marks = marks
        self.strip = WhatIfStrip(id="what-if")

    @property
    def mode(self) -> FailureMode | None:
        """The failure mode on show."""
        return None

    @property
    def target(self) -> int | None:
        """The class on show."""
        return None

    @property
    def neuron(self) -> int | None:
        """The neuron under the cursor."""
        return None

    def show_neurons(self) -> None:
        """List the neurons with their marks."""

    @property
    def marked(self) -> tuple[int, ...]:
        """The neurons marked for the class on show."""
        return self.marks.of(self.target)

    @property
    def report(self) -> CulpritReport | None:
        """The culprits of the class on show."""
        return self.app_state.reports.get(self.target) if self.target is not None else None

    def _question(self) -> jobs.AskWhatIf | None:
        weak = {culprit.neuron for culprit in self.report.insufficient} if self.report else set()
        return self.marks.question(self.target, weak)

    def _repair_question(self) -> jobs.PreviewRepair | None:
        return repair_question(self.app_state, self.target, self.mode)

    def _show_preview(self) -> None:
        self.strip.show_preview(self.app_state, self._repair_question(), NO_QUESTION)

    def show_what_if(self) -> None:
        """Show what is known of the question."""
        job = self._question()
        if job is None:
            self._show_preview()
        elif job in self.app_state.failures:
            self.strip.explain(safe(self.app_state.failures[job].line, 300))
        elif job in self.app_state.what_ifs:
            self.strip.show(self.app_state.what_ifs[job])
        else:
            self.strip.explain("computing…")

    def ask_what_if(self) -> None:
        """Ask the question, unless it has been answered."""
        job, state = self._question(), self.app_state
        if job is None:
            self._ask_preview()
        elif job not in state.what_ifs and job not in state.failures and not state.waits_for(job):
            self.ask(job)

    def _ask_preview(self) -> None:
        job = self._repair_question()
        if job is not None and self.app_state.wants(job):
            self.ask(job)

    def what_if_changed(self) -> None:
        """Follow another class or other marks."""
        self.show_what_if()
        self.ask_what_if()

    def marks_changed(self) -> None:
        """Show the marks, ask what they would do, and keep them."""
        self.show_neurons()
        self.what_if_changed()
        self.ni.save_view()

    def action_mark(self) -> None:
        """Mark or unmark the neuron under the cursor."""
        if self.target is not None and self.neuron is not None:
            self.marks.toggle(self.target, self.neuron)
            self.marks_changed()

    def action_unmark_all(self) -> None:
        """Remove the marks of this class."""
        if self.target is not None:
            self.marks.clear(self.target)
            self.marks_changed()

    def action_everywhere(self) -> None:
        """Ask the what-if for all classes, or for this one only."""
        self.marks.everywhere = not self.marks.everywhere
        self.marks_changed()

    def action_scale(self, change: float) -> None:
        """Scale the marked neurons instead of switching them off."""
        self.marks.change_scale(change)
        self.marks_changed()
