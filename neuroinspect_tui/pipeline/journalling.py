"""What each job does, as lines of the journal: another process can follow it, a person read it afterwards."""

from __future__ import annotations

import contextlib
import time
import traceback
from collections.abc import Callable
from typing import TypeVar

from ..errors import Cancelled, InputError
from ..events import Preview, Reporter
from ..jobs import Job
from ..results import Repair, states
from ..session.store import Session

T = TypeVar("T")
PROGRESS_SECONDS = 2.0


class JournalledReporter:
    """Hands everything on to `reporter`; notes, and progress every two seconds, to the journal as well."""

    def __init__(self, session: Session, reporter: Reporter) -> None:
        self._session, self._reporter = session, reporter
        self.job = reporter.job
        self._unit = "steps"
        self._began = self._last = time.monotonic()

    def unit(self, name: str) -> None:
        """Name what `on_progress` counts, and start its clock."""
        self._unit = name
        self._began = self._last = time.monotonic()
        self._reporter.unit(name)

    def progress(self, done: int, total: int) -> None:
        """Report progress; raises Cancelled when the job was cancelled."""
        self._reporter.progress(done, total)
        now = time.monotonic()
        if now - self._last >= PROGRESS_SECONDS:
            self._last = now
            counts = {
                "done": done,
                "total": total,
                "unit": self._unit,
                "seconds": round(now - self._began, 3),
            }
            self._session.journal("progress", job=type(self.job).__name__, **counts)

    def partial(self, value: object) -> None:
        """Show an unfinished answer to the job."""
        self._reporter.partial(value)

    def preview(self, preview: Preview) -> None:
        """Show an unfinished picture."""
        self._reporter.preview(preview)

    def note(self, text: str, level: str = "info") -> None:
        """Write a line to the log."""
        self._session.journal("note", text=text, level=level)
        self._reporter.note(text, level)


def journalled(session: Session, job: Job[T], reporter: Reporter, run: Callable[[Reporter], T]) -> T:
    """Return the answer that `run` finds to `job`; record when it began, how it went and how it ended."""
    name = type(job).__name__
    session.journal("started", job=name, **vars(job))
    try:
        answer = run(JournalledReporter(session, reporter))
    except Cancelled:
        session.journal("stopped", job=name)
        raise
    except InputError as error:
        _record_failure(session, name, str(error), "", bad_input=True)
        raise
    except Exception as error:
        line = f"{job.label} failed: {type(error).__name__}: {error}".splitlines()[0]
        _record_failure(session, name, line, traceback.format_exc(), bad_input=False)
        raise
    session.journal("finished", job=name, **_where(answer))
    return answer


def _where(answer: object) -> dict[str, int | str]:
    """What a follower needs to find an answer and cannot know from the job."""
    if isinstance(answer, (int, str)):
        return {"answer": answer}
    return {"stored": states.repair(answer.number)} if isinstance(answer, Repair) else {}


def _record_failure(session: Session, name: str, line: str, detail: str, bad_input: bool) -> None:
    """Record the failure if the disk still takes it; the face shows it in any case."""
    with contextlib.suppress(InputError):
        session.journal("failed", job=name, line=line, detail=detail, bad_input=bad_input)
