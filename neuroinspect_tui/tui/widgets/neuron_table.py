"""The culprits of a class in their two lists, with marks, numbers, causal check, concept and warning."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from textual import events, on
from textual.content import Content
from textual.reactive import reactive

from ...results import Concept, Culprit, CulpritReport, FailureMode, WeightedNeuron
from ...text import safe
from ...wording.culprits import suspicion_words
from ...wording.numbers import bare_percent as percent
from ...wording.numbers import percent as _percent
from ...wording.numbers import signed_decimal
from ..keymap import keys
from .cells import Cell, bar_cell, spans_of
from .filtered import FilteredTable
from .table import Column, Row

BAR = 6
COLUMNS = (
    Column("neuron", 6, "right"),
    Column("prec", 4, "right"),
    Column("", BAR, leaves=5),
    Column("imp", 4, "right", leaves=2),
    Column("fixes", 5, "right", leaves=3),
    Column("random", 6, "right", leaves=6),
    Column("concept", 12, stretch=3, leaves=1, most=40),
)
MODE_COLUMNS = (
    Column("neuron", 6, "right"),
    Column("weight", 6, "right"),
    Column("", BAR, leaves=5),
    Column("prec", 4, "right", leaves=3),
    Column("fixes", 5, "right", leaves=4),
    Column("concept", 12, stretch=3, leaves=1, most=40),
)
SUSPICIOUS = 0.5
TITLE = "2 Neurons"
UNTOUCHED = f"{TITLE}, untouched layer"
"""Where the other panes look through a repaired layer: the neurons stay those of the one before."""
MARK = "●"
LEAST = 2


class NeuronTable(FilteredTable):
    """The second pane. Keys are neuron numbers."""

    BINDINGS = keys("neuron.mark", "neuron.unmark-all", "neuron.all")

    whole: reactive[bool] = reactive(False, layout=False, init=False)

    def __init__(self, dom_id: str | None = None) -> None:
        super().__init__(COLUMNS, title=TITLE, dom_id=dom_id)

    def show(
        self,
        report: CulpritReport | None,
        marks: Collection[int],
        concepts: Mapping[int, Concept],
        empty: Sequence[str],
        repaired: bool = False,
    ) -> None:
        """Fill the table with the culprits of one class; `repaired` where others look through a repair."""
        if report is None:
            self.set_columns(COLUMNS)
            self.border_title = UNTOUCHED if repaired else TITLE
            self.summary = ""
            self.offer([], empty)
            return
        self.set_columns(COLUMNS)
        name = safe(report.target.name, 40)
        shown = UNTOUCHED if repaired else f"{TITLE} of {name}"
        self.border_title = Content(f"{shown} · strongest first")
        self.summary = _summary(report)
        listed = {culprit.neuron for culprit in (*report.insufficient, *report.excessive)}
        rows = [
            *_section("▲ insufficient", "missing in mistakes", "raise", report.insufficient),
            *_section("▼ excessive", "pull the mistakes away", "lower", report.excessive),
        ]
        further = [neuron for neuron in marks if neuron not in listed]
        lines = [
            row if isinstance(row, Row) else Row(row.neuron, _cells(row, row.neuron in marks, concepts))
            for row in rows
        ]
        if further:
            lines.append(Row(None, ((("● others you marked", "strong"),),)))
            lines += [Row(neuron, _other(neuron, concepts)) for neuron in further]
        self.offer(lines if listed or further else [], empty)

    def show_mode(
        self,
        mode: FailureMode,
        report: CulpritReport | None,
        marks: Collection[int],
        concepts: Mapping[int, Concept],
        repaired: bool = False,
    ) -> None:
        """Fill the table with the neurons of a failure mode, with what `report` says of them in its class."""
        self.set_columns(MODE_COLUMNS)
        shown = UNTOUCHED if repaired else f"{TITLE} of this cause"
        self.border_title = Content(f"{shown} · heaviest first")
        self.summary = ""
        listed = (*report.insufficient, *report.excessive) if report else ()
        known = {culprit.neuron: culprit for culprit in listed}
        largest = max((abs(row.weight) for row in mode.neurons), default=1.0) or 1.0
        rows = [
            Row(row.neuron, _weighted(row, largest, known.get(row.neuron), row.neuron in marks, concepts))
            for row in mode.neurons
        ]
        self.offer(rows, ("No neurons.",))

    def words_for(self, culprit: Culprit | None, neuron: int, class_name: str) -> list[str]:
        """Say what is known of a neuron in a class, the most important first."""
        if culprit is None:
            return [f"Neuron {neuron} is not among the culprits of {class_name}."]
        kind = "is too weak in the mistakes" if culprit.kind == "insufficient" else "pulls the mistakes away"
        alone = f"Setting it right alone fixes {_percent(culprit.mended, 0)} of the mistakes"
        lines = [
            f"Neuron {neuron} {kind} of {class_name}.",
            f"{alone}; a random neuron {_percent(culprit.mended_random, 0)}.",
        ]
        suspicion = suspicion_words(culprit.pull, culprit.outside, class_name)
        return [*lines, f"It {suspicion}."] if suspicion else lines

    def shortened(self, rows: tuple[Row, ...]) -> Sequence[Row]:
        """Return the first rows of each list, so that both are in sight; marked ones and, on request, all."""
        room = self.size.height - self.header_lines
        if self.whole or not rows or len(rows) <= room or rows[0].key is not None:
            return rows
        lists: list[list[Row]] = []
        for row in rows:
            lists.append([row]) if row.key is None else lists[-1].append(row)
        rooms = [(room + place) // len(lists) - 2 for place in reversed(range(len(lists)))]
        return [row for one, own in zip(lists, rooms, strict=True) for row in _first(one, max(LEAST, own))]

    def go_to(self, key: object, announce: bool = True) -> bool:
        """Put the cursor on a neuron, unfolding the lists if it is not in sight."""
        hidden = key is not None and all(row.key != key for row in self.rows)
        if hidden and any(row.key == key for row in self._offered):
            self.whole = True
        return super().go_to(key, announce)

    def start_over(self) -> None:
        """Forget cursor and unfolding: the next rows are another class's."""
        self.set_reactive(NeuronTable.whole, False)
        self.rows = ()

    def action_whole(self) -> None:
        """Show the whole lists, or their first rows."""
        self.whole = not self.whole

    @on(events.Resize)
    def _refit(self) -> None:
        self.offer(self._offered, self._empty_words)

    def _watch_whole(self) -> None:
        self.offer(self._offered, self._empty_words)


