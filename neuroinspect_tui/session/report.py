"""The report: gathered from the results, written in every format, read back."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from pydantic import ValidationError

from ..errors import InputError
from ..results import Sample
from ..text import safe
from .atomic import write_json, write_text
from .findings import Debugged, Findings, FlippedGallery, build_report
from .html import render_html
from .markdown import render_markdown
from .report_model import Report
from .store import Session
from .stored import to_json
from .tables import write_classes, write_neurons, write_samples
from .upgrades import upgraded_report

__all__ = [
    "REPORT",
    "Debugged",
    "Findings",
    "FlippedGallery",
    "build_report",
    "read_report",
    "report_json",
    "write_reports",
]

REPORT = "report.json"


def report_json(report: Report) -> dict[str, Any]:
    """Return the report as plain JSON values, as `schema/report.schema.json` describes them."""
    plain: dict[str, Any] = to_json(report.model_dump(mode="json", by_alias=True))
    return plain


def write_reports(session: Session, report: Report, samples: Iterable[Sample]) -> None:
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
    write_json(session.path(REPORT), report_json(report))


def read_report(session: Session) -> Report:
    """Return the session's report, also one of version 0.1.

    Raises InputError when there is none, when it is damaged, or when a newer version wrote it.
    """
    path = session.path(REPORT)
    remedy = "run neuroinspect --batch with that -o, or press e in the interface, to write one"
    try:
        report = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise InputError(f"{safe(str(session.root))} has no report yet", remedy) from None
    except ValueError as error:
        raise InputError(f"{safe(str(path))} is damaged ({safe(str(error))})", remedy) from error
    upgraded = upgraded_report(report)
    if upgraded is None:
        raise InputError(f"{safe(str(path))} is not a report that this version can read", remedy)
    try:
        return Report.model_validate(upgraded)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise InputError(f"{safe(str(path))} is damaged ({safe(place)}: {first['msg']})", remedy) from error
