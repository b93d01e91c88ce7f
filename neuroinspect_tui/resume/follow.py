"""Follows a session that another process works in, live, and takes over when that one has ended."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .. import jobs
from ..config import RunConfig
from ..errors import InputError
from ..events import Elsewhere, Event, Failed, Finished, Note, Progress, Started, Stopped
from ..jobs import Job
from ..results import Concept, CulpritReport, Evaluation, Exemplar, Illusion, Opened, Repair
from ..runtime.worker import OnEvent, Worker
from ..session import states
from ..session.codec import from_json
from ..session.lock import Holder, read_holder
from ..session.store import Session
from ..text import safe

POLL_SECONDS = 0.5
FOLLOWED: tuple[type[Job], ...] = (
    jobs.Open,
    jobs.Evaluate,
    jobs.FindCulprits,
    jobs.FindExemplars,
    jobs.NameNeurons,
    jobs.Illustrate,
    jobs.RepairHead,
    jobs.ExportRepair,
    jobs.WriteReport,
)
_KINDS = {kind.__name__: kind for kind in FOLLOWED}


Entries = list[dict[str, Any]]


def journal_of_another(directory: Path) -> tuple[Entries, int] | None:
    """Return the journal so far and its length when another living process works in the session."""
    if _worker_elsewhere(directory) is None:
        return None
    return _read(directory, 0)


def _worker_elsewhere(directory: Path) -> Holder | None:
    holder = read_holder(directory)
    return None if holder is None or holder.stale else holder


def _read(directory: Path, offset: int) -> tuple[Entries, int]:
    try:
        return Session.view(directory).events(offset)
    except InputError:  # it has only begun: there is no index yet
        return [], offset


class Follower:
    """To the app a worker: tells what the other process does from the end of `past`, its journal so far, on.

    What is asked for waits until that process has ended; then `make_worker` makes the real worker.
    """

    def __init__(
        self,
        directory: Path,
        config: RunConfig,
        past: tuple[Entries, int],
        make_worker: Callable[[OnEvent], Worker],
        on_event: OnEvent,
    ) -> None:
        self._directory, self._config, self._send = directory, config, on_event
        self._past, self._offset = past
        self._make_worker = make_worker
        self._waiting: dict[Job, None] = {}
        self._under_way: list[Job] = []
        self._worker: Worker | None = None
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="neuroinspect-follower", daemon=True)
        self._thread.start()

    def submit(self, job: Job) -> None:
        """Ask for `job`, now or when the other process has ended."""
        with self._lock:
            if self._worker is None:
                self._waiting[job] = None
            else:
                self._worker.submit(job)

    def cancel(self) -> None:
        """Stop the running job, if it is this process's."""
        if self._worker is not None:
            self._worker.cancel()

    def close(self, wait: float | None = 10.0, finish: bool = False) -> bool:
        """Stop following; after the take-over, end the worker. Returns whether it ended in time."""
        self._closing.set()
        self._thread.join(wait)
        return self._worker is None or self._worker.close(wait, finish)

    def _follow(self) -> None:
        holder = _worker_elsewhere(self._directory)
        if holder is not None:
            self._send(Elsewhere(f"{holder.pid}"))
            self._warn(
                f"process {holder.pid} on {safe(holder.host)} works in this session: what it finds is shown "
                "here, and what you ask for waits until it has ended"
            )
        for entry in self._past:
            self._event_of(entry)
        for job in self._under_way:
            self._send(Started(job))
        while _worker_elsewhere(self._directory) is not None:
            self._tell_what_is_new()
            if self._closing.wait(POLL_SECONDS):
                return
        self._tell_what_is_new()
        self._take_over()

    def _take_over(self) -> None:
        for job in self._under_way:
            self._send(Stopped(job))
        self._send(Elsewhere(""))
        self._warn("the other process has ended: this session is yours")
        with self._lock:
            if self._closing.is_set():
                return
            self._worker = self._make_worker(self._send)
            for job in self._waiting:
                self._worker.submit(job)

    def _warn(self, text: str) -> None:
        self._send(Note(text, "warning"))

    def _tell_what_is_new(self) -> None:
        entries, self._offset = _read(self._directory, self._offset)
        for entry in entries:
            event = self._event_of(entry)
            if event is not None:
                self._send(event)

    def _event_of(self, entry: dict[str, Any]) -> Event | None:
        """Return what a journal entry tells, a warning where it or what it speaks of cannot be read."""
        try:
            return self._sound_event(entry)
        except (InputError, ValueError, LookupError, TypeError) as error:
            return Note(f"what the other process found cannot be read here: {error}", "warning")

    def _sound_event(self, entry: dict[str, Any]) -> Event | None:
        """Return what a sound journal entry tells, and keep track of what is under way."""
        kind = _KINDS.get(str(entry.get("job")))
        if kind is None:
            return None
        if entry["event"] == "started":
            fields = {name: value for name, value in entry.items() if name not in ("time", "event", "job")}
            self._under_way.append(from_json(kind, fields))
            return Started(self._under_way[-1])
        job = next((job for job in reversed(self._under_way) if type(job) is kind), None)
        if job is None:
            return None
        if entry["event"] == "progress":
            counts = (int(entry["done"]), int(entry["total"]), str(entry["unit"]), float(entry["seconds"]))
            return Progress(job, *counts)
        self._under_way.remove(job)
        return self._end_of(job, entry)

    def _end_of(self, job: Job, entry: dict[str, Any]) -> Event | None:
        if entry["event"] == "failed":
            return Failed(job, str(entry["line"]), str(entry["detail"]), bool(entry["bad_input"]))
        if entry["event"] == "stopped":
            return Stopped(job)
        value = found(Session.view(self._directory), self._config, job)
        return Stopped(job) if value is None else Finished(job, value)


def found(session: Session, config: RunConfig, job: Job) -> Any:
    """Return the value of a finished `job` as the session keeps it, or None when it does not."""
    config = session.config or config
    if isinstance(job, jobs.Open):
        return session.load(states.OPENED, Opened)
    if isinstance(job, jobs.Evaluate):
        return session.load(states.evaluation(job.split or config.data.split), Evaluation)
    if isinstance(job, jobs.FindCulprits):
        return session.load(states.culprits(config, job.target), CulpritReport)
    if isinstance(job, jobs.FindExemplars):
        return session.load(states.exemplars(config, job.target, job.neuron), tuple[Exemplar, ...])
    if isinstance(job, jobs.NameNeurons):
        return session.load(states.concepts(config, job.target), tuple[Concept, ...])
    if isinstance(job, jobs.Illustrate):
        return session.load(states.illusions(config, job.target, job.iters), tuple[Illusion, ...])
    if isinstance(job, jobs.ExportRepair):
        return session.load(states.repair(job.number), Repair)
    if isinstance(job, jobs.RepairHead):
        repairs = (session.load(name, Repair) for name in session.saved("repairs/"))
        return max(filter(None, repairs), key=lambda repair: repair.number, default=None)
    return str(session.root)
