"""classes.csv, neurons.csv and samples.csv: the report's tables for spreadsheets and scripts."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from ..results import ClassResult, LabelIssue, Sample
from ..text import csv_cell
from .atomic import replacing
from .report_model import Report

CLASS_COLUMNS = (
    "index",
    "name",
    "count",
    "correct",
    "accuracy",
    "low",
    "high",
    "precision",
    "f1",
    "confused_with",
    "confusions",
)
NEURON_COLUMNS = (
    "class",
    "kind",
    "neuron",
    "prec_at_5",
    "importance",
    "mended",
    "mended_random",
    "concept",
    "concept_score",
    "spurious",
    "spurious_reason",
)
SAMPLE_COLUMNS = (
    "path",
    "label",
    "class",
    "predicted",
    "predicted_class",
    "confidence",
    "correct",
    "culprits",
    "tag",
    "problem",
    "groups",
)
LABEL_ISSUE_COLUMNS = (
    "split",
    "path",
    "label",
    "class",
    "suggested",
    "suggested_class",
    "self_confidence",
    "neighbour_share",
    "marked",
)

Cell = str | int | float | None


def write_classes(path: Path, report: Report) -> None:
    """Write one row for each class; `low` and `high` bound the accuracy's 95 % interval."""
    write_csv(path, CLASS_COLUMNS, map(_class_row, report.evaluation.classes))


def write_neurons(path: Path, report: Report) -> None:
    """Write one row for each culprit of each debugged class."""
    write_csv(path, NEURON_COLUMNS, _neuron_rows(report))


def write_samples(path: Path, report: Report, samples: Iterable[Sample]) -> None:
    """Write one row for each image of the debugged split; those that could not be read come last."""
    write_csv(path, SAMPLE_COLUMNS, _sample_rows(report, samples))


def write_label_issues(path: Path, issues: Iterable[LabelIssue], names: Sequence[str]) -> None:
    """Write one row for each image whose label is doubtful, the most doubtful first."""
    rows = (
        (
            issue.split,
            issue.path,
            issue.label,
            names[issue.label],
            issue.suggested,
            names[issue.suggested],
            round(issue.self_confidence, 6),
            round(issue.neighbour_share, 6),
            int(issue.marked),
        )
        for issue in issues
    )
    write_csv(path, LABEL_ISSUE_COLUMNS, rows)


def write_csv(path: Path, columns: tuple[str, ...], rows: Iterable[tuple[Cell, ...]]) -> None:
    """Write a CSV file atomically, row by row; text is guarded against formulas and control characters."""
    with replacing(path) as file:
        text = io.TextIOWrapper(file, "utf-8", newline="", write_through=False)
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(tuple(map(_cell, row)) for row in rows)
        text.flush()
        text.detach()


def _cell(value: Cell) -> Cell:
    return csv_cell(value) if isinstance(value, str) else value


def _class_row(row: ClassResult) -> tuple[Cell, ...]:
    low, high = row.interval or (None, None)
    first = row.confusions[0] if row.confusions else None
    rates = (row.precision, row.f1) if row.count else (None, None)
    confused = (None, None) if first is None else (first.name, first.count)
    return (row.index, row.name, row.count, row.correct, row.accuracy, low, high, *rates, *confused)


def _neuron_rows(report: Report) -> Iterator[tuple[Cell, ...]]:
    for found in report.debugged:
        kinds = {"insufficient": found.neurons.insufficient, "excessive": found.neurons.excessive}
        for kind, rows in kinds.items():
            for row in rows:
                yield (found.class_.name, kind, *(getattr(row, name) for name in NEURON_COLUMNS[2:]))


def _sample_rows(report: Report, samples: Iterable[Sample]) -> Iterator[tuple[Cell, ...]]:
    names = {row.index: row.name for row in report.evaluation.classes}
    for sample in samples:
        yield (
            sample.path,
            sample.label,
            names[sample.label],
            sample.predicted,
            names[sample.predicted],
            round(sample.confidence, 6),
            int(sample.label == sample.predicted),
            " ".join(map(str, sample.culprits)),
            sample.tag,
            None,
            "; ".join(f"{column} {value}" for column, value in sample.groups.items()),
        )
    for image in report.evaluation.unreadable:
        yield (image.path, *(None,) * 8, image.reason, None)
