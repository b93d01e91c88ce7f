"""What a headless run shows while it works: a line, a live bar or a JSON object for an event."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, redirect_stdout, suppress
from dataclasses import asdict, is_dataclass
from typing import TextIO

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.progress import (
    Progress as Bars,
)
from rich.text import Text

from .. import jobs
from ..events import Event, Note, Progress, Started
from ..results import CulpritReport, Evaluation, Metrics, Opened, Repair
from ..results.selection import worst_classes
from ..text import safe

PLAIN_INTERVAL = 5.0


class Display(AbstractContextManager["Display"]):
    """Shows events while a batch runs: here nothing, for rank 0 shows what all ranks do.

    `subject` names the class that is debugged, "" before the first.
    """

    subject = ""

    def show(self, event: Event) -> None:
        """Show one event."""

    def __exit__(self, *details: object) -> None:
        return None


class PlainDisplay(Display):
    """A line on stderr at the end of each job that counts, and one every few seconds of a long one."""

    def __init__(self) -> None:
        self._last = time.monotonic()

    def show(self, event: Event) -> None:
        """Print a line where there is something new to say."""
        if isinstance(event, Started):
            self._last = time.monotonic()
        elif isinstance(event, Progress) and event.total:
            now = time.monotonic()
            if event.done >= event.total or now - self._last >= PLAIN_INTERVAL:
                self._last = now
                print(progress_line(event, self.subject), file=sys.stderr, flush=True)
        elif isinstance(event, Note):
            print(f"{event.level}: {safe(event.text)}", file=sys.stderr, flush=True)


class RichDisplay(Display):
    """A live bar on stderr for a terminal."""

    def __init__(self) -> None:
        self._bars = Bars(
            TextColumn("{task.description:<20}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[unit]}"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        self._task = self._bars.add_task("", total=None, unit="")

    def __enter__(self) -> RichDisplay:
        self._bars.start()
        return self

    def __exit__(self, *details: object) -> None:
        self._bars.stop()

    def show(self, event: Event) -> None:
        """Move the bar or print a note above it."""
        if isinstance(event, Started):
            label = task_name(event.job, self.subject)
            self._bars.reset(self._task, description=escape(label), total=None, unit="")
        elif isinstance(event, Progress):
            self._bars.update(self._task, completed=event.done, total=event.total, unit=event.unit)
        elif isinstance(event, Note):
            self._bars.console.print(Text(f"{event.level}: {safe(event.text)}"))


class JsonDisplay(Display):
    """One JSON object per line."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def show(self, event: Event) -> None:
        """Print the event."""
        print(json.dumps(event_as_json(event), allow_nan=False), file=self._stream, flush=True)


@contextmanager
def stdout_for_events() -> Iterator[TextIO]:
    """Yield standard output; what others print meanwhile, in Python or below it, goes to standard error."""
    sys.stdout.flush()
    with _private_stdout(sys.stdout) as stream, redirect_stdout(sys.stderr):
        yield stream


@contextmanager
def _private_stdout(stdout: TextIO) -> Iterator[TextIO]:
    try:
        descriptor = stdout.fileno()
    except (OSError, ValueError):  # it is no file: a test, a notebook
        yield stdout
        return
    kept = os.dup(descriptor)
    os.dup2(2, descriptor)
    stream = open(kept, "w", encoding="utf-8")  # noqa: SIM115, PTH123
    try:
        yield stream
    finally:
        os.dup2(kept, descriptor)
        with suppress(OSError):  # each line is flushed: what could not be written was told then
            stream.close()


def task_name(job: jobs.Job, subject: str) -> str:
    """Return what a job does, to which class and by which method: `repairing boat by ridge`."""
    words = [job.label]
    if hasattr(job, "target"):
        words.append(safe(subject, 40))
    if isinstance(job, jobs.RepairHead):
        words.append(f"by {job.method}")
    return " ".join(words)


def progress_line(event: Progress, subject: str = "") -> str:
    """Return `evaluating 128/480 images, 210/s, 2 s left`."""
    left = (
        f", {event.remaining:.0f} s left" if event.done < event.total and event.remaining is not None else ""
    )
    return (
        f"{task_name(event.job, subject)} {event.done}/{event.total} {event.unit}, {event.rate:.1f}/s{left}"
    )


def event_as_json(event: Event) -> dict[str, object]:
    """Return an event as a JSON object: its kind, its job and its plain fields (never pixels)."""
    document: dict[str, object] = {"event": type(event).__name__.lower()}
    for name, value in vars(event).items():
        if name == "job":
            document["job"] = {"name": type(value).__name__, **asdict(value)}
        elif name == "value":
            document["value"] = asdict(value) if isinstance(value, Opened) else _headline(value)
        elif not isinstance(value, bytes):
            document[name] = asdict(value) if is_dataclass(value) and not isinstance(value, type) else value
    return document


def _headline(value: object) -> object:
    """The numbers of a result that fit on a line."""
    if isinstance(value, Evaluation):
        worst = [value.classes[index] for index in worst_classes(value, 1)]
        return {
            "split": value.split,
            "samples": value.samples,
            "accuracy": value.accuracy,
            "worst_class": {"class": worst[0].name, "accuracy": worst[0].accuracy} if worst else None,
            "worst_group": value.worst_group.accuracy if value.worst_group else None,
        }
    if isinstance(value, CulpritReport):
        return {"class": value.target.name, "mistakes": value.mistakes, "unflipped": value.unflipped}
    if isinstance(value, Repair):
        return {
            "number": value.number,
            "class": value.target.name,
            "method": value.method,
            "verdict": value.verdict.outcome,
            "before": _rates(value.before),
            "after": _rates(value.after),
            "weights": value.weights,
        }
    if isinstance(value, tuple):
        return len(value)
    return value if isinstance(value, (str, int, float, type(None))) else None


def _rates(metrics: Metrics) -> dict[str, object]:
    group = metrics.worst_group
    return {
        "split": metrics.split,
        "accuracy": metrics.accuracy,
        "class_accuracy": metrics.class_accuracy,
        "worst_group": group.accuracy if group else None,
    }


def display_for(as_json: bool, events: TextIO) -> Display:
    """Return the display that fits: JSON to `events` where asked for, a bar on a terminal, else lines."""
    return JsonDisplay(events) if as_json else RichDisplay() if sys.stderr.isatty() else PlainDisplay()
