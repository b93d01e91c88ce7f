"""Follows a session that another process works in, live, and takes over when that one has ended."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from ..config import RunConfig
from ..errors import InputError
from ..events import Elsewhere, Event, Failed, Finished, Note, Progress, Started, Stopped
from ..jobs import Job
from ..runtime.worker import OnEvent, Worker
from ..session.lock import Holder, read_holder
from ..session.store import Session
from ..session.stored import from_json
from ..text import safe

POLL_SECONDS = 0.5
T = TypeVar("T")
Entry = dict[str, Any]
"""A line of the journal: what `pipeline.journalling` wrote, as JSON."""
Entries = list[Entry]


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
    """To the app a worker: reports what the other process does, from the end of `past`, its journal, on.

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
            self._send_news()
            if self._closing.wait(POLL_SECONDS):
                return
        self._send_news()
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

    def _send_news(self) -> None:
        entries, self._offset = _read(self._directory, self._offset)
        for entry in entries:
            event = self._event_of(entry)
            if event is not None:
                self._send(event)

    def _event_of(self, entry: Entry) -> Event | None:
        """Return the event of a journal entry, a warning where it or the answer it names cannot be read."""
        try:
            return self._sound_event(entry)
        except (InputError, ValueError, LookupError, TypeError) as error:
            return Note(f"what the other process found cannot be read here: {error}", "warning")

    def _sound_event(self, entry: Entry) -> Event | None:
        """Return the event of a sound journal entry, and keep track of what is under way."""
        kind = Job.kinds.get(str(entry.get("job")))
        if kind is None or kind.private:
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

    def _end_of(self, job: Job, entry: Entry) -> Event | None:
        if entry["event"] == "failed":
            return Failed(job, str(entry["line"]), str(entry["detail"]), bool(entry["bad_input"]))
        if entry["event"] == "stopped":
            return Stopped(job)
        value = answer_of(Session.view(self._directory), self._config, job, entry)
        return Stopped(job) if value is None else Finished(job, value)


def answer_of(session: Session, config: RunConfig, job: Job[T], entry: Entry) -> T | None:
    """Return the answer to a finished `job`, as its last journal `entry` or the session has it, or None."""
    if "answer" in entry:
        return from_json(job.result(), entry["answer"])
    if "stored" in entry:
        return session.load(str(entry["stored"]), job.result())
    return job.recall(session.config or config, session.load)
