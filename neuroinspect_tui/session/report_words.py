"""What the HTML and the Markdown report say alike: words and order made from the typed report."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Protocol, TypeVar

from ..repair_methods import REPAIRS, settings
from ..results import ClassChange, SplitUse
from ..wording.cues import duplicate_words
from ..wording.numbers import bare_percent, number, p_value, percent, plural, signed
from ..wording.opened import preprocessing_words
from ..wording.prescriptions import more_words, sampler_words
from ..wording.verdicts import opponent_words
from ..wording.verifications import verification_sentence
from .report_model import ComparisonPart, FlippedImage, Group, MetricsPart, RepairPart, Report, WorstGroupPart

CHANGES = 20
GALLERY = 12


class _Rated(Protocol):
    @property
    def accuracy(self) -> float | None: ...
    @property
    def count(self) -> int: ...


R = TypeVar("R", bound=_Rated)


def group_name(row: Group | WorstGroupPart) -> str:
    """Return a group's class, column and value in words."""
    return f"{row.class_}, {row.column} {row.value}"


def worst_first(rows: Sequence[R]) -> list[R]:
    """Return rows of classes or groups by accuracy; of equals the one with most images first."""
    return sorted(rows, key=lambda row: (row.accuracy is None, row.accuracy or 0, -row.count))


def estimated_group(row: Group | WorstGroupPart, cues: Sequence[str]) -> bool:
    """Whether a group is made of a cue's tags, which a probe may have carried to it."""
    return row.column == "tag" or row.column in cues


def heads(repair: RepairPart) -> list[tuple[str, MetricsPart]]:
    """Return the compared decision layers of a repair, in the order they are shown."""
    controls = [(f"control: {name}", metrics) for name, metrics in repair.controls.items()]
    return [
        (opponent_words("untouched", repair.base), repair.before),
        (repair.method, repair.after),
        *controls,
    ]


def verdict_mark(repair: RepairPart) -> str:
    """Return "good" where the repair helps, "bad" where it hurts, otherwise "even"."""
    return {"helps": "good", "hurts": "bad"}.get(repair.verdict.outcome, "even")


def aim_words(repair: RepairPart, line: ComparisonPart, class_name: str) -> str:
    """Return what a line of the verdict is about; an estimated group says so."""
    worst = repair.before.worst_group
    if line.metric == "worst_group" and worst is not None:
        estimated = " (estimated)" if repair.verdict.estimated else ""
        return f"worst group before: {group_name(worst)}{estimated}"
    return {"class": class_name, "mode": "the failure mode", "all": "all images"}.get(
        line.metric, "worst group"
    )


def against_words(repair: RepairPart, line: ComparisonPart) -> str:
    """Return the other decision layer of a line."""
    return opponent_words(line.against, repair.base)


def rates_words(line: ComparisonPart) -> str:
    """Return both rates of a line: `48.0 → 86.0 %`."""
    return f"{bare_percent(line.before)} → {percent(line.after)}"


def difference_words(line: ComparisonPart) -> str:
    """Return the difference in points with its paired 95 % interval."""
    if line.before is None or line.after is None or not line.n:
        return ""
    low, high = (signed(bound) for bound in line.interval)
    return f"{signed(line.after - line.before)} ({low} to {high})"


def changed_classes(repair: RepairPart) -> list[ClassChange]:
    """Return the classes that a repair changes, the largest loss first, then the largest gain."""
    changed = [row for row in repair.classes if row.before is not None and row.before != row.after]
    return sorted(changed, key=lambda row: (row.after or 0) - (row.before or 0))


def gallery_title(what: str, images: Sequence[FlippedImage], count: int) -> str:
    """Return `Fixed: 12 of 90, the surest mistakes first (answer before → after)`."""
    shown = number(count) if len(images) >= count else f"{len(images)} of {number(count)}"
    return f"{what}: {shown}, the surest answers first (before → after)"


