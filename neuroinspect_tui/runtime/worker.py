"""The background thread that owns the model and the device: a queue of jobs, progress, cancel, errors.

Both faces use it. A job that the user waits for (what-if, thumbnails, tags) runs between two steps of a
longer one; so does a newer request of the same kind, which is how moving to another neuron re-orders the
work instead of waiting for it.
"""

from __future__ import annotations

import contextlib
import math
import sys
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from ..errors import Cancelled, InputError
from ..events import (
    Event,
    Failed,
    Finished,
    Note,
    Partial,
    Preview,
    Progress,
    Reporter,
    Started,
    Stopped,
)
from ..jobs import Job, Open

T = TypeVar("T")
OnEvent = Callable[[Event], None]
PROGRESS_INTERVAL = 0.1
PREVIEW_INTERVAL = 0.4
"""Least seconds between two previews of a picture: drawing one takes the interface longer than a step."""
DEEPEST_NESTING = 4


class Runner(Protocol):
    """What does the work: the pipeline."""

    def run(self, job: Job[T], reporter: Reporter) -> T:
        """Do `job` and return its answer; raises InputError for bad input and Cancelled when cancelled."""

    def close(self) -> None:
        """Save and let go."""


@dataclass
class _Running:
    """One job in progress, seen by the pipeline as its `Reporter`."""

    worker: Worker
    job: Job
    cancelled: bool = False
    unit_name: str = "steps"
    began: float = field(default_factory=time.monotonic)
    last: float = 0.0
    shown: dict[tuple[int, int], float] = field(default_factory=dict)

    def unit(self, name: str) -> None:
        """Name what `on_progress` counts, and start its clock."""
        self.unit_name = name
        self.began = time.monotonic()

    def progress(self, done: int, total: int) -> None:
        """Report progress; run what is urgent; raise Cancelled if it was cancelled."""
        self.worker._run_urgent(self)
        if self.cancelled:
            raise Cancelled
        now = time.monotonic()
        if now - self.last >= PROGRESS_INTERVAL or done >= total:
            self.last = now
            self.worker._send(Progress(self.job, done, total, self.unit_name, now - self.began))

    def partial(self, value: object) -> None:
        """Show an unfinished answer to the job."""
        self.worker._send(Partial(self.job, value))

    def preview(self, preview: Preview) -> None:
        """Show an unfinished picture, unless it was shown a moment ago."""
        now, picture = time.monotonic(), (preview.neuron, preview.seed)
        if now - self.shown.get(picture, -math.inf) >= PREVIEW_INTERVAL:
            self.shown[picture] = now
            self.worker._send(preview)

    def note(self, text: str, level: str = "info") -> None:
        """Write a line to the log."""
        self.worker._send(Note(text, level))


class Worker:
    """Runs jobs on one daemon thread and reports what happens to `on_event`, called on that thread."""

    def __init__(self, make_runner: Callable[[], Runner], on_event: OnEvent) -> None:
        self._make_runner, self._send = make_runner, on_event
        self._runner: Runner | None = None
        self._waiting: dict[Job, int] = {}
        self._running: list[_Running] = []
        self._requests = 0
        self._closing = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._loop, name="neuroinspect-worker", daemon=True)
        self._thread.start()

    def submit(self, job: Job) -> None:
        """Ask for `job`; asking again for a waiting job moves it to the front of its priority.

        A job that runs is not asked for twice, unless one waits that may undo what it does.
        """
        with self._changed:
            undone = job.in_order and any(waiting.in_order for waiting in self._waiting)
            if not undone and any(one.job == job and not one.cancelled for one in self._running):
                return
            self._requests += 1
            self._waiting[job] = self._requests
            self._changed.notify_all()

    def cancel(self) -> None:
        """Stop the running job at its next step; finished parts are kept."""
        with self._changed:
            if self._running:
                self._running[-1].cancelled = True

    @property
    def busy(self) -> bool:
        """Whether a job runs or waits."""
        with self._changed:
            return bool(self._running or self._waiting)

    def close(self, wait: float | None = 10.0, finish: bool = False) -> bool:
        """End the thread, after the queue is empty (`finish`) or at the running job's next step, unheard.

        Returns whether the thread ended within `wait` seconds (None: as long as it takes).
        """
        with self._changed:
            self._closing, self._send = True, _to_nobody
            if not finish:
                self._waiting.clear()
                for running in self._running:
                    running.cancelled = True
            self._changed.notify_all()
        self._thread.join(wait)
        return not self._thread.is_alive()

    def _loop(self) -> None:
        sys.setswitchinterval(0.001)
        while (job := self._next()) is not None:
            self._perform(job)
        if self._runner is not None:
            with contextlib.suppress(InputError):
                self._runner.close()

    def _next(self) -> Job | None:
        with self._changed:
            while not self._waiting:
                if self._closing:
                    return None
                self._changed.wait()
            return self._take(lambda job: True)

    def _take(self, fits: Callable[[Job], bool]) -> Job | None:
        """Remove and return the waiting job to run now (lock held)."""
        candidates = [job for job in self._waiting if fits(job)]
        if not candidates:
            return None
        chosen = min(candidates, key=self._turn)
        del self._waiting[chosen]
        return chosen

    def _turn(self, job: Job) -> tuple[int, int, int]:
        """Return what orders the waiting jobs (lock held)."""
        request = self._waiting[job]
        return (job.priority, 0, request) if job.in_order else (job.priority, 1, -request)

    def _run_urgent(self, current: _Running) -> None:
        """Run, inside `current`'s on_progress, whatever must not wait for it."""
        while len(self._running) < DEEPEST_NESTING:
            with self._changed:
                job = self._take(lambda job: _interrupts(job, current.job))
            if job is None:
                return
            before = time.monotonic()
            self._perform(job)
            current.began += time.monotonic() - before

    def _started_runner(self) -> Runner:
        """Make the runner, twice if need be: two threads may meet a library half-loaded."""
        try:
            return self._make_runner()
        except (InputError, Cancelled):
            raise
        except Exception:
            return self._make_runner()

    def _perform(self, job: Job) -> None:
        running = _Running(self, job)
        with self._changed:
            self._running.append(running)
        self._send(Started(job))
        try:
            if self._runner is None:
                self._runner = self._started_runner()
            outcome: Event = Finished(job, self._runner.run(job, running))
        except Cancelled:
            outcome = Stopped(job)
        except InputError as error:
            outcome = Failed(job, str(error), "", bad_input=True)
        except Exception as error:
            line = f"{job.label} failed: {type(error).__name__}: {error}".splitlines()[0]
            outcome = Failed(job, line, traceback.format_exc(), bad_input=False)
        finally:
            with self._changed:
                self._running.remove(running)
        self._send(outcome)


def _to_nobody(event: Event) -> None:
    """Drop the event: the face is gone."""


def _interrupts(job: Job, running: Job) -> bool:
    """Whether `job` runs between two steps of `running`: quick ones do, and newer ones of its own kind."""
    return (
        not isinstance(running, Open)
        and running.priority >= 2
        and (job.priority <= 1 or (type(job) is type(running) and job.priority >= 3))
    )