def _first(rows: Sequence[Row], count: int) -> list[Row]:
    """Return a list's title, its `count` first rows and the marked ones, and how many there are besides."""
    title, *others = rows
    kept = [row for place, row in enumerate(others) if place < count or _is_marked(row)]
    left = len(others) - len(kept)
    tail = [Row(None, (((f"         {left} more · a shows all", "dim"),),))] if left else []
    return [title, *kept, *tail]


def _is_marked(row: Row) -> bool:
    return spans_of(row.cells[0])[0][0] == MARK


def _summary(report: CulpritReport) -> str:
    if report.mended_together is None:
        return "" if not report.unflipped else f"{report.unflipped} never flip"
    random = percent(report.mended_random_together, 0)
    return f"5 ▲ + 5 ▼ fix {percent(report.mended_together, 0)} % · random {random} %"


def _section(name: str, words: str, ink: str, culprits: Sequence[Culprit]) -> list[Row | Culprit]:
    if not culprits:
        return []
    return [Row(None, (((name, ink), (f"  {words}", "dim")),)), *culprits]


def _cells(culprit: Culprit, marked: bool, concepts: Mapping[int, Concept]) -> tuple[Cell, ...]:
    ink = "raise" if culprit.kind == "insufficient" else "lower"
    named = concepts.get(culprit.neuron) or _own_concept(culprit)
    return (
        _number(culprit.neuron, marked),
        f"{culprit.prec_at_5:.0f}%",
        bar_cell(culprit.prec_at_5 / 100, BAR, ink),
        f"{culprit.importance:.2f}",
        f"{percent(culprit.mended, 0)}%",
        ((f"{percent(culprit.mended_random, 0)}%", "dim"),),
        _concept(named),
    )


def _weighted(
    row: WeightedNeuron,
    largest: float,
    culprit: Culprit | None,
    marked: bool,
    concepts: Mapping[int, Concept],
) -> tuple[Cell, ...]:
    known = (f"{culprit.prec_at_5:.0f}%", f"{percent(culprit.mended, 0)}%") if culprit else ("", "")
    return (
        _number(row.neuron, marked),
        signed_decimal(row.weight),
        bar_cell(abs(row.weight) / largest, BAR, "raise" if row.weight < 0 else "lower"),
        *known,
        _concept(concepts.get(row.neuron) or (_own_concept(culprit) if culprit else None)),
    )


def _own_concept(culprit: Culprit) -> Concept | None:
    if culprit.concept is None:
        return None
    return Concept(culprit.neuron, culprit.concept, culprit.concept_score, culprit.spurious)


def _number(neuron: int, marked: bool) -> Cell:
    return ((MARK if marked else "·", "mark" if marked else "dim"), (f"{neuron:>5}", "strong"))


def _concept(named: Concept | None) -> Cell:
    if named is None:
        return ""
    warning = "! " if named.spurious is not None and named.spurious >= SUSPICIOUS else ""
    label = (safe(named.label, 60), "") if named.label else ("unclear", "dim")
    return ((warning, "warn"), label)


def _other(neuron: int, concepts: Mapping[int, Concept]) -> tuple[Cell, ...]:
    return (_number(neuron, True), "", "", "", "", "", _concept(concepts.get(neuron)))
