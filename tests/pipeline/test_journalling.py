"""What the journal says of a job."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from neuroinspect_tui import jobs
from neuroinspect_tui.errors import Cancelled, InputError
from neuroinspect_tui.events import Reporter
from neuroinspect_tui.pipeline import journalling
from neuroinspect_tui.pipeline.journalling import journalled
from neuroinspect_tui.session.store import Session

JOB = jobs.Illustrate(1, (3, 5), None, 2)


class Heard:
    """A reporter that remembers what it was told."""

    job = JOB

    def __init__(self) -> None:
        self.reported: list[tuple[Any, ...]] = []

    def __getattr__(self, name: str) -> Any:
        return lambda *values: self.reported.append((name, *values))


def entries(session: Session) -> list[dict[str, Any]]:
    return [{key: value for key, value in entry.items() if key != "time"} for entry in session.events()[0]]


@pytest.fixture
def session(tmp_path: Path) -> Any:
    with Session.open(tmp_path / "session") as opened:
        yield opened


def run(session: Session, work: Any) -> Heard:
    heard = Heard()
    journalled(session, JOB, heard, work)
    return heard


def test_a_job_is_journalled_with_its_notes_and_progress(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter([0.0, 10.0, 11.9, 12.0, 13.9, 14.5])
    monkeypatch.setattr(journalling.time, "monotonic", lambda: next(clock))

    def work(reporter: Reporter) -> None:
        reporter.unit("steps")
        for step in range(1, 5):
            reporter.progress(step, 4)
        reporter.note("slow", "warning")

    heard = run(session, work)
    progress = {"event": "progress", "job": "Illustrate", "total": 4, "unit": "steps"}
    assert entries(session) == [
        {
            "event": "started",
            "job": "Illustrate",
            "target": 1,
            "neurons": [3, 5],
            "iters": None,
            "pictures": 2,
        },
        {**progress, "done": 2, "seconds": 2.0},
        {**progress, "done": 4, "seconds": 4.5},
        {"event": "note", "text": "slow", "level": "warning"},
        {"event": "finished", "job": "Illustrate"},
    ]
    progress = [("progress", step, 4) for step in range(1, 5)]
    assert heard.reported == [("unit", "steps"), *progress, ("note", "slow", "warning")]


@pytest.mark.parametrize(
    ("error", "entry"),
    [
        (Cancelled(), {"event": "stopped", "job": "Illustrate"}),
        (
            InputError("no", "do"),
            {"event": "failed", "job": "Illustrate", "line": "no: do", "detail": "", "bad_input": True},
        ),
    ],
)
def test_how_a_job_ended_is_journalled(session: Session, error: Exception, entry: dict[str, Any]) -> None:
    def work(reporter: Reporter) -> None:
        raise error

    with pytest.raises(type(error)):
        run(session, work)
    assert entries(session)[1:] == [entry]


def test_a_crash_is_journalled_with_its_traceback(session: Session) -> None:
    with pytest.raises(ZeroDivisionError):
        run(session, lambda reporter: 1 / 0)
    (failed,) = entries(session)[1:]
    assert failed["line"] == "visualising failed: ZeroDivisionError: division by zero"
    assert failed["detail"].startswith("Traceback") and not failed["bad_input"]
