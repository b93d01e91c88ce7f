"""The report's numbers in words, the same in HTML, Markdown and comparison."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..repair_methods import REPAIRS, settings

Metrics = dict[str, Any]


def percent(value: float | None, digits: int = 1) -> str:
    """Return a rate 0…1 as percent, "–" when it is not defined."""
    return "–" if value is None else f"{100 * value:.{digits}f} %"


def decimal(value: float | None, digits: int) -> str:
    """Return a number with `digits` decimals, "–" when it is not defined."""
    return "–" if value is None else f"{value:.{digits}f}"


def short_name(name: str) -> str:
    """Return the last part of a path, for titles."""
    return name.rstrip("/").rpartition("/")[2] or name


def group_name(row: dict[str, Any]) -> str:
    """Return a group's class, column and value in words."""
    return f"{row['class']}, {row['column']} {row['value']}"


def worst_first(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return rows of classes or groups by accuracy; of equals the one with most images first."""
    return sorted(rows, key=lambda row: (row["accuracy"] is None, row["accuracy"], -row["count"]))


def percentile(value: float) -> str:
    """Return a percentile 0…100 among the class's real images in words."""
    return f"above {value:.0f} % of real images"


def heads(repair: dict[str, Any]) -> list[tuple[str, Metrics]]:
    """Return the compared decision layers of a repair, in the order they are shown."""
    controls = [(f"control: {name}", metrics) for name, metrics in repair["controls"].items()]
    return [("untouched", repair["before"]), (repair["method"], repair["after"]), *controls]


def verdict_mark(repair: dict[str, Any]) -> str:
    """Return "good" where the repair helps, "bad" where it hurts, otherwise "even"."""
    return {"helps": "good", "hurts": "bad"}.get(repair["verdict"]["outcome"], "even")


def repair_headline(repair: dict[str, Any]) -> str:
    """Return the change that counts: of the worst group where there are groups, else of the class."""
    before, after = repair["before"], repair["after"]
    if before["worst_group"] and after["worst_group"]:
        rates = before["worst_group"]["accuracy"], after["worst_group"]["accuracy"]
        return f"worst group {percent(rates[0], 0)} → {percent(rates[1], 0)}"
    return f"{percent(before['class_accuracy'], 0)} → {percent(after['class_accuracy'], 0)}"


def repair_facts(repair: dict[str, Any]) -> list[str]:
    """Return what stands below the numbers: images fixed and broken, settings, images used, file."""
    fixed = f"{repair['fixed']} images fixed, {repair['broken']} broken"
    if repair["mcnemar_p"] is not None:
        fixed += f" (exact McNemar test, p = {repair['mcnemar_p']:.2g})"
    facts = [fixed]
    facts += [
        f"{_PARTS[use['part']]} {use['samples']} of {use['split']}{_note(use)}" for use in repair["splits"]
    ]
    facts.append(f"{settings(repair['parameters'])}; fitted and chosen in {repair['seconds']:.2f} s")
    if REPAIRS[repair["method"]].need == "neurons":
        facts.append(f"neurons {', '.join(map(str, repair['neurons']))}")
    if repair["same_as"] is not None:
        facts.append(f"the same decision layer as repair {repair['same_as']}")
    if not repair["weights"]:
        facts.append("not accepted: no weights are written")
    else:
        facts.append(f"weights in {repair['weights']}")
    return facts


_PARTS = {"fit": "fitted on", "choose": "chosen on", "judge": "judged on"}


def _note(use: dict[str, Any]) -> str:
    return f" ({use['note']})" if use["note"] else ""


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
    return Shown(None) if worst is None else Shown(worst["accuracy"], group_name(worst))


METRIC_ROWS: tuple[tuple[str, Callable[[Metrics], Shown]], ...] = (
    ("class recall", lambda metrics: Shown(metrics["class_accuracy"], "", metrics["class_interval"])),
    ("class precision", lambda metrics: Shown(metrics["class_precision"])),
    ("class F1", lambda metrics: Shown(metrics["class_f1"])),
    ("accuracy, all classes", lambda metrics: Shown(metrics["accuracy"], "", metrics["accuracy_interval"])),
    ("worst class", _worst_class),
    ("worst group", _worst_group),
)


def made_from(report: dict[str, Any]) -> list[tuple[str, str]]:
    """Return what was asked for and of what: enough to do it again."""
    model, data, config = report["model"], report["data"], report["config"]
    facts = [
        ("model", model["spec"]),
        ("weights", model["weights"] or "as built"),
        ("data", f"{data['source']}, split {data['split']}"),
        ("preprocessing", preprocessing(data["preprocessing"])),
        ("mode", f"{config['debug']['mode']}, seed {config['compute']['seed']}"),
        ("made by", f"neuroinspect {report['environment']['neuroinspect']}"),
    ]
    return [(name, text) for name, text in facts if text]


def preprocessing(found: dict[str, Any] | None) -> str:
    """Return what is done to an image before the classifier sees it, in words."""
    if found is None:
        return ""
    side = "both sides" if found["squash"] else "shorter side"
    shape = f"{side} to {found['resize']}, middle {found['size']} × {found['size']}"
    mean, std = (", ".join(f"{value:g}" for value in found[name]) for name in ("mean", "std"))
    return f"{shape} ({found['interpolation']}), pixels 0…1, mean {mean}, std {std}"


WORDS = (
    ("neuron", "one number of the vector that the decision layer sees"),
    (
        "insufficient, excessive",
        "the smallest change that turns a mistake into the right answer raises, or lowers, this neuron",
    ),
    ("prec@5", "percent of the class's mistakes that have the neuron among their five largest changes"),
    (
        "importance",
        "how many times likelier the class is with the neuron than without it, at the mean features",
    ),
    (
        "mends",
        "share of the mistakes that are right when this neuron alone is set to the class mean (insufficient) "
        "or to zero (excessive); random: the same for random neurons",
    ),
    ("concept", "the words nearest to what the neuron sees, by CLIP; none without --clip"),
    (
        "illusion",
        "a picture optimised for the neuron and the class; 1× is the neuron's 99.9 % quantile on real "
        "images, robust: the same after random shifts and turns, rank: place of the neuron among all, 1 is "
        "best; where the first is below 1× it is not shown, because real images excite the neuron more; "
        "class: the class's probability; CLIP above: share of the class's real images that are less like the "
        "class's name",
    ),
    (
        "controls",
        "repairs that ignore the neurons; a repair that does no better than they do is no repair",
    ),
    (
        "group",
        "the images of one class with one value of a column of the data, or with one tag set by hand",
    ),
)
"""The words of the report, for readers who have not seen the program."""
