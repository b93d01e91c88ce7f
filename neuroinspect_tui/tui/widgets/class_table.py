"""The classes, worst first: accuracy, bar, count, worst confusion, gap between groups."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich.cells import set_cell_size

from ...results import ClassResult, Evaluation, LabelResult, Repair
from ...text import safe
from ...wording.numbers import bare_percent as percent
from ...wording.numbers import decimal
from ..keymap import keys
from .cells import Cell, bar_cell
from .changes import COLUMNS as CHANGES
from .changes import change_rows
from .filtered import FilteredTable
from .table import Column, Row

BAR, LABEL = 6, 14
COLUMNS = (
    Column("class", 10, stretch=3, most=34),
    Column("acc", 5, "right"),
    Column("", BAR, leaves=2),
    Column("right", 5, "right", stretch=1, leaves=3, most=11),
    Column("gap", 3, "right", leaves=4),
    Column("predicted as", 14, stretch=3, leaves=5, most=34),
)
SORTS: dict[str, tuple[str, Callable[[ClassResult, float | None], tuple[float, ...]]]] = {
    "accuracy": ("worst first", lambda c, gap: (2.0 if c.accuracy is None else c.accuracy, -c.count)),
    "mistakes": ("most mistakes first", lambda c, gap: (c.correct - c.count,)),
    "gap": ("widest group gap first", lambda c, gap: (-(gap or 0.0),)),
    "index": ("in class order", lambda c, gap: (c.index,)),
}


def group_gaps(evaluation: Evaluation) -> dict[int, float]:
    """Return for each class the widest difference of accuracy between two groups of one column."""
    rates: dict[tuple[int, str], list[float]] = {}
    for group in evaluation.groups:
        if group.accuracy is not None:
            rates.setdefault((group.class_index, group.column), []).append(group.accuracy)
    gaps: dict[int, float] = {}
    for (index, _), found in rates.items():
        if len(found) > 1:
            gaps[index] = max(gaps.get(index, 0.0), max(found) - min(found))
    return gaps


def grade(rate: float | None) -> str:
    """Return the ink for an accuracy; the number beside it says the same without colour."""
    if rate is None:
        return "dim"
    return "bad" if rate < 0.5 else "warn" if rate < 0.8 else "good"


def _label_rows(labels: Sequence[LabelResult]) -> list[Row]:
    """Return the lines of all labels, where an image may have several: they are read, not chosen."""
    if not labels:
        return []
    title = ((" all labels", "strong"), ("  --label looks at another", "dim"))
    return [Row(None, (title,)), *(Row(None, (_label_cell(row),)) for row in labels)]


def _label_cell(row: LabelResult) -> Cell:
    numbers = f"AUROC {decimal(row.auroc, 2)}  {row.positives}/{row.count}"
    name = set_cell_size(safe(row.name, 80), LABEL)
    return ((f" {name} ", ""), (f"{percent(row.accuracy):>5}", grade(row.accuracy)), (f"  {numbers}", "dim"))


class ClassTable(FilteredTable):
    """The first pane. Keys are class indices."""

    BINDINGS = keys("list.sort")
    SHOWN_AS = "1 Classes"

    def __init__(self, dom_id: str | None = None) -> None:
        super().__init__(COLUMNS, title=self.SHOWN_AS, dom_id=dom_id)
        self.sort = "accuracy"
        self._evaluation: Evaluation | None = None
        self._repair: Repair | None = None
        self._worst_first = True

    def compare(self, made: Repair) -> None:
        """List the classes before and after a repair, on the images that it was judged on."""
        self._repair = made
        self.set_columns(CHANGES)
        order = "worst first" if self._worst_first else "largest change first"
        self.border_title = f"{self.SHOWN_AS} · repair {made.number} · {order}"
        self.summary = f"judged on {safe(made.after.split, 20)} · b: untouched layer"
        self.offer(change_rows(made, self._worst_first), ("No classes.",))

    def show(self, evaluation: Evaluation | None, final: bool, empty: tuple[str, ...]) -> None:
        """Fill the table; `final` is False while the evaluation is still running."""
        self._evaluation, self._repair = evaluation, None
        self.set_columns(COLUMNS)
        self.border_title = f"{self.SHOWN_AS} · {SORTS[self.sort][0]}"
        self.offer(self._rows(), empty)
        if evaluation is not None:
            worst = min((c.accuracy for c in evaluation.classes if c.accuracy is not None), default=None)
            state = "" if final else " so far"
            self.summary = f"all {percent(evaluation.accuracy)} · worst {percent(worst)}{state}"

    def action_sort(self) -> None:
        """Sort by the next key."""
        if self._repair is not None:
            self._worst_first = not self._worst_first
            self.compare(self._repair)
            return
        order = list(SORTS)
        self.sort = order[(order.index(self.sort) + 1) % len(order)]
        self.border_title = f"{self.SHOWN_AS} · {SORTS[self.sort][0]}"
        self.offer(self._rows(), self.empty)

    def _rows(self) -> list[Row]:
        evaluation = self._evaluation
        if evaluation is None:
            return []
        rank = SORTS[self.sort][1]
        gaps = group_gaps(evaluation)
        ordered = sorted(evaluation.classes, key=lambda c: (*rank(c, gaps.get(c.index)), c.index))
        rows = [Row(c.index, self._cells(c, gaps.get(c.index))) for c in ordered]
        return [*rows, *_label_rows(evaluation.labels)]

    def _cells(self, result: ClassResult, gap: float | None) -> tuple[Cell, ...]:
        ink = grade(result.accuracy)
        worst: Cell = ""
        if result.confusions:
            worst = ((safe(result.confusions[0].name, 80), ""), (f" {result.confusions[0].count}", "dim"))
        return (
            safe(result.name, 80),
            ((percent(result.accuracy), ink),),
            bar_cell(result.accuracy, BAR, ink),
            ((f"{result.correct}/{result.count}", "dim"),),
            ((percent(gap, 0), "warn" if gap and gap >= 0.2 else "dim"),),
            worst,
        )
