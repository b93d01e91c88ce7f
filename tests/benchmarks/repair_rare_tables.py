"""The results of `repair_rare` as Markdown tables."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from typing import Any

Line = dict[str, Any]
FEWEST_GAINED = 10.0
"""Points of worst group that true groups must bring, for shares of them to be more than noise."""


def tables(lines: Sequence[Line]) -> str:
    """Return worst groups and shares by set, the two ways of choosing, and how far the estimates hold."""
    names = list(dict.fromkeys(one["name"] for one in lines))
    return "\n\n".join([_worst(lines, names), _shares(lines, names), _estimates(lines)])


def _mean(rows: Sequence[Line], value: Callable[[Line], float]) -> float:
    return statistics.fmean(value(row) for row in rows)


def _of(lines: Sequence[Line], **wanted: Any) -> list[Line]:
    return [line for line in lines if all(line[key] == value for key, value in wanted.items())]


def _grid(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return "\n".join("| " + " | ".join(line) + " |" for line in [head, ["---"] * len(head), *rows])


def _worst(lines: Sequence[Line], names: Sequence[str]) -> str:
    """One row a set and val: worst group / accuracy on test."""
    asked = [("untouched", 0), ("nothing", 0), ("tags", 40), ("tags", 80), ("groups", 0)]
    rows = []
    for val in ("balanced", "skewed"):
        for name in names:
            own = _of(lines, name=name, val=val)
            if not own:
                continue
            cells = []
            for told, tags in asked:
                found = _of(own, told=told, tags=tags)
                worst, mean = _mean(found, lambda row: row["worst"]), _mean(found, lambda row: row["mean"])
                cells.append(f"{worst:.1f} / {mean:.1f}")
            tagged = [_of(own, told="tags", tags=tags) for tags in (40, 80)]
            right = " / ".join(f"{_mean(found, lambda row: row['precision']):.2f}" for found in tagged)
            recalled = " / ".join(f"{_mean(found, lambda row: row['recall']):.2f}" for found in tagged)
            draws = len({row["seed"] for row in own})
            rows.append([name, val, str(draws), *cells, right, recalled])
    head = ["set", "val", "draws", "untouched", "told nothing", "40 tags", "80 tags", "all true groups",
            "precision of rare cells, 40 / 80", "recall"]  # fmt: skip
    return _grid(head, rows)


def _gained(lines: Sequence[Line], name: str) -> tuple[float, float]:
    """Return the untouched worst group and what all true groups gain on a balanced val."""
    own = _of(lines, name=name, val="balanced")
    before = _mean(_of(own, told="untouched"), lambda row: row["worst"])
    return before, _mean(_of(own, told="groups"), lambda row: row["worst"]) - before


def _shares(lines: Sequence[Line], names: Sequence[str]) -> str:
    """One row a val and number of tags: shares of the balanced true-group gain, and the lowest draw."""
    known = [name for name in names if _of(lines, name=name, val="balanced")]
    gains = {name: _gained(lines, name) for name in known}
    counted = [name for name in known if gains[name][1] >= FEWEST_GAINED]
    rows = []
    for val in ("balanced", "skewed"):
        for tags in (40, 80):
            for rule, key in (("by counts", "worst"), ("A + B", "by_sum")):
                if any(row[key] is None for row in _of(lines, val=val, told="tags", tags=tags)):
                    continue
                cells, shares, lowest = [], [], []
                for name in counted:
                    own = _of(lines, name=name, val=val, told="tags", tags=tags)
                    before, gain = gains[name]
                    share = 100 * (_mean(own, lambda row, key=key: row[key]) - before) / gain
                    shares.append(share)
                    cells.append(f"{share:.0f} %")
                    lowest.append(min(row[key] - before for row in own))
                mean = f"{statistics.fmean(shares):.0f} %"
                rows.append([val, str(tags), rule, *cells, mean, f"{min(lowest):+.1f}"])
    return _grid(["val", "tags", "chosen", *counted, "mean", "lowest draw against untouched"], rows)


def _estimates(lines: Sequence[Line]) -> str:
    """One row a number of tags: how often intervals hold the truth, and how wide they are."""
    rows = []
    for val in ("balanced", "skewed"):
        for tags in (40, 80):
            own = _of(lines, val=val, told="tags", tags=tags)
            covered = [one for row in own for one in row["covered"]]
            found = [row["estimate"] for row in own if row["estimate"]]
            inside = [low <= truth <= high for low, high, truth, _ in found]
            wide = statistics.fmean(high - low for low, high, _, _ in found)
            alone = statistics.fmean(width for *_, width in found)
            rows.append([
                val, str(tags), f"{100 * statistics.fmean(covered):.0f} % of {len(covered)}",
                f"{100 * statistics.fmean(inside):.0f} % of {len(inside)}", f"{wide:.0f}", f"{alone:.0f}",
            ])  # fmt: skip
    head = ["val", "tags", "right images of a rare cell: 90 % interval holds", "worst group's rate: holds",
            "its width, points", "width by the cell's tags alone"]  # fmt: skip
    return _grid(head, rows)
