"""When the table of speed says that something is too slow: below its goal in each of three tries."""

from __future__ import annotations

import math
import time

from tests.benchmarks.__main__ import TRIES, run_all
from tests.benchmarks.table import Row, Table
from tests.benchmarks.timing import Machine, Time

MACHINE = Machine(1, 1.0, 1.0)


def row(ratio: float, name: str = "a", **more: float) -> Row:
    """A row with so large a ratio to a user's pick, whose goal is 2."""
    pick = Time(ratio, ratio, more.get("spread", 0.0))
    return Row(name, "size", Time(1.0, 1.0), pick=pick, goal=2.0, goal_of="pick", least=more.get("least"))


def outcome(*ratios: float) -> tuple[Table, set[tuple[str, str]], int]:
    """What comes of a benchmark that gives one ratio after the other."""
    left, table = list(ratios), Table(MACHINE)
    _, failed = run_all({"a": lambda t, _: t.add(row(left.pop(0)))}, table, False, time.monotonic() + 60)
    return table, failed, len(ratios) - len(left)


def test_one_good_try_of_three_is_enough_and_is_shown() -> None:
    table, failed, tries = outcome(1.9, 2.5, 9.0)
    assert (failed, tries) == (set(), 2)
    assert [one.ratio("pick") for one in table.rows] == [2.5]


def test_three_bad_tries_fail() -> None:
    _, failed, tries = outcome(1.9, 1.8, 1.7, 9.0)
    assert (failed, tries) == ({("a", "size")}, TRIES)


def test_nothing_is_begun_after_the_time_is_over() -> None:
    left_out, failed = run_all(
        {"a": lambda t, _: t.add(row(0.1))}, Table(MACHINE), False, time.monotonic() - 1
    )
    assert (left_out, failed) == (["a"], set())


def test_a_ratio_may_have_a_least_below_its_goal() -> None:
    assert row(1.9).failed and not row(1.9, least=1.5).failed and row(1.4, least=1.5).failed
    assert not Row("b", "size", Time(9.0, 9.0), goal=1.0).failed


def test_a_ratio_near_its_goal_is_marked_as_within_noise() -> None:
    assert row(1.9, spread=0.1).within_noise and not row(1.7, spread=0.1).within_noise
    times = Time.of([Time(1.0, cpu) for cpu in (1.0, 2.0, 3.0)])
    assert (times.cpu, times.spread) == (2.0, 0.5)
    assert math.isclose(row(2.0, spread=0.3).noise, 0.3)
