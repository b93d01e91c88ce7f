"""The results of the repair study as Markdown tables."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Result:
    """One repair on one set: accuracy and worst-group accuracy on test in percent, and how it came about.

    `told` is "groups", "tags", "nothing" or "" (untouched); `right` percent of the carried tags are true.
    """

    name: str
    told: str
    method: str
    mean: float
    worst: float
    count: int = 0
    order: str = ""
    carried: bool = False
    right: float | None = None
    verdict: str = ""
    chosen: str = ""
    seconds: float = 0.0


def tables(results: list[Result]) -> str:
    """Return the overviews, the goals and the tables of tags."""
    names = list(dict.fromkeys(one.name for one in results))
    skewed = [name for name in names if name.endswith("skewed val")]
    plain = [name for name in names if name not in skewed]
    parts = ["## Every method", _overview(results, plain), "## The same with a skewed val"]
    parts += [_overview(results, skewed), "## Goals", _goals(results, names)]
    for name in names:
        parts += [f"## Tags: {name}", _tags([one for one in results if one.name == name])]
    return "\n\n".join(parts)


def _cell(results: Iterable[Result]) -> str:
    found = list(results)
    if not found:
        return "–"
    return f"{_mean(found, lambda one: one.worst):.1f} / {_mean(found, lambda one: one.mean):.1f}"


def _mean(results: Iterable[Result], value: Callable[[Result], float]) -> float:
    return statistics.fmean(value(one) for one in results)


def _grid(head: list[str], rows: Iterable[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _overview(results: list[Result], names: list[str]) -> str:
    """One row for each method and what it was told, one column a set; verdicts of all seeds at the end."""
    results = [one for one in results if one.name in names]
    keys = dict.fromkeys((one.reported, one.method) for one in results if one.reported != "tags")
    rows = []
    for told, method in sorted(keys, key=lambda key: ["", "groups", "nothing"].index(key[0])):
        own = [one for one in results if (one.reported, one.method) == (told, method)]
        verdicts = [one.verdict for one in own if one.verdict]
        summary = ", ".join(f"{verdicts.count(text)}× {text}" for text in dict.fromkeys(verdicts))
        seconds = f"{_mean(own, lambda one: one.seconds):.1f}" if told else ""
        cells = [_cell(one for one in own if one.name == name) for name in names]
        rows.append(
            [
                method,
                {"groups": "all true groups", "nothing": "nothing"}.get(told, ""),
                *cells,
                seconds,
                summary,
            ]
        )
    return _grid(["method", "told", *names, "seconds", "verdicts"], rows)


def _goals(results: list[Result], names: list[str]) -> str:
    """Gain of 40 tags against all true groups, and of the label-free methods against the paper's edit."""

    def gain(name: str, wanted: Callable[[Result], bool]) -> float | None:
        own = [one for one in results if one.name == name]
        before = next(one.worst for one in own if one.method == "untouched")
        found = [one for one in own if wanted(one)]
        return _mean(found, lambda one: one.worst) - before if found else None

    rows = []
    for name in names:
        full = gain(name, lambda one: (one.reported, one.method) == ("groups", "ridge"))
        row = [name]
        for order in ("review", "random"):
            few = gain(
                name,
                lambda one, order=order: (
                    (one.reported, one.method, one.count, one.order, one.carried)
                    == ("tags", "ridge", 40, order, True)
                ),
            )
            row.append(
                f"{few:+.1f} of {full:+.1f} ({100 * few / full:.0f} %)" if few is not None and full else "–"
            )
        paper = gain(name, lambda one: (one.reported, one.method) == ("nothing", "paper"))
        free = {
            method: gain(name, lambda one, method=method: (one.reported, one.method) == ("nothing", method))
            for method in ("afr", "neurontune", "auto")
        }
        row += [", ".join(f"{method} {value:+.1f}" for method, value in free.items()), f"{paper:+.1f}"]
        rows.append(row)
    head = ["set", "ridge, 40 tags in review order", "ridge, 40 random tags", "without groups", "paper"]
    return _grid(head, rows)


def _tags(results: list[Result]) -> str:
    """One row for each number of tags, order and whether they are carried."""
    methods = list(dict.fromkeys(one.method for one in results if one.reported == "tags"))
    keys = dict.fromkeys((one.order, one.carried, one.count) for one in results if one.reported == "tags")
    rows = []
    for order, carried, count in sorted(keys, key=lambda key: (key[0] == "random", not key[1], key[2])):
        own = [one for one in results if (one.order, one.carried, one.count) == (order, carried, count)]
        right = f"yes, {_mean(own, lambda one: one.right or 0):.0f} % right" if carried else "no"
        cells = [_cell(one for one in own if one.method == method) for method in methods]
        rows.append([str(count), order, right, *cells])
    return _grid(["tags", "order", "carried", *methods], rows)
