"""The mistakes of a class: file, predicted class, confidence, culprits, tag."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import PurePosixPath

from textual.content import Content

from ...results import GroupResult, Sample
from ...text import safe
from ...wording.numbers import bare_percent as percent
from ...wording.numbers import number
from .cells import Cell, class_word, cut_front
from .filtered import FilteredTable
from .table import Column, Row

COLUMNS = (
    Column("file", 12, stretch=3, most=44),
    Column("taken for", 10, stretch=2, most=30),
    Column("sure", 4, "right"),
    Column("culprits", 9, leaves=2, stretch=1, most=22),
    Column("groups", 6, leaves=3, stretch=2, most=30),
    Column("tag", 3, leaves=1, stretch=2, most=14),
)
TITLE = "3 Mistakes"


def file_name(path: str) -> str:
    """Return the last part of a path, safe to show."""
    return safe(PurePosixPath(path.replace("\\", "/")).name or path, 300)


def group_words(sample: Sample) -> str:
    """Return the image's value in each group column, safe to show."""
    return ", ".join(f"{safe(column, 20)} {safe(value, 20)}" for column, value in sample.groups.items())


def _short_groups(sample: Sample) -> str:
    """Return the values alone, but where they say nothing without their column: yes, no, numbers."""
    return ", ".join(
        f"{safe(column, 20)} {safe(value, 20)}" if _is_bare(value) else safe(value, 20)
        for column, value in sample.groups.items()
    )


def _is_bare(value: str) -> bool:
    return value.lower() in ("yes", "no", "true", "false") or value.lstrip("+-").replace(".", "").isdecimal()


class MistakeTable(FilteredTable):
    """The third pane. Keys are rows of the split."""

    def __init__(self, dom_id: str | None = None) -> None:
        super().__init__(COLUMNS, title=TITLE, dom_id=dom_id)
        self.samples: dict[int, Sample] = {}

    @property
    def sample(self) -> Sample | None:
        """The mistake under the cursor."""
        return self.samples.get(self.key) if isinstance(self.key, int) else None

    def near(self, count: int) -> list[Sample]:
        """The `count` mistakes from the cursor on."""
        rows = (row.key for row in self.rows[self.cursor : self.cursor + count])
        return [self.samples[key] for key in rows if isinstance(key, int)]

    def show(
        self,
        samples: Sequence[Sample],
        names: Sequence[str],
        tag_of: Callable[[Sample], str],
        groups: Sequence[GroupResult],
        empty: Sequence[str],
    ) -> None:
        """Fill the table; `names` are the class names, `groups` the class's, `tag_of` an image's tags."""
        self.samples = {sample.row: sample for sample in samples}
        self.border_title = Content(f"{TITLE} · {number(len(samples))}" if samples else TITLE)
        rows = [Row(s.row, _cells(s, names, tag_of(s))) for s in samples]
        self.offer(rows, empty)
        self.summary = _worst(groups)


def _worst(groups: Sequence[GroupResult]) -> str:
    """Name the group in which the class does worst; nothing where there are no two to compare."""
    known = [group for group in groups if group.accuracy is not None]
    if len(known) < 2:
        return ""
    worst = min(known, key=lambda group: (group.accuracy, -group.count))
    return f"worst: {safe(worst.column, 20)} {safe(worst.value, 20)} {worst.correct}/{worst.count}"


def _cells(sample: Sample, names: Sequence[str], tag: str) -> tuple[Cell, ...]:
    predicted = class_word(names, sample.predicted)
    return (
        cut_front(file_name(sample.path), 44),
        (("→ ", "dim"), (predicted, "")),
        f"{percent(sample.confidence, 0)}%",
        ((" ".join(str(neuron) for neuron in sample.culprits[:4]), "dim"),),
        ((_short_groups(sample), "dim"),),
        ((safe(tag, 20), "accent"),),
    )