def repair_facts(repair: RepairPart, names: Sequence[str] = ()) -> list[str]:
    """Return what stands below the numbers: images fixed and broken, settings, images used, file."""
    fixed = f"over all images {number(repair.fixed)} fixed, {number(repair.broken)} broken"
    facts = [f"{fixed} (exact McNemar test, {p_value(repair.mcnemar_p)})"]
    facts += [f"with the cues {', '.join(repair.cues)}"] if repair.cues else []
    facts += [_use_words(use) for use in repair.splits]
    facts.append(f"{settings(repair.parameters)}; fitted and chosen in {repair.seconds:.2f} s")
    kind = REPAIRS.get(repair.method)
    if kind is not None and kind.need == "neurons":
        facts.append(f"neurons {', '.join(map(str, repair.neurons))}")
    if repair.same_as is not None:
        facts.append(f"the same decision layer as repair {repair.same_as}")
    facts.append(f"weights in {repair.weights}" if repair.weights else "not accepted: no weights are written")
    facts += [verification_sentence(repair.verification)] if repair.verification else []
    if repair.prescription is not None:
        facts.append(sampler_words(repair.prescription))
        facts += [more_words(row, names) for row in repair.prescription.more]
    return facts


_PARTS = {"fit": "fitted on", "choose": "chosen on", "judge": "judged on"}


def _use_words(use: SplitUse) -> str:
    note = f" ({use.note})" if use.note else ""
    return f"{_PARTS[use.part]} {plural(use.samples, 'image')} of {use.split}{note}"


@dataclass(frozen=True)
class MetricCell:
    """One number of a decision layer: a rate, whose it is, and its 95 % interval where there is one."""

    rate: float | None
    whose: str = ""
    interval: tuple[float, float] | None = None

    def __str__(self) -> str:
        return f"{percent(self.rate)} ({self.whose})" if self.whose else percent(self.rate)


def _worst_class(metrics: MetricsPart) -> MetricCell:
    worst = metrics.worst_class
    return MetricCell(None) if worst is None else MetricCell(worst.accuracy, worst.name)


def _worst_group(metrics: MetricsPart) -> MetricCell:
    worst = metrics.worst_group
    if worst is None:
        return MetricCell(None)
    name = f"{group_name(worst)}, {plural(worst.count, 'image')}" if worst.count else group_name(worst)
    return MetricCell(worst.accuracy, f"{name}, estimated" if worst.estimated else name)


METRIC_ROWS: tuple[tuple[str, Callable[[MetricsPart], MetricCell]], ...] = (
    ("class recall", lambda metrics: MetricCell(metrics.class_accuracy, "", metrics.class_interval)),
    ("class precision", lambda metrics: MetricCell(metrics.class_precision)),
    ("class F1", lambda metrics: MetricCell(metrics.class_f1)),
    ("accuracy, all classes", lambda metrics: MetricCell(metrics.accuracy, "", metrics.accuracy_interval)),
    ("worst class", _worst_class),
    ("worst group", _worst_group),
)


def made_from(report: Report) -> list[tuple[str, str]]:
    """Return what was asked for and of what: enough to do it again."""
    model, data, config = report.model, report.data, report.config
    facts = [
        ("model", model.spec),
        ("weights", model.weights or "as built"),
        ("data", f"{data.source}, split {data.split}"),
        ("preprocessing", preprocessing_words(data.preprocessing)),
        ("mode", f"{config.debug.mode}, seed {config.compute.seed}"),
        ("made by", f"neuroinspect {report.environment.get('neuroinspect', '')}"),
    ]
    return [(name, text) for name, text in facts if text]


def caveats(report: Report) -> list[str]:
    """Return what limits the report's numbers: estimates, copies, unreadable images, notes on the data."""
    found = report.evaluation
    lines = [
        f"All rates were measured on {plural(found.samples, 'image')} of {found.split} "
        "unless they say otherwise."
    ]
    if any(repair.verdict.estimated for repair in report.repairs):
        lines.append(
            "Numbers of groups made from tags are estimates: a probe carried the tags to other images."
        )
    lines += [
        f"{duplicate_words(row)}: they are left out where repairs are judged."
        for row in report.data.duplicates.between_splits
    ]
    if found.unreadable:
        lines.append(f"{plural(len(found.unreadable), 'image')} could not be read and are counted nowhere.")
    return [*lines, *report.data.notes]


def parts(report: Report) -> list[tuple[str, dict[str, object]]]:
    """Return the parts that are shown as plain names and values."""
    return [
        ("Model", report.model.model_dump()),
        ("Data", report.data.model_dump(exclude={"notes"})),
        ("Configuration", asdict(report.config)),
        ("Environment", dict(report.environment)),
    ]
