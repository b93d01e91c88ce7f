"""A dropped connection: the interface goes, the terminal is restored, the work is finished."""

from __future__ import annotations

import json
import re
import signal
import termios
from pathlib import Path
from typing import Any

import pytest

from neuroinspect_tui.session.lock import read_holder
from neuroinspect_tui.session.store import Session
from tests.terminal import Terminal
from tests.tiny import TinyProject

LEFT = b"\x1b[?1049l"
GATED = """
import time
from pathlib import Path

from tiny import Tiny

JOURNAL, PERMITS = Path("JOURNAL_PATH"), Path(__file__).with_name("permits")
taken = 0


def is_evaluating():
    return JOURNAL.exists() and '"Evaluate"' in JOURNAL.read_text()


class Gated(Tiny):
    def forward(self, x):
        global taken
        if is_evaluating():
            taken += 1
            while int(PERMITS.read_text() or 0) < taken:
                time.sleep(0.01)
        return super().forward(x)


def gated():
    return Gated()
"""
ALL = 1000


class Work:
    """The tiny project with a model that evaluates as many of its 18 batches as it is permitted to."""

    def __init__(self, tiny: TinyProject, out: Path) -> None:
        self.permits, self.out = tiny.root / "permits", out
        self.permit(0)
        (tiny.root / "gated.py").write_text(GATED.replace("JOURNAL_PATH", str(out / "journal.jsonl")))
        options = [option.replace("tiny.py:tiny", "gated.py:gated") for option in tiny.options]
        self.options = [*options, "--batch-size", "2", "--illusions", "0", "-o", str(out)]

    def permit(self, batches: int) -> None:
        """Let the evaluation go on to this batch."""
        partial = self.permits.with_suffix(".new")
        partial.write_text(str(batches))
        partial.replace(self.permits)


@pytest.fixture
def work(tiny: TinyProject, tmp_path: Path) -> Work:
    return Work(tiny, tmp_path / "session")


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
    work: Work, tmp_path: Path
) -> None:
    out, data = work.out, str(tmp_path / "data")
    with Terminal(*work.options, XDG_DATA_HOME=data) as terminal:
        terminal.wait_for(lambda: is_evaluating(out))
        terminal.type("e?")
        terminal.wait_for(lambda: "/ filters" in terminal.text)
        terminal.hang_up()
        terminal.wait_for(lambda: stands_on_nothing(terminal))
        assert ended(out) == ["Open"]
        with Terminal("-o", str(out), XDG_DATA_HOME=data) as second:
            second.wait_for(lambda: f"process {terminal.process.pid} on" in second.text)
            work.permit(9)
            second.wait_for(lambda: re.search(r"yours waits .* evaluating", second.text))
            assert not terminal.ended()
            work.permit(ALL)
            second.wait_for(lambda: "the other process has ended" in second.text)
            second.wait_for(lambda: re.search(r"blue +(50\.0|→ red)", second.text))
            second.type("q")
            second.wait_for(second.ended)
        assert terminal.process.wait() == 0
    assert ended(out)[:3] == ["Open", "Evaluate", "WriteReport"]
    assert json.loads((out / "report.json").read_text())["evaluation"]["accuracy"] == pytest.approx(5 / 6)
    assert read_holder(out) is None


@pytest.mark.slow
def test_a_terminal_that_vanishes_without_a_signal_is_noticed(work: Work, tmp_path: Path) -> None:
    with Terminal(*work.options, nohup=True, XDG_DATA_HOME=str(tmp_path / "data")) as terminal:
        terminal.wait_for(lambda: is_evaluating(work.out))
        terminal.hang_up()
        terminal.wait_for(lambda: stands_on_nothing(terminal))
        assert ended(work.out) == ["Open"]
        work.permit(ALL)
        assert terminal.process.wait(60) == 0
    assert ended(work.out) == ["Open", "Evaluate"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "permitted", "code", "done"),
    [(signal.SIGHUP, ALL, 0, ["Open", "Evaluate"]), (signal.SIGTERM, 0, 130, ["Open"])],
)
def test_a_signal_restores_the_terminal(
    work: Work, tmp_path: Path, number: int, permitted: int, code: int, done: list[str]
) -> None:
    """SIGTERM does not wait for ever for a step that does not end: the lock goes with the process."""
    with Terminal(*work.options, XDG_DATA_HOME=str(tmp_path / "data")) as terminal:
        terminal.wait_for(lambda: is_evaluating(work.out))
        terminal.wait_for(lambda: "evaluating" in terminal.text)
        assert termios.tcgetattr(terminal.slave) != terminal.attributes
        terminal.signal(number)
        terminal.wait_for(lambda: LEFT in terminal.output)
        assert ended(work.out) == ["Open"]
        work.permit(permitted)
        assert terminal.process.wait(60) == code
        assert termios.tcgetattr(terminal.slave) == terminal.attributes
        assert b"Traceback" not in terminal.output
    assert ended(work.out) == done
    assert read_holder(work.out) is None
    with Session.open(work.out) as session:
        assert session.writable
