"""How a headless run ends when a part of it fails, when the program has a bug, and what stdout then holds."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from neuroinspect_tui import jobs
from neuroinspect_tui.batch.displays import stdout_for_events
from neuroinspect_tui.cli import commands
from neuroinspect_tui.errors import ExitCode, InputError, InternalFault
from neuroinspect_tui.pipeline.pipeline import Pipeline
from neuroinspect_tui.runtime.faults import fault_line
from tests.conftest import REPOSITORY
from tests.test_batch import neuroinspect
from tests.tiny import TinyProject

Break = Callable[[type[jobs.Job[Any]], Exception], None]


@pytest.fixture
def break_job(monkeypatch: pytest.MonkeyPatch) -> Break:
    """Let jobs of a kind fail."""
    run = Pipeline.run

    def break_(kind: type[jobs.Job[Any]], error: Exception) -> None:
        def broken(self: Pipeline, job: jobs.Job[Any], reporter: Any) -> Any:
            if isinstance(job, kind):
                raise error
            return run(self, job, reporter)

        monkeypatch.setattr(Pipeline, "run", broken)

    return break_


def options(tiny: TinyProject, out: Path) -> list[str]:
    wanted = ["--illusions", "1", "--iters", "2", "--repair", "ridge", "--worst", "1"]
    return ["--batch", *tiny.options, *wanted, "-o", str(out)]


@pytest.mark.parametrize(
    ("kind", "illusions", "repairs"),
    [(jobs.Illustrate, 0, 1), (jobs.RepairHead, 1, 0), (jobs.ExportRepair, 1, 1)],
)
def test_a_failure_in_a_late_job_stands_beside_a_written_report(
    tiny: TinyProject,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    break_job: Break,
    kind: type[jobs.Job[Any]],
    illusions: int,
    repairs: int,
) -> None:
    break_job(kind, InputError("no room left", "free some"))
    code, shown, errors = neuroinspect(*options(tiny, tmp_path / "s"), capsys=capsys)
    assert code == ExitCode.PARTLY_DONE == 3
    assert errors.splitlines()[-1] == "neuroinspect: failed: no room left: free some"
    assert f"report: {tmp_path / 's' / 'report.html'}" in shown
    (found,) = json.loads((tmp_path / "s" / "report.json").read_text())["debugged"]
    assert (len(found["illusions"]), len(found["repairs"])) == (illusions, repairs)


def test_a_bug_in_a_late_job_is_one_line_and_a_traceback_in_a_file(
    tiny: TinyProject, tmp_path: Path, capsys: pytest.CaptureFixture[str], break_job: Break
) -> None:
    break_job(jobs.FindExemplars, ZeroDivisionError("division by zero"))
    code, shown, errors = neuroinspect(*options(tiny, tmp_path / "s"), capsys=capsys)
    assert code == 3 and "Traceback" not in shown + errors
    line = errors.splitlines()[-1]
    assert line.startswith("neuroinspect: failed: ")
    assert "ZeroDivisionError: division by zero: this is a fault of neuroinspect, please report it" in line
    kept = Path(line.rpartition("its traceback is in ")[2].rstrip(")"))
    assert kept.parent == tmp_path / "s" and "ZeroDivisionError" in kept.read_text()


def test_a_bug_before_the_report_has_an_exit_code_of_its_own(
    tiny: TinyProject, tmp_path: Path, capsys: pytest.CaptureFixture[str], break_job: Break
) -> None:
    break_job(jobs.Evaluate, KeyError("x"))
    code, shown, errors = neuroinspect(*options(tiny, tmp_path / "s"), capsys=capsys)
    assert code == ExitCode.INTERNAL_FAULT == 70
    assert "Traceback" not in shown + errors and "this is a fault of neuroinspect" in errors


def test_a_failed_check_is_shown_by_the_exit_code_before_a_failed_part(
    tiny: TinyProject, tmp_path: Path, capsys: pytest.CaptureFixture[str], break_job: Break
) -> None:
    break_job(jobs.Illustrate, InputError("no room left"))
    arguments = [*options(tiny, tmp_path / "s"), "--fail-under", "accuracy=0.99"]
    assert neuroinspect(*arguments, capsys=capsys)[0] == ExitCode.CHECK_FAILED == 1


def test_a_bug_of_the_command_line_itself_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> None:
        raise RuntimeError("first\nsecond")

    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setattr(commands, "list_sessions", broken)
    code, shown, errors = neuroinspect("sessions", capsys=capsys)
    assert (code, shown, errors.count("\n")) == (70, "", 1)
    assert errors.startswith("neuroinspect: RuntimeError: first: this is a fault of neuroinspect")
    (kept,) = tmp_path.rglob("fault-*.log")
    assert str(kept) in errors and "second" in kept.read_text()


def test_a_traceback_goes_where_it_can_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", "/proc/nowhere")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    fault_line(InternalFault("x failed", "trace\udc80"), Path("/proc/none"))
    (kept,) = tmp_path.iterdir()
    assert kept.read_text() == "trace\\udc80"
    monkeypatch.setattr("tempfile.tempdir", "/proc/nowhere")
    assert fault_line(InternalFault("x failed", "")).endswith("(its traceback could not be written)")


TALKATIVE = """
plain = Tiny.forward


def talkative(self, x):
    print("hello from the model")
    return plain(self, x)


Tiny.forward = talkative
"""


def test_prints_of_the_users_model_reach_stdout_as_no_event(
    tiny: TinyProject, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = tiny.root / "tiny.py"
    model.write_text(model.read_text() + TALKATIVE)
    arguments = ["--batch", *tiny.options, "--illusions", "0", "--json", "-o", str(tmp_path / "s")]
    code, shown, errors = neuroinspect(*arguments, capsys=capsys)
    assert code == 0 and all("event" in json.loads(line) for line in shown.splitlines())
    assert "hello from the model" in errors


PRINTS = """
import os, subprocess
from neuroinspect_tui.batch.displays import stdout_for_events
print("before")
with stdout_for_events() as events:
    print("python")
    os.write(1, b"below\\n")
    subprocess.run(["echo", "child"])
    print("event", file=events)
print("after")
"""


def test_what_is_printed_below_python_reaches_stdout_neither() -> None:
    surroundings = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    done = subprocess.run([sys.executable, "-c", PRINTS], capture_output=True, text=True, env=surroundings)
    assert done.stdout == "before\nevent\nafter\n"
    assert sorted(done.stderr.splitlines()) == ["below", "child", "python"]


def test_stdout_is_given_back(capsys: pytest.CaptureFixture[str]) -> None:
    with stdout_for_events() as events:
        print("x", file=events)
    print("y")
    assert capsys.readouterr().out == "x\ny\n"
