"""The report's numbers in words, the same in HTML, Markdown and comparison."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Metrics = dict[str, Any]


def percent(value: float | None, digits: int = 1) -> str:
    """Return a rate 0…1 as percent, "–" when it is not defined."""
    return "–" if value is None else f"{100 * value:.{digits}f} %"


def decimal(value: float | None, digits: int) -> str:
    """Return a number with `digits` decimals, "–" when it is not defined."""
    return "–" if value is None else f"{value:.{digits}f}"


def percentile(value: float) -> str:
    """Return a percentile 0…100 among the class's real images in words."""
    return f"above {value:.0f} % of real images"


def heads(repair: dict[str, Any]) -> list[tuple[str, Metrics]]:
    """Return the compared decision layers of a repair, in the order they are shown."""
    controls = [(f"control: {name}", metrics) for name, metrics in repair["controls"].items()]
    return [("untouched", repair["before"]), (repair["method"], repair["after"]), *controls]


def verdict_mark(repair: dict[str, Any]) -> str:
    """Return "good" where the repair's verdict begins with "helps", "bad" for "hurts", otherwise "even"."""
    words = {"helps": "good", "hurts": "bad"}
    return next((mark for word, mark in words.items() if repair["verdict"].lower().startswith(word)), "even")


def repair_facts(repair: dict[str, Any]) -> str:
    """Return one line: images fixed and broken, significance, time, images used, file."""
    parts = [f"{repair['fixed']} images fixed, {repair['broken']} broken"]
    if repair["mcnemar_p"] is not None:
        parts.append(f"McNemar p = {repair['mcnemar_p']:.2g}")
    parts.append(f"{repair['seconds']:.2f} s")
    parts += [f"{use['part']}: {use['samples']} of {use['split']}" for use in repair["splits"]]
    if repair["weights"]:
        parts.append(f"weights: {repair['weights']}")
    return " · ".join(parts)


@dataclass(frozen=True)
class Shown:
    """One number of a decision layer: a rate, whose it is, and its 95 % interval where there is one."""

    rate: float | None
    whose: str = ""
    interval: tuple[float, float] | None = None

    def __str__(self) -> str:
        return f"{percent(self.rate)} ({self.whose})" if self.whose else percent(self.rate)


def _worst_class(metrics: Metrics) -> Shown:
    worst = metrics["worst_class"]
    return Shown(None) if worst is None else Shown(worst["accuracy"], worst["name"])


def _worst_group(metrics: Metrics) -> Shown:
    worst = metrics["worst_group"]
    return Shown(None) if worst is None else Shown(worst["accuracy"], f"{worst['class']}, {worst['value']}")


METRIC_ROWS: tuple[tuple[str, Callable[[Metrics], Shown]], ...] = (
    ("class recall", lambda metrics: Shown(metrics["class_accuracy"], "", metrics["class_interval"])),
    ("class precision", lambda metrics: Shown(metrics["class_precision"])),
    ("class F1", lambda metrics: Shown(metrics["class_f1"])),
    ("accuracy, all classes", lambda metrics: Shown(metrics["accuracy"], "", metrics["accuracy_interval"])),
    ("worst class", _worst_class),
    ("worst group", _worst_group),
)
