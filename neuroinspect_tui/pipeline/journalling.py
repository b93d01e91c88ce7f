"""What each job does, as lines of the journal: another process can follow it, a person read it afterwards."""

from __future__ import annotations

import contextlib
import time
import traceback
from collections.abc import Iterator
from typing import Any

from ..errors import Cancelled, InputError
from ..events import Preview, Reporter
from ..jobs import Job
from ..session.store import Session

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
        """Report progress; raises Cancelled when the job was told to stop."""
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

    def partial(self, value: Any) -> None:
        """Show an unfinished value of the job."""
        self._reporter.partial(value)

    def preview(self, preview: Preview) -> None:
        """Show an unfinished picture."""
        self._reporter.preview(preview)

    def note(self, text: str, level: str = "info") -> None:
        """Write a line to the log."""
        self._session.journal("note", text=text, level=level)
        self._reporter.note(text, level)


@contextlib.contextmanager
def journalled(session: Session, job: Job, reporter: Reporter) -> Iterator[Reporter]:
    """Write down that `job` began, how it goes, and how it ended."""
    name = type(job).__name__
    session.journal("started", job=name, **vars(job))
    try:
        yield JournalledReporter(session, reporter)
    except Cancelled:
        session.journal("stopped", job=name)
        raise
    except InputError as error:
        _write_failure(session, name, str(error), "", bad_input=True)
        raise
    except Exception as error:
        line = f"{job.label} failed: {type(error).__name__}: {error}".splitlines()[0]
        _write_failure(session, name, line, traceback.format_exc(), bad_input=False)
        raise
    session.journal("finished", job=name)


def _write_failure(session: Session, name: str, line: str, detail: str, bad_input: bool) -> None:
    """Write the failure down, if the disk still takes it; the face tells it in any case."""
    with contextlib.suppress(InputError):
        session.journal("failed", job=name, line=line, detail=detail, bad_input=bad_input)
