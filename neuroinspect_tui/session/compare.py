"""Two sessions side by side: in what their inputs differ, and which images were fixed and broken."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ..errors import InputError
from ..results import Preprocessing
from ..significance import SIGNIFICANT, holm, mcnemar_p
from ..text import safe
from .report import read_report
from .report_model import Report
from .store import Session

Difference = Literal["preprocessing", "split", "data", "class order", "mode", "labels"]
Value = Preprocessing | tuple[str, ...] | str | int | None


@dataclass(frozen=True)
class Prediction:
    """What a session says of one image: the names of its label and prediction, its groups by column."""

    label: str
    predicted: str
    groups: Mapping[str, str]

    @property
    def right(self) -> bool:
        """Whether the prediction is the label."""
        return self.label == self.predicted


@dataclass(frozen=True)
class Side:
    """A session's report and, by path as samples.csv writes it, its answers on the debugged split."""

    report: Report
    answers: Mapping[str, Prediction]

    @classmethod
    def read(cls, root: Path) -> Side:
        """Read the session at `root`; raises InputError when it has no report or table of samples."""
        report = read_report(Session.view(root))
        return cls(report, dict(_read_answers(root / "samples.csv", report)))


def _read_answers(path: Path, report: Report) -> Iterator[tuple[str, Prediction]]:
    """Yield path and answer of each image that could be read."""
    patterns = dict(_group_patterns(report))
    try:
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                if row["predicted_class"]:
                    groups = {
                        column: match[1]
                        for column, pattern in patterns.items()
                        if (match := pattern.search(row["groups"] or ""))
                    }
                    yield row["path"], Prediction(row["class"], row["predicted_class"], groups)
    except (OSError, KeyError, UnicodeDecodeError, csv.Error) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(
            f"{path} cannot be read ({safe(reason)})", "write that session's report again"
        ) from None


def _group_patterns(report: Report) -> Iterator[tuple[str, re.Pattern[str]]]:
    """Yield each group column and a pattern for its value in a cell of samples.csv: values may hold ";"."""
    values: dict[str, set[str]] = {}
    for group in report.evaluation.groups:
        values.setdefault(group.column, set()).add(group.value)
    for column, known in values.items():
        longest_first = sorted(map(safe, known), key=len, reverse=True)
        choices = "|".join(map(re.escape, longest_first))
        yield column, re.compile(rf"(?:^'?|; ){re.escape(safe(column))} ({choices})(?=; |$)")


@dataclass(frozen=True)
class InputChange:
    """An input in which two sessions differ, and its values."""

    what: Difference
    first: Value
    second: Value


def input_changes(first: Side, second: Side) -> tuple[InputChange, ...]:
    """Return what differs besides the model: rates of two such sessions do not tell which model is better."""
    one, other = first.report, second.report
    pairs: dict[Difference, tuple[Value, Value]] = {
        "preprocessing": (one.data.preprocessing, other.data.preprocessing),
        "split": (one.evaluation.split, other.evaluation.split),
        "data": (_data(one), _data(other)),
        "class order": (_class_names(one), _class_names(other)),
        "mode": (one.config.debug.mode, other.config.debug.mode),
        "labels": (0, sum(1 for _ in _relabelled(first, second))),
    }
    return tuple(InputChange(what, *values) for what, values in pairs.items() if values[0] != values[1])


def _data(report: Report) -> tuple[str, str]:
    """The name of the data and, where the session knows it, their content's hash."""
    return report.data.name, report.model.hashes.get("data", "")


def _class_names(report: Report) -> tuple[str, ...]:
    return tuple(row.name for row in report.evaluation.classes)


def _relabelled(first: Side, second: Side) -> Iterator[str]:
    for path in first.answers.keys() & second.answers.keys():
        if first.answers[path].label != second.answers[path].label:
            yield path


@dataclass(frozen=True)
class PairedChange:
    """What changed on `n` images that both sessions answered; `p` is McNemar's exact test.

    `kind` is all, class or group, `name` the class or (column, value, class) of the group, `adjusted` the p
    after Holm's correction over all classes and groups.
    """

    kind: Literal["all", "class", "group"]
    name: tuple[str, ...]
    n: int
    fixed: int
    broken: int
    p: float
    adjusted: float

    @property
    def regressed(self) -> bool:
        """Whether significantly more images were broken than fixed."""
        return self.broken > self.fixed and self.adjusted < SIGNIFICANT


def paired_changes(first: Side, second: Side) -> tuple[PairedChange, ...]:
    """Return the changes over all images, in each class and each group, matched by path.

    Images with another label in each session count nowhere; a group is that of the first session.
    """
    members: dict[tuple[Literal["all", "class", "group"], tuple[str, ...]], list[tuple[bool, bool]]] = {
        ("all", ()): []
    }
    for path, before in first.answers.items():
        after = second.answers.get(path)
        if after is None or after.label != before.label:
            continue
        answer = (before.right, after.right)
        members["all", ()].append(answer)
        members.setdefault(("class", (before.label,)), []).append(answer)
        for column, value in before.groups.items():
            members.setdefault(("group", (column, value, before.label)), []).append(answer)
    counts = {key: (len(pairs), *_fixed_and_broken(pairs)) for key, pairs in members.items()}
    raw = {key: mcnemar_p(fixed, broken) for key, (_, fixed, broken) in counts.items()}
    parts = [key for key in raw if key[0] != "all"]
    adjusted = {**raw, **dict(zip(parts, holm([raw[key] for key in parts]), strict=True))}
    return tuple(PairedChange(*key, *counts[key], raw[key], adjusted[key]) for key in counts)


def _fixed_and_broken(pairs: Iterable[tuple[bool, bool]]) -> tuple[int, int]:
    changed = [after for before, after in pairs if before != after]
    return sum(changed), len(changed) - sum(changed)
