"""A dropped connection: the interface goes, the terminal is restored, the work is finished."""

from __future__ import annotations

import json
import re
import signal
import termios
from pathlib import Path
from typing import Any

import pytest

from tests.terminal import Terminal
from tests.tiny import TinyProject

LEFT = b"\x1b[?1049l"
SLOW = """
import time

from tiny import Tiny


class Slow(Tiny):
    def forward(self, x):
        time.sleep(SECONDS)
        return super().forward(x)


def slow():
    return Slow()
"""


def slow(tiny: TinyProject, seconds: float) -> list[str]:
    """The options of the tiny project with a model that takes `seconds` a batch; there are 18 batches."""
    (tiny.root / "slow.py").write_text(SLOW.replace("SECONDS", str(seconds)))
    options = [option.replace("tiny.py:tiny", "slow.py:slow") for option in tiny.options]
    return [*options, "--batch-size", "2", "--illusions", "0"]


def journal(out: Path) -> list[dict[str, Any]]:
    """What the journal of the session says so far."""
    path = out / "journal.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def is_evaluating(out: Path) -> bool:
    return any(entry["event"] == "started" and entry["job"] == "Evaluate" for entry in journal(out))


def ended(out: Path) -> list[str]:
    return [entry["job"] for entry in journal(out) if entry["event"] == "finished"]


def stands_on_nothing(terminal: Terminal) -> bool:
    return terminal.stands_on() == "/dev/null"


@pytest.mark.slow
def test_a_closed_terminal_ends_the_interface_and_another_one_follows_the_work(
    tiny: TinyProject, tmp_path: Path
) -> None:
    out, data = tmp_path / "session", str(tmp_path / "data")
    with Terminal(*slow(tiny, 1.0), "-o", str(out), XDG_DATA_HOME=data) as terminal:
        terminal.wait_for(lambda: is_evaluating(out))
        terminal.type("e?")
        terminal.wait_for(lambda: "/ filters" in terminal.text)
        terminal.hang_up()
        assert terminal.wait_for(lambda: stands_on_nothing(terminal)) < 2
        assert ended(out) == ["Open"]
        with Terminal("-o", str(out), XDG_DATA_HOME=data) as second:
            second.wait_for(lambda: f"process {terminal.process.pid} on" in second.text)
            second.wait_for(lambda: re.search(r"evaluating .* \d+%", second.text))
            assert not terminal.ended()
            second.wait_for(lambda: "the other process has ended" in second.text)
            second.wait_for(lambda: re.search(r"blue +50\.0", second.text))
            second.type("q")
            second.wait_for(second.ended)
        assert terminal.process.wait() == 0
    assert ended(out)[:3] == ["Open", "Evaluate", "WriteReport"]
    assert json.loads((out / "report.json").read_text())["evaluation"]["accuracy"] == pytest.approx(5 / 6)
    assert not (out / "lock.json").exists()


@pytest.mark.slow
def test_a_terminal_that_vanishes_without_a_signal_is_noticed(tiny: TinyProject, tmp_path: Path) -> None:
    out = tmp_path / "session"
    with Terminal(
        *slow(tiny, 0.2), "-o", str(out), nohup=True, XDG_DATA_HOME=str(tmp_path / "data")
    ) as terminal:
        terminal.wait_for(lambda: is_evaluating(out))
        terminal.hang_up()
        assert terminal.wait_for(lambda: stands_on_nothing(terminal)) < 2
        assert terminal.process.wait(60) == 0
    assert ended(out) == ["Open", "Evaluate"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "code", "done"), [(signal.SIGHUP, 0, ["Open", "Evaluate"]), (signal.SIGTERM, 130, ["Open"])]
)
def test_a_signal_restores_the_terminal(
    tiny: TinyProject, tmp_path: Path, number: int, code: int, done: list[str]
) -> None:
    out = tmp_path / "session"
    with Terminal(*slow(tiny, 0.2), "-o", str(out), XDG_DATA_HOME=str(tmp_path / "data")) as terminal:
        terminal.wait_for(lambda: is_evaluating(out))
        terminal.wait_for(lambda: "evaluating" in terminal.text)
        assert termios.tcgetattr(terminal.slave) != terminal.attributes
        terminal.signal(number)
        assert terminal.wait_for(lambda: LEFT in terminal.output) < 2
        assert terminal.process.wait(60) == code
        assert termios.tcgetattr(terminal.slave) == terminal.attributes
        assert b"Traceback" not in terminal.output
    assert ended(out) == done
    assert not (out / "lock.json").exists()
