"""The parts of the repair screen: methods in plain words, repairs made so far, the reasons of a verdict."""

from __future__ import annotations

from collections.abc import Mapping

from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget

from ...repair_methods import REPAIRS, Need, RepairKind, settings
from ...results import Repair
from ...text import safe
from ...wording.numbers import bare_percent as percent
from ...wording.numbers import duration, neurons, number
from ...wording.verdicts import outcome_words, verdict_sentence
from ..keymap import keys
from .cells import Cell
from .table import Column, Row, Table

SIGNS: dict[Need, str] = {"neurons": "neurons", "groups": "groups", "nothing": "nothing"}


class MethodTable(Table):
    """The methods; those that need tags say so."""

    BINDINGS = keys("repair.run")

    def __init__(self, dom_id: str | None = None) -> None:
        super().__init__((Column("method", 10), Column("needs", 14, leaves=1)), title="Repair", dom_id=dom_id)

    def action_run(self) -> None:
        """Tell the screen that the method was chosen."""
        self.action_open()

    def fill(self) -> None:
        """Show all methods, the controls apart."""
        methods = [Row(name, _method(name, kind)) for name, kind in REPAIRS.items() if not kind.control]
        controls = [Row(name, _method(name, kind)) for name, kind in REPAIRS.items() if kind.control]
        self.set_rows([*methods, Row(None, ((("controls", "dim"),),)), *controls])


def _method(name: str, kind: RepairKind) -> tuple[Cell, ...]:
    sign = f"{SIGNS[kind.need]} if any" if kind.without else SIGNS[kind.need]
    return ((name, "strong"),), ((sign, "dim"),)


COLUMNS = (
    Column("", 1),
    Column("#", 3, "right"),
    Column("method", 10),
    Column("class", 8, stretch=1, most=24, leaves=3),
    Column("class acc", 13, "right", leaves=1),
    Column("group", 13, "right", leaves=2),
    Column("verdict", 8, stretch=2, most=40),
)


class RepairTable(Table):
    """The repairs made in this session, newest first. Keys are their numbers."""

    def __init__(self, dom_id: str | None = None) -> None:
        super().__init__(COLUMNS, title="Repairs so far", dom_id=dom_id)

    def show(self, repairs: Mapping[int, Repair]) -> None:
        """Fill the table."""
        rows = [Row(made.number, _repair(made)) for _, made in sorted(repairs.items(), reverse=True)]
        self.set_rows(rows, ("None yet.",))


def _repair(made: Repair) -> tuple[Cell, ...]:
    before, after = made.before, made.after
    group: Cell = ""
    if before.worst_group is not None and after.worst_group is not None:
        group = f"{percent(before.worst_group.accuracy)} ▸ {percent(after.worst_group.accuracy)}"
    return (
        (("✓", "good"),) if made.accepted else " ",
        str(made.number),
        made.method,
        safe(made.target.name, 40),
        f"{percent(before.class_accuracy)} ▸ {percent(after.class_accuracy)}",
        group,
        outcome_words(made),
    )


class ReasonPanel(Widget):
    """The method in words, or the verdict of a repair with what it rests on."""

    ALLOW_SELECT = False
    content: reactive[Content] = reactive(Content(""), layout=False)

    def explain(self, words: str, ink: str = "") -> None:
        """Show one sentence."""
        self.content = Content.styled(safe(words, 600), ink)

    def describe(self, method: str, uses: str, last: Repair | None) -> None:
        """Give the last verdict, and say what a method does and what it would use."""
        verdict = [] if last is None else [_verdict(last)]
        words = Content.assemble((method, "bold $accent"), f": {REPAIRS[method].words}.")
        self.content = Content("\n").join([*verdict, words, Content(uses)])

    def show(self, made: Repair, twin: int | None) -> None:
        """Show a verdict and its reasons; `twin` is an earlier repair with the same layer."""
        used = f"neurons {neurons(made.neurons)} · " if REPAIRS[made.method].need == "neurons" else ""
        same = "" if twin is None else f" · same layer as repair {twin}"
        splits = " · ".join(
            f"{use.part} on {safe(use.split, 20)} {number(use.samples)}" for use in made.splits
        )
        lines = [
            _verdict(made),
            Content(f"fixed {made.fixed} · broken {made.broken} · chance p = {made.mcnemar_p:.2g}{same}"),
            Content.styled(splits, "$foreground 70%"),
            Content.styled(
                f"{used}{safe(settings(made.parameters), 300)} · {duration(made.seconds)}", "$foreground 70%"
            ),
        ]
        self.content = Content("\n").join(lines)

    def render(self) -> Content:
        """Return the lines."""
        return self.content


def _verdict(made: Repair) -> Content:
    return Content.styled(safe(verdict_sentence(made), 600), "bold")
