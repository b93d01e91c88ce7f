"""The rows that the benchmarks fill, and how they are printed and kept."""

from __future__ import annotations

import dataclasses
import json
import math
import platform
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import torch

from .timing import Machine, Time


@dataclass(frozen=True)
class Row:
    """One stage at one size: this product, the published way, what a user would pick, the floor, the goal.

    `floor` is in seconds; `goal` is a number of seconds, or a least ratio of a way to `ours` when `goal_of`
    names the way. Ratios are of CPU times, which other load disturbs least, unless other processes work too.
    `least` is the ratio below which a run fails, where that is not the goal itself.
    """

    stage: str
    size: str
    ours: Time
    published: Time | None = None
    pick: Time | None = None
    pick_name: str = ""
    floor: float | None = None
    goal: float | None = None
    goal_of: str = ""
    basis: str = "cpu"
    note: str = ""
    least: float | None = None

    @property
    def name(self) -> tuple[str, str]:
        """What the row is about, run after run."""
        return self.stage, self.size

    @property
    def noise(self) -> float:
        """How far a ratio lies from another run's, as a share of it."""
        other: Time | None = getattr(self, self.goal_of) if self.goal_of else None
        return math.hypot(self.ours.spread, other.spread if other else 0.0)

    @property
    def within_noise(self) -> bool:
        """Whether the ratio is so near to its goal that another run may say otherwise."""
        ratio = self.ratio(self.goal_of) if self.goal_of else None
        return ratio is not None and self.goal is not None and abs(ratio / self.goal - 1) <= self.noise

    @property
    def failed(self) -> bool:
        """Whether a ratio is below what a run must reach. Goals in seconds are for a quiet machine: never."""
        ratio = self.ratio(self.goal_of) if self.goal_of else None
        least = self.goal if self.least is None else self.least
        return ratio is not None and least is not None and ratio < least

    def ratio(self, name: str) -> float | None:
        """Return how many times faster than `published` or `pick` ours is."""
        other: Time | None = getattr(self, name)
        return getattr(other, self.basis) / getattr(self.ours, self.basis) if other else None

    @property
    def reached(self) -> bool | None:
        """Whether the goal is reached; None without one. A goal in seconds is for the clock of a quiet machine."""
        if self.goal is None:
            return None
        ratio = self.ratio(self.goal_of) if self.goal_of else None
        return ratio >= self.goal if ratio is not None else min(self.ours.wall, self.ours.cpu) <= self.goal


@dataclass
class Table:
    """All rows of a run, on one machine."""

    machine: Machine
    rows: list[Row] = field(default_factory=list)

    def add(self, row: Row) -> None:
        """Keep a row and say so."""
        self.rows.append(row)
        print(_line(_cells(row)), flush=True)

    def failed(self) -> set[tuple[str, str]]:
        """Return the names of the rows whose ratio is too low."""
        return {row.name for row in self.rows if row.failed}

    def replace(self, rows: Iterable[Row]) -> None:
        """Put rows in the place of those of the same name."""
        others = {row.name: row for row in rows}
        self.rows = [others.get(row.name, row) for row in self.rows]

    def text(self) -> str:
        """Return the table in Markdown."""
        lines = [_line(HEADINGS), _line(["---"] * len(HEADINGS))]
        return "\n".join(lines + [_line(_cells(row)) for row in self.rows])

    def write(self, path: Path) -> None:
        """Write everything as JSON."""
        path.parent.mkdir(parents=True, exist_ok=True)
        document = {
            "machine": {
                **dataclasses.asdict(self.machine),
                "platform": platform.platform(),
                "torch": torch.__version__,
                "cuda": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
            },
            "rows": [
                {
                    **dataclasses.asdict(row),
                    "ratio_published": row.ratio("published"),
                    "ratio_pick": row.ratio("pick"),
                    "reached": row.reached,
                }
                for row in self.rows
            ],
        }
        path.write_text(json.dumps(document, indent=1) + "\n")


HEADINGS = [
    "stage",
    "size",
    "ours",
    "ours, CPU",
    "published",
    "ratio",
    "a user's pick",
    "ratio",
    "floor",
    "goal",
]


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cells(row: Row) -> list[str]:
    pick = f"{show(getattr(row.pick, row.basis))} {row.pick_name}" if row.pick else ""
    stage = f"{row.stage} ({row.note})" if row.note else row.stage
    return [
        stage,
        row.size,
        show(row.ours.wall),
        show(row.ours.cpu),
        show(getattr(row.published, row.basis)) if row.published else "",
        _times(row.ratio("published")),
        pick,
        _times(row.ratio("pick")),
        show(row.floor) if row.floor is not None else "",
        _goal(row),
    ]


def show(seconds: float) -> str:
    """Return a time with two or three digits and its unit."""
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= size or unit == "µs":
            value = seconds / size
            return f"{value:.0f} {unit}" if value >= 100 else f"{value:.3g} {unit}"
    raise AssertionError


def _times(ratio: float | None) -> str:
    if ratio is None:
        return ""
    return f"{ratio:.0f}×" if ratio >= 100 else f"{ratio:.2g}×" if ratio >= 10 else f"{ratio:.2f}×"


def _goal(row: Row) -> str:
    if row.goal is None:
        return ""
    wanted = f"≥ {row.goal:g}×" if row.goal_of else f"≤ {show(row.goal)}"
    on_cpu = row.reached and not row.goal_of and row.ours.wall > row.goal
    remark = " (CPU)" if on_cpu else " (within noise)" if row.within_noise else ""
    return f"{wanted} {'reached' if row.reached else 'MISSED'}{remark}"
