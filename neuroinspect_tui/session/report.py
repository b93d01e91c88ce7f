"""report.json: what a session found, in the names, nesting and units that outside programs rely on."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..config import RunConfig
from ..errors import InputError
from ..results import (
    ClassRef,
    Culprit,
    CulpritReport,
    Evaluation,
    Exemplar,
    GroupResult,
    Illusion,
    Metrics,
    Opened,
    Repair,
    Sample,
)
from ..text import safe
from ..wording.verdicts import choice_sentence, verdict_sentence
from .atomic import write_json, write_text
from .codec import to_json
from .html import render_html
from .markdown import render_markdown
from .store import Session
from .tables import write_classes, write_neurons, write_samples

SCHEMA = "neuroinspect.report/1"
REPORT = "report.json"


@dataclass(frozen=True)
class Debugged:
    """What was found about one class."""

    culprits: CulpritReport
    illusions: tuple[Illusion, ...] = ()
    exemplars: tuple[Exemplar, ...] = ()
    repairs: tuple[Repair, ...] = ()


@dataclass(frozen=True)
class Findings:
    """Everything that goes into a report.

    `hashes` as given to `Session.bind`; `environment` versions, platform and times (the only part,
    with `seconds` of a repair, that may differ between two runs of the same command).
    """

    opened: Opened
    config: RunConfig
    hashes: Mapping[str, str]
    environment: Mapping[str, str | int | float | None]
    evaluation: Evaluation
    debugged: tuple[Debugged, ...] = field(default=())


def build_report(findings: Findings) -> dict[str, Any]:
    """Return the report as plain JSON values, as `schema/report.schema.json` describes them."""
    repairs = [repair for found in findings.debugged for repair in found.repairs]
    report = {
        "schema": SCHEMA,
        "model": _model(findings),
        "data": _data(findings),
        "environment": dict(findings.environment),
        "config": findings.config,
        "evaluation": _evaluation(findings.evaluation),
        "debugged": [_debugged(found, findings.opened.classes, repairs) for found in findings.debugged],
    }
    return to_json(report)


def write_reports(session: Session, report: dict[str, Any], samples: Iterable[Sample]) -> None:
    """Write report.json, report.html, report.md, classes.csv, neurons.csv and samples.csv, each atomically.

    `samples` are all images of the debugged split that could be read, in order; they are streamed.
    report.json comes last, so that whoever sees a new one sees the others too. Raises InputError on a
    full disk and the like.
    """
    write_classes(session.path("classes.csv"), report)
    write_neurons(session.path("neurons.csv"), report)
    write_samples(session.path("samples.csv"), report, samples)
    write_text(session.path("report.md"), render_markdown(report))
    write_text(session.path("report.html"), render_html(report, session.path))
    write_json(session.path(REPORT), report)


def read_report(session: Session) -> dict[str, Any]:
    """Return the session's report.json. Raises InputError when there is none or it is no such report."""
    path = session.path(REPORT)
    remedy = "run neuroinspect --batch with that -o, or press e in the interface, to write one"
    try:
        report = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise InputError(f"{safe(str(session.root))} has no report yet", remedy) from None
    except ValueError as error:
        raise InputError(f"{safe(str(path))} is damaged ({safe(str(error))})", remedy) from error
    if not isinstance(report, dict) or report.get("schema") != SCHEMA:
        raise InputError(f"{safe(str(path))} is no report that this version can read", remedy)
    return report


def _model(findings: Findings) -> dict[str, Any]:
    opened, config = findings.opened, findings.config.model
    return {
        "name": opened.model,
        "spec": config.spec,
        "weights": config.weights,
        "classes": len(opened.classes),
        "features": opened.features,
        "parameters": opened.parameters,
        "device": opened.device,
        "precision": opened.precision,
        "clip": opened.clip,
        "hashes": dict(sorted(findings.hashes.items())),
    }


def _data(findings: Findings) -> dict[str, Any]:
    opened = findings.opened
    return {
        "name": opened.data,
        "source": findings.config.data.source,
        "split": opened.split,
        "splits": opened.splits,
        "classes": opened.classes,
        "group_columns": opened.group_columns,
        "notes": opened.notes,
        "preprocessing": opened.preprocessing,
    }


def _evaluation(found: Evaluation) -> dict[str, Any]:
    return {
        "split": found.split,
        "samples": found.samples,
        "unreadable": found.unreadable,
        "accuracy": found.accuracy,
        "macro_accuracy": found.macro_accuracy,
        "classes": found.classes,
        "groups": [_group(row) for row in found.groups],
        "worst_group": None if found.worst_group is None else _group(found.worst_group),
    }


def _group(row: GroupResult) -> dict[str, Any]:
    return {
        "column": row.column,
        "value": row.value,
        "class": row.class_name,
        "class_index": row.class_index,
        "count": row.count,
        "correct": row.correct,
        "accuracy": row.accuracy,
    }


def _debugged(found: Debugged, classes: tuple[str, ...], repairs: Iterable[Repair]) -> dict[str, Any]:
    culprits = found.culprits
    return {
        "class": culprits.target,
        "mode": culprits.mode,
        "mistakes": culprits.mistakes,
        "unflipped": culprits.unflipped,
        "mended_together": culprits.mended_together,
        "mended_random_together": culprits.mended_random_together,
        "neurons": {
            "insufficient": [_neuron(row) for row in culprits.insufficient],
            "excessive": [_neuron(row) for row in culprits.excessive],
        },
        "illusions": [_illusion(row) for row in found.illusions],
        "exemplars": [_exemplar(row, classes) for row in found.exemplars],
        "repairs": [_repair(row, classes, row.twin(repairs)) for row in found.repairs],
    }


def _neuron(row: Culprit) -> dict[str, Any]:
    return _without(row, "kind")


def _illusion(row: Illusion) -> dict[str, Any]:
    return {**_without(row, "target"), "class": row.target.name, "shown": row.shown}


def _exemplar(row: Exemplar, classes: tuple[str, ...]) -> dict[str, Any]:
    return {**to_json(row), "label": _reference(row.label, classes)}


def _repair(row: Repair, classes: tuple[str, ...], twin: int | None) -> dict[str, Any]:
    return {
        **_without(row, "target", "digest", "choice"),
        "verdict": _verdict(row),
        "sentence": verdict_sentence(row),
        "reason": choice_sentence(row),
        "same_as": twin,
        "before": _metrics(row.before, classes),
        "after": _metrics(row.after, classes),
        "controls": {name: _metrics(metrics, classes) for name, metrics in row.controls.items()},
    }


def _verdict(row: Repair) -> dict[str, Any]:
    losers = [{**_without(loser, "target"), "class": loser.target} for loser in row.verdict.losers]
    return {**_without(row.verdict, "hurt"), "losers": losers}


def _metrics(found: Metrics, classes: tuple[str, ...]) -> dict[str, Any]:
    worst = found.worst_group
    group = None
    if worst is not None:
        name = _reference(worst.class_index, classes).name
        group = {"column": worst.column, "value": worst.value, "class": name, "accuracy": worst.accuracy}
    return {**to_json(found), "worst_group": group}


def _without(value: Any, *names: str) -> dict[str, Any]:
    return {key: item for key, item in to_json(value).items() if key not in names}


def _reference(index: int, classes: tuple[str, ...]) -> ClassRef:
    return ClassRef(index, classes[index])
