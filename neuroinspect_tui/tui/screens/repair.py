"""The repair screen: choose a method, see its verdict beside the controls, accept and export or discard."""

from __future__ import annotations

from collections.abc import Iterable

from textual import events, on
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widget import Widget

from ... import jobs
from ...repair_methods import REPAIRS, RepairMethod
from ...results import Repair
from ...text import safe
from ...wording.modes import brief_title
from ...wording.numbers import listed, neurons, number
from ...wording.verdicts import outcome_words, verdict_sentence
from ...wording.verifications import differing_lines, verification_sentence
from ..app_state import Topic
from ..keymap import keys
from ..widgets.case_words import CaseWords
from ..widgets.changes import ChangesTable
from ..widgets.contact_sheet import PictureSheet
from ..widgets.gallery import Gallery
from ..widgets.repair_parts import MethodTable, RepairTable, method_lines, repair_lines
from ..widgets.table import Table
from ..widgets.tiles import flip_sections
from ..widgets.verdict import VerdictTable
from .dialogs import ConfirmDialog
from .picture_page import PicturePage

PANES = ("methods", "repairs", "flips")


class RepairScreen(PicturePage[PictureSheet]):
    """Repairs for class `target`, or for a failure `mode` that is most frequent in it.

    `culprits` are the marked neurons, or the five first of both lists; `base` is the repair on top of which
    new ones are made.
    """

    BINDINGS = keys(
        "pane.next",
        "pane.previous",
        "pane.methods",
        "pane.repairs",
        "pane.flips",
        "tag.cues",
        "repair.accept",
        "repair.verify",
        "repair.discard",
        "view.tag",
        "app.copy",
    )
    cancels = (jobs.RepairHead, jobs.ExportRepair, jobs.VerifyRepair)

    def __init__(
        self,
        target: int,
        culprits: tuple[int, ...],
        marked: bool,
        mode: int | None = None,
        base: int | None = None,
    ) -> None:
        super().__init__(PictureSheet(dom_id="flips"))
        self.target, self.culprits, self.marked, self.mode, self.base = target, culprits, marked, mode, base
        self._looked_at: int | None = None
        self.methods, self.verdict = MethodTable("methods"), VerdictTable("verdict")
        self.words, self.repairs = CaseWords(id="words"), RepairTable("repairs")
        self.changes = ChangesTable("changes")
        for table in (self.methods, self.repairs):
            table.moved = self._show

    def body(self) -> Iterable[Widget]:
        """Lay out methods and repairs beside the verdict in words, its lines and the classes."""
        with Horizontal(id="repair-body"):
            with Vertical(id="repair-lists"):
                yield self.methods
                yield self.repairs
            with Vertical():
                yield self.words
                yield self.verdict
                with Horizontal(id="after"):
                    yield self.changes
                    yield self.sheet

    @on(events.Mount)
    def _begin(self) -> None:
        mode = self.app_state.mode(self.mode) if self.mode is not None else None
        what = brief_title(mode, self.class_names) if mode else self.class_name(self.target)
        self.methods.border_title = Content(f"1 Repair {safe(what, 40)}")
        self.methods.fill()
        self.methods.focus()

    @property
    def shown(self) -> Repair | None:
        """The repair whose verdict is on show."""
        number = self._looked_at
        if self.repairs.has_focus:
            number = self.repairs.key if isinstance(self.repairs.key, int) else None
        elif self.methods.has_focus or number not in self.app_state.repairs:
            number = self.app_state.repair_of(self.target)
        return self.app_state.repairs.get(number) if number is not None else None

    def redraw(self, topics: frozenset[Topic]) -> None:
        """Show new repairs and progress."""
        if "exported" in topics and self.shown is not None and self.shown.weights:
            words = f"Repaired weights are in {safe(self.weights)}. Press y to copy the path."
            self.notify(words, timeout=12, markup=False)
        if topics & {"layers", "thumbnails", "failure"}:
            self._show_flips(self.shown)
        if topics & {"repairs", "failure", "tags", "opened"}:
            self.repairs.show(self.app_state.repairs)
            latest = self.app_state.repair_of(self.target)
            if "repairs" in topics and latest is not None:
                self.repairs.go_to(latest, announce=False)
            self._show()

    def _show(self) -> None:
        self.refresh_bindings()
        self.verdict.show(self.shown, self._nothing())
        self.changes.show(self.shown)
        self._looked_at = self.shown.number if self.shown is not None else None
        self._show_flips(self.shown)
        self.words.show(self._lines())
        self.hints.name_next(self.next_step())

    def _show_flips(self, made: Repair | None) -> None:
        """Show the images that the repair fixed and broke, once they are known."""
        layer = self.app_state.layers.get(made.number) if made is not None else None
        if made is None or layer is None:
            self.sheet.name_it("3 Fixed and broken images")
            self.sheet.show([], self._no_flips(made))
            return
        fixed, broken = len(layer.of("fixed")), len(layer.of("broken"))
        self.sheet.name_it(f"3 Fixed {number(fixed)} · broken {number(broken)} · surest answers first")
        self.sheet.show(flip_sections(self.app_state, layer.images), ("No image changes its answer.",))
        self.ask_thumbnails()

    def _no_flips(self, made: Repair | None) -> tuple[str, ...]:
        if made is None:
            return ("Nothing repaired yet.",)
        job = jobs.LookThrough(made.number)
        failed = self.app_state.failures.get(job)
        if failed is None and not self.app_state.waits_for(job):
            self.ask(job)
        return (safe(failed.line, 400) if failed else "Looking for them…",)

    def _lines(self) -> list[str]:
        made, state = self.shown, self.app_state
        failures = [
            failure
            for job, failure in state.failures.items()
            if isinstance(job, jobs.RepairHead) and job.target == self.target
        ]
        if self.methods.has_focus and failures and state.repair_of(self.target) is None:
            return [failures[-1].line]
        if made is not None and not self.methods.has_focus:
            return repair_lines(made, made.twin(state.repairs.values()))
        checked = state.verifications.get(made.number) if made is not None else None
        if checked is not None:
            return [verification_sentence(checked), *differing_lines(checked, self.class_names)]
        verdict = [verdict_sentence(made)] if made is not None else []
        on_top = [] if self.base is None else [f"Starts from the layer of repair {self.base}."]
        return [*verdict, *method_lines(self._method(), self._uses()), *on_top]

    def next_step(self) -> tuple[str, str]:
        """Repair, accept, then back to look through the new layer."""
        made = self.shown
        if made is None:
            return "repair.run", "repair"
        if made.accepted and made.number not in self.app_state.verifications:
            return "repair.verify", "verify the exported weights"
        if made.accepted:
            return "app.report", "write the report"
        if made.helps and not made.unchanged:
            return "repair.accept", "accept and export"
        return "view.tag", "tag more images"

    def _nothing(self) -> tuple[str, ...]:
        running = next((job for job in self.app_state.pending if isinstance(job, jobs.RepairHead)), None)
        if running is not None:
            return (f"Repairing with {running.method}…", "escape stops it.")
        return (
            "No repair yet.",
            "Choose a method on the left and press ⏎.",
            "Nothing is changed before you accept it.",
        )

    def _method(self) -> RepairMethod:
        key = self.methods.key
        return key if isinstance(key, str) and key in REPAIRS else "auto"  # type: ignore[return-value]

    def _uses(self) -> str:
        """What the method under the cursor would work with, in words."""
        kind = REPAIRS[self._method()]
        cues = [
            cue for cue in self.app_state.cues.values() if not cue.left_out and cue.tags.has + cue.tags.not_
        ]
        tags = sum(cue.tags.has + cue.tags.not_ for cue in cues)
        columns = self.app_state.opened.group_columns if self.app_state.opened else ()
        if self._method() == "random":
            return f"Uses random neurons, as many as there are culprits: {len(self.culprits)}."
        if kind.need == "neurons":
            which = "the marked neurons" if self.marked else "the first culprits"
            return (
                f"Uses {which} {neurons(self.culprits)}."
                if self.culprits
                else "Needs neurons: mark some first."
            )
        if kind.need == "groups":
            if tags:
                beside = f", and the groups of {safe(', '.join(columns), 60)}" if columns else ""
                named = safe(listed(f"“{cue.name}”" for cue in cues), 120)
                return f"Uses your {tags} tags of {named}, carried to all images by the probe{beside}."
            if columns:
                return f"Uses the groups of {safe(', '.join(columns), 60)}."
            return f"{kind.without or 'Needs groups'}: t tags a few images."
        return "Needs neither tags nor neurons."

    @on(events.DescendantFocus)
    def _focus_moved(self) -> None:
        self.set_class(self.sheet.has_focus, "-at-flips")
        self._show()

    @on(Table.Opened, "#methods")
    def _run(self) -> None:
        chosen = self.culprits if REPAIRS[self._method()].need == "neurons" else ()
        self.ask(jobs.RepairHead(self.target, self._method(), chosen, mode=self.mode, base=self.base))
        self.redraw(frozenset({"repairs"}))

    @on(Table.Opened, "#repairs")
    def _pick(self) -> None:
        self.action_accept()

    def action_next_pane(self, direction: int) -> None:
        """Go round methods, repairs and images."""
        here = next((place for place, name in enumerate(PANES) if self._pane(name).has_focus), 0)
        self.action_show_list(PANES[(here + direction) % len(PANES)])

    def action_show_list(self, name: str) -> None:
        """Go to the methods, the repairs or the images."""
        self.set_focus(self._pane(name))

    def _pane(self, name: str) -> Widget:
        return self.query_one(f"#{name}", Widget)

    @on(Gallery.LeftSide)
    def _leave_sheet(self) -> None:
        self.action_show_list("repairs")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only a repair on show can be accepted or discarded, and only an accepted one verified."""
        if action == "verify":
            return self.shown is not None and self.shown.accepted
        return action not in ("accept", "discard") or self.shown is not None

    def action_accept(self) -> None:
        """Write the full repaired weights, where there is anything new in them."""
        repair = self.shown
        if repair is None:
            return
        if repair.unchanged:
            self.notify("Nothing to accept: the untouched layer did best and was kept.")
        elif repair.helps:
            self.ask(jobs.ExportRepair(repair.number))
        else:
            question = f"The verdict on repair {repair.number} is “{outcome_words(repair)}”. Export it?"
            self._confirm(question, "export", jobs.ExportRepair(repair.number))

    def action_verify(self) -> None:
        """Load the exported weights in a fresh process and compare its answers with the verdict's."""
        if self.shown is not None and self.shown.accepted:
            self.ask(jobs.VerifyRepair(self.shown.number))

    def action_discard(self) -> None:
        """Delete the repair on show, after a question."""
        repair = self.shown
        if repair is None:
            return

        written = " Its exported weights are deleted too." if repair.weights else ""
        question = f"Discard repair {repair.number} ({repair.method})?{written}"
        self._confirm(question, "discard", jobs.DiscardRepair(repair.number))

    def _confirm(self, question: str, yes: str, job: jobs.Job) -> None:
        """Ask for `job` after a yes."""

        def answered(agreed: bool | None) -> None:
            if agreed:
                self.ask(job)

        self.app.push_screen(ConfirmDialog(question, yes=yes, no="no"), answered)

    @property
    def weights(self) -> str:
        """Where the accepted repair's weights are."""
        repair = self.shown
        return str(self.app_state.root / repair.weights) if repair is not None and repair.weights else ""

    def copied(self) -> str:
        """The path of the weights or of an image, or the verdict."""
        if self.sheet.has_focus and self.sheet.tile is not None:
            return self.sheet.tile.copy
        repair = self.shown
        return self.weights or (verdict_sentence(repair) if repair else "")
