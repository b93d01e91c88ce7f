"""The headless face: the whole method in one go, for scripts and CI."""

from __future__ import annotations

import json
import queue
import signal
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import asdict, is_dataclass
from pathlib import Path
from types import FrameType
from typing import Any, Protocol

from rich.console import Console
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

from . import jobs
from .config import RunConfig
from .data.class_names import find_class
from .errors import Cancelled, InputError, disk_line
from .events import Event, Failed, Finished, Note, Progress, Started, Stopped
from .ranks import Ranks
from .results import CulpritReport, Evaluation, Opened, Repair
from .selection import leading_culprits, measured, worst_classes
from .text import complain, safe
from .worker import Runner, Worker

DONE, CHECK_FAILED, BAD_INPUT, INTERRUPTED = 0, 1, 2, 130
PLAIN_INTERVAL = 5.0
TOGETHER = 1.0


class Display(AbstractContextManager["Display"], Protocol):
    """Shows events while a batch runs."""

    def show(self, event: Event) -> None:
        """Show one event."""


class PlainDisplay(AbstractContextManager["PlainDisplay"]):
    """A line on stderr for each job, and one every few seconds of a long one."""

    def __init__(self) -> None:
        self._last = time.monotonic()

    def show(self, event: Event) -> None:
        """Print a line where there is something new to say."""
        if isinstance(event, Progress):
            now = time.monotonic()
            if event.done >= event.total or now - self._last >= PLAIN_INTERVAL:
                self._last = now
                print(progress_line(event), file=sys.stderr, flush=True)
        elif isinstance(event, Note):
            print(f"{event.level}: {safe(event.text)}", file=sys.stderr, flush=True)

    def __exit__(self, *details: object) -> None:
        return None


class RichDisplay(AbstractContextManager["RichDisplay"]):
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
            self._bars.reset(self._task, description=event.job.label, total=None, unit="")
        elif isinstance(event, Progress):
            self._bars.update(self._task, completed=event.done, total=event.total, unit=event.unit)
        elif isinstance(event, Note):
            self._bars.console.print(Text(f"{event.level}: {safe(event.text)}"))


class JsonDisplay(AbstractContextManager["JsonDisplay"]):
    """One JSON object a line on stdout."""

    def show(self, event: Event) -> None:
        """Print the event."""
        print(json.dumps(event_as_json(event), allow_nan=False), flush=True)

    def __exit__(self, *details: object) -> None:
        return None


class SilentDisplay(AbstractContextManager["SilentDisplay"]):
    """Nothing: rank 0 shows what all ranks do."""

    def show(self, event: Event) -> None:
        """Do nothing."""

    def __exit__(self, *details: object) -> None:
        return None


def progress_line(event: Progress) -> str:
    """Return `evaluating 128/480 images, 210/s, 2 s left`."""
    left = (
        f", {event.remaining:.0f} s left" if event.done < event.total and event.remaining is not None else ""
    )
    return f"{event.job.label} {event.done}/{event.total} {event.unit}, {event.rate:.1f}/s{left}"


def event_as_json(event: Event) -> dict[str, Any]:
    """Return an event as a JSON object: its kind, its job and its plain fields (never pixels)."""
    document: dict[str, Any] = {"event": type(event).__name__.lower()}
    for name, value in vars(event).items():
        if name == "job":
            document["job"] = {"name": type(value).__name__, **asdict(value)}
        elif name == "value":
            document["value"] = asdict(value) if isinstance(value, Opened) else _headline(value)
        elif not isinstance(value, bytes):
            document[name] = asdict(value) if is_dataclass(value) and not isinstance(value, type) else value
    return document


def _headline(value: Any) -> Any:
    """The numbers of a result that fit on a line."""
    if isinstance(value, Evaluation):
        return {"split": value.split, "samples": value.samples, "accuracy": value.accuracy}
    if isinstance(value, CulpritReport):
        return {"class": value.target.name, "mistakes": value.mistakes, "unflipped": value.unflipped}
    if isinstance(value, Repair):
        return {"class": value.target.name, "method": value.method, "verdict": value.verdict}
    if isinstance(value, tuple):
        return len(value)
    return value if isinstance(value, (str, int, float, type(None))) else None


