"""Stored values of older versions, brought into the form that the results have now."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..results import Outcome, Repair

REPORT_SCHEMA = "neuroinspect.report/2"

_OUTCOMES: Mapping[str, Outcome] = {
    "helps": "helps",
    "hurts others": "hurts",
    "no better than the control": "no_better",
    "too few images to tell": "too_few",
}
"""The verdicts of version 0.1, all there were."""


def _repair(stored: dict[str, Any]) -> dict[str, Any]:
    """Version 0.1 stored the verdict as text, without the comparisons that it rested on.

    The repair is kept, but who asks for the same again gets a new one, with a verdict of today.
    """
    verdict = stored.get("verdict")
    if not isinstance(verdict, str):
        return stored
    outcome = _OUTCOMES.get(verdict, "no_better")
    return {**stored, "verdict": {"outcome": outcome, "comparisons": []}, "request": ""}


UPGRADES: Mapping[Any, Callable[[dict[str, Any]], dict[str, Any]]] = {Repair: _repair}
"""By the type of the value: from any older form to the present one."""


def upgraded_report(report: Any) -> dict[str, Any] | None:
    """Return report.json, of this version or of 0.1, in the present form; None where it is neither."""
    schema = report.get("schema") if isinstance(report, dict) else None
    if schema == REPORT_SCHEMA:
        return dict(report)
    if schema != "neuroinspect.report/1":
        return None
    debugged = [
        {**found, "repairs": list(map(_reported_repair, found.get("repairs", [])))}
        for found in report.get("debugged", [])
    ]
    return {**report, "schema": REPORT_SCHEMA, "debugged": debugged}


def _reported_repair(row: dict[str, Any]) -> dict[str, Any]:
    """The verdict was text; what it was is still the sentence to show."""
    return {**_repair(row), "sentence": str(row.get("verdict", ""))}
