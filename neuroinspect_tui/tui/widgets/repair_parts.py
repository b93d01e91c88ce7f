"""The parts of the repair screen: methods, repairs made so far, and what they rest on in words."""

from __future__ import annotations

from collections.abc import Mapping

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
        columns = (Column("method", 10), Column("needs", 14, leaves=1))
        super().__init__(columns, title="1 Repair", dom_id=dom_id)

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
    Column("class %", 13, "right", leaves=1),
    Column("worst group %", 13, "right", leaves=2),
    Column("verdict", 8, stretch=2, most=40),
)


class RepairTable(Table):
    """The repairs made in this session, newest first. Keys are their numbers."""

    def __init__(self, dom_id: str | None = None) -> None:
        super().__init__(COLUMNS, title="2 Repairs · newest first", dom_id=dom_id)

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
        made.method if made.base is None else f"{made.method} on {made.base}",
        safe(made.target.name, 40),
        f"{percent(before.class_accuracy)} ▸ {percent(after.class_accuracy)}",
        group,
        outcome_words(made),
    )


def method_lines(method: str, uses: str) -> list[str]:
    """Say what a method does and what it would use."""
    return [f"{method}: {REPAIRS[method].words}.", uses]


def repair_lines(made: Repair, twin: int | None) -> list[str]:
    """Give the verdict and what it rests on; `twin` is an earlier repair with the same layer."""
    used = f"Neurons {neurons(made.neurons)}. " if REPAIRS[made.method].need == "neurons" else ""
    same = "" if twin is None else f"Same layer as repair {twin}. "
    told = f"Uses the cues {', '.join(made.cues)}. " if made.cues else ""
    splits = ", ".join(f"{use.part} on {use.split} {number(use.samples)}" for use in made.splits)
    parameters = f"{settings(made.parameters)}; {duration(made.seconds)}"
    return [verdict_sentence(made), f"{same}{told}{used}{splits[:1].upper()}{splits[1:]}.", parameters]