class Batch:
    """Asks the worker for one job after the other and shows what it tells."""

    def __init__(self, worker_of: Callable[[Callable[[Event], None]], Worker], display: Display) -> None:
        self._events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._worker = worker_of(self._events.put)
        self._display = display
        self.interrupted = False
        self.ctrl_c = False
        self._since = 0.0

    def interrupt(self, number: int, frame: FrameType | None) -> None:
        """Signal handler: stop at the next step; the second time at once, which the session survives too.

        Signals that come together are one: `timeout` and others send theirs to the process and to its group.
        """
        if self.interrupted:
            if time.monotonic() - self._since > TOGETHER:
                raise KeyboardInterrupt
            return
        self.interrupted, self._since = True, time.monotonic()
        self.ctrl_c = number == signal.SIGINT
        self._worker.cancel()

    def ask(self, job: jobs.Job) -> Any:
        """Run `job` and return its value; raises InputError when it fails, Cancelled when interrupted."""
        if self.interrupted:
            raise Cancelled
        self._worker.submit(job)
        while True:
            try:
                event = self._events.get(timeout=0.2)
            except queue.Empty:
                continue
            self._display.show(event)
            if isinstance(event, Finished) and event.job == job:
                return event.value
            if isinstance(event, Stopped) and event.job == job:
                raise Cancelled
            if isinstance(event, Failed):
                raise InputError(event.line) if event.bad_input else RuntimeError(event.line)

    def close(self) -> None:
        """Save and end the worker."""
        self._worker.close(wait=60)

    def work(self, config: RunConfig) -> tuple[Evaluation, list[Repair]]:
        """Do everything that `config` asks for and write the report."""
        opened: Opened = self.ask(jobs.Open())
        wanted = [find_class(opened.classes, name) for name in config.debug.classes]
        evaluation: Evaluation = self.ask(jobs.Evaluate())
        targets = wanted or worst_classes(evaluation, config.debug.worst)
        repairs = [
            repair for target in dict.fromkeys(targets) for repair in self._debug(target, config, opened)
        ]
        self.ask(jobs.WriteReport(tuple(targets)))
        return evaluation, repairs

    def _debug(self, target: int, config: RunConfig, opened: Opened) -> list[Repair]:
        """The three stages for one class."""
        report: CulpritReport = self.ask(jobs.FindCulprits(target))
        neurons = leading_culprits(report, config.debug.neurons)
        for neuron in neurons:
            self.ask(jobs.FindExemplars(target, neuron))
        if neurons and opened.clip:
            self.ask(jobs.NameNeurons(target, neurons))
        if neurons and config.debug.illusions:
            self.ask(jobs.Illustrate(target, neurons, config.debug.iters, config.debug.illusions))
        if config.repair.method == "none":
            return []
        for split in opened.splits:
            self.ask(jobs.Evaluate(split))
        repair: Repair = self.ask(jobs.RepairHead(target, config.repair.method, config.repair.neurons))
        return [self.ask(jobs.ExportRepair(repair.number))]


def run_batch(
    config: RunConfig, directory: Path, make_runner: Callable[[], Runner], as_json: bool, ranks: Ranks
) -> int:
    """Run headless and return the exit code (design §5); the report lies in `directory`.

    Of several `ranks` only rank 0 prints and checks.
    """
    display = _display(as_json) if ranks.leads else SilentDisplay()
    batch = Batch(lambda on_event: Worker(make_runner, on_event), display)
    _catch_signals(batch.interrupt)
    try:
        with display:
            evaluation, repairs = batch.work(config)
    except (Cancelled, InputError, RuntimeError, OSError) as error:
        others_left = batch.ctrl_c and ranks.size > 1
        terminal_gone = batch.interrupted and isinstance(error, OSError)
        stopped = isinstance(error, Cancelled) or others_left or terminal_gone
        batch.close()
        if ranks.speaks(str(error)):
            line = disk_line(error) if isinstance(error, OSError) else str(error)
            again = f"interrupted, session saved in {directory}: run the same command to go on"
            complain(again if stopped else line)
        return INTERRUPTED if stopped else BAD_INPUT
    batch.close()
    if not ranks.leads:
        return DONE
    if not as_json:
        _summarise(evaluation, repairs, directory)
    return _check(config, evaluation)


def _catch_signals(handler: Callable[[int, FrameType | None], None]) -> None:
    """Let Ctrl-C, a kill and a dropped connection end the run well; what was ignored (nohup) stays so."""
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, handler)


def _display(as_json: bool) -> Display:
    return JsonDisplay() if as_json else RichDisplay() if sys.stderr.isatty() else PlainDisplay()


def _summarise(evaluation: Evaluation, repairs: list[Repair], directory: Path) -> None:
    print(f"{evaluation.split}: {evaluation.samples} images, accuracy {_percent(evaluation.accuracy)}")
    for index in worst_classes(evaluation, 5):
        row = evaluation.classes[index]
        print(f"  {safe(row.name):<24} {_percent(row.accuracy):>7}  {row.correct}/{row.count}")
    for repair in repairs:
        print(f"repair of {safe(repair.target.name)} by {repair.method}: {safe(repair.verdict)}")
    print(f"report: {safe(str(directory / 'report.html'))}")


def _percent(rate: float | None) -> str:
    return "-" if rate is None else f"{100 * rate:.1f} %"


def _check(config: RunConfig, evaluation: Evaluation) -> int:
    code = DONE
    for check in config.checks:
        try:
            value = measured(check, evaluation)
        except InputError as error:
            complain(str(error))
            return BAD_INPUT
        if value < check.minimum:
            complain(f"{check.name} {value:.4f} is below {check.minimum:g}")
            code = CHECK_FAILED
    return code
