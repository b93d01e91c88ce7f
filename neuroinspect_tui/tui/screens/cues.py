"""The cues of the session: their tags and probes, and which of them the next repair is told."""

from __future__ import annotations

from collections.abc import Iterable

from textual import events, on
from textual.widget import Widget

from ... import jobs
from ...results import Cue
from ...text import safe
from ...wording.cues import ORIGINS, carried_words, count_words, probe_advice, rare_words
from ...wording.numbers import number, percent
from ..app_state import Topic
from ..cue_aim import CueAim
from ..keymap import keys
from ..widgets.case_words import CaseWords
from ..widgets.cells import Cell
from ..widgets.table import Column, Row, Table
from .dialogs import ChoiceDialog, ConfirmDialog, TextDialog
from .page import Page

COLUMNS = (
    Column("use", 3),
    Column("cue", 16, stretch=3, most=60),
    Column("has", 5, "right"),
    Column("not", 5, "right"),
    Column("carried", 13, "right", leaves=1),
    Column("probe right", 11, "right", leaves=2),
    Column("from", 14, stretch=1, most=26, leaves=3),
)


class CuesScreen(Page[None]):
    """One line for each cue, the newest last; `aim` is the one of what the main screen shows."""

    BINDINGS = keys(
        "cue.open", "cue.tick", "cue.add", "cue.rename", "cue.merge", "cue.clear", "cue.forget", "view.repair"
    )

    def __init__(self, aim: CueAim | None) -> None:
        super().__init__()
        self.aim = aim
        self.table = Table(COLUMNS, title="Cues · in the order made · ticked ones go into the next repair",
                           dom_id="cues")  # fmt: skip
        self.table.moved = self._describe
        self.words = CaseWords(id="words")

    def body(self) -> Iterable[Widget]:
        """Lay out the list above what is known of one cue."""
        yield self.table
        yield self.words

    @on(events.Mount)
    def _begin(self) -> None:
        self.table.focus()

    def redraw(self, topics: frozenset[Topic]) -> None:
        """Show the cues."""
        if topics & {"tags", "failure"}:
            rows = [Row(cue.name, _cells(cue)) for cue in self.app_state.cues.values()]
            empty = ("No cues yet.", "t on a cause or class tags images for one; a adds one by name.")
            self.table.set_rows(rows, empty)
            self._describe()

    @property
    def cue(self) -> Cue | None:
        """The cue under the cursor."""
        return self.app_state.cues.get(str(self.table.key))

    def _describe(self) -> None:
        cue = self.cue
        if cue is None:
            self.words.show(("A cue is something that images have or have not, beside the object.",))
            return
        lines = [f"“{cue.name}” {ORIGINS[cue.origin]}", count_words(cue.tags)]
        if cue.probe is not None:
            lines += [carried_words(cue.probe), probe_advice(cue.tags, cue.probe)]
            lines += rare_words(cue.probe, cue.name, self.class_names)
        self.words.show(lines)

    def next_step(self) -> tuple[str, str]:
        """Add a cue, tag images for it, then repair."""
        cues = self.app_state.cues.values()
        if any(cue.tags.has and cue.tags.not_ and not cue.left_out for cue in cues):
            return "view.repair", "repair"
        return ("cue.open", "tag images") if cues else ("cue.add", "new cue")

    @on(Table.Opened)
    def action_open_cue(self) -> None:
        """Tag images for the cue under the cursor."""
        from .tag import TagScreen

        cue, aim = self.cue, self.aim
        if cue is None or aim is None:
            return
        target = int(cue.source.split()[1]) if cue.source.startswith("class ") else aim.target
        self.app.push_screen(TagScreen(CueAim(cue.name, cue.origin, cue.source, target, aim.neurons)))

    def action_tick(self) -> None:
        """Use the cue in the next repair, or leave it out."""
        if self.cue is not None:
            self.ask(jobs.LeaveOutCue(self.cue.name, not self.cue.left_out))

    def action_add(self) -> None:
        """Make a cue by name."""
        self.app.push_screen(
            TextDialog("Name of the new cue", "for example: yellow sticker", "add"), self._add
        )

    def _add(self, name: str | None) -> None:
        if name:
            self.ask(jobs.AddCue(name))

    def action_rename(self) -> None:
        """Give the cue another name."""
        cue = self.cue
        if cue is None:
            return

        def renamed(name: str | None) -> None:
            if name and name != cue.name:
                self.ask(jobs.RenameCue(cue.name, name))

        self.app.push_screen(
            TextDialog(f"New name of “{safe(cue.name, 60)}”", cue.name, "rename", cue.name), renamed
        )

    def action_merge(self) -> None:
        """Add the cue's tags to another cue's and remove it."""
        cue = self.cue
        others = [name for name in self.app_state.cues if cue is not None and name != cue.name]
        if cue is None or not others:
            self.notify("There is no other cue to merge it into.", timeout=3)
            return

        def chosen(into: str | None) -> None:
            if into:
                self.ask(jobs.MergeCues(cue.name, into))

        self.app.push_screen(ChoiceDialog(f"Merge “{safe(cue.name, 60)}” into", others), chosen)

    def action_clear(self) -> None:
        """Remove the cue's tags, after a question."""
        self._confirm("Remove all tags of", "remove", forget=False)

    def action_forget(self) -> None:
        """Delete the cue, after a question."""
        self._confirm("Delete", "delete", forget=True)

    def _confirm(self, what: str, yes: str, forget: bool) -> None:
        cue = self.cue
        if cue is None:
            return

        def answered(agreed: bool | None) -> None:
            if agreed:
                self.ask(jobs.ClearCue(cue.name, forget))

        question = f"{what} “{safe(cue.name, 60)}”? {count_words(cue.tags)}"
        self.app.push_screen(ConfirmDialog(question, yes=yes, no="keep"), answered)

    def action_view(self, name: str) -> None:
        """Go on to the repair."""
        self.ni.view(name)


def _cells(cue: Cue) -> tuple[Cell, ...]:
    probe = cue.probe
    carried = f"{number(probe.has)} / {number(probe.not_)}" if probe else ""
    right = percent(probe.accuracy, 0) if probe else ""
    return (
        (("   ", "") if cue.left_out else (" ✓ ", "good"),),
        ((safe(cue.name, 60), "strong"),),
        number(cue.tags.has),
        number(cue.tags.not_),
        ((carried, "dim"),),
        right,
        ((ORIGINS[cue.origin], "dim"),),
    )
