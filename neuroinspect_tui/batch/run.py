"""The headless face: the whole method in one go, for scripts and CI."""

from __future__ import annotations

import queue
import signal
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from pathlib import Path
from types import FrameType
from typing import TypeVar

from .. import jobs
from ..config import Check, RunConfig
from ..data.class_names import find_class
from ..errors import Cancelled, ExitCode, InputError, InternalFault, disk_line
from ..events import Event, Failed, Note, Stopped, answers
from ..jobs import Job
from ..results import CulpritReport, Evaluation, Opened, Repair, StressResult, WorstGroup
from ..results.selection import leading_culprits, measured, worst_classes
from ..runtime.faults import fault_line
from ..runtime.ranks import Ranks
from ..runtime.worker import Runner, Worker
from ..text import complain, safe
from ..wording.labels import label_words
from ..wording.stress import stress_sentence
from ..wording.verdicts import verdict_sentence
from .displays import Display, display_for, stdout_for_events

T = TypeVar("T")
SAME_SIGNAL_SECONDS = 1.0
SHOWN_CLASSES = 5


class Batch:
    """Asks the worker for one job after the other and shows what it reports."""

    def __init__(
        self,
        worker_of: Callable[[Callable[[Event], None]], Worker],
        display: Display,
        goes_on: bool = True,
    ) -> None:
        self._events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._worker = worker_of(self._events.put)
        self._display = display
        self.interrupted = False
        self.ctrl_c = False
        self._since = 0.0
        self.warnings: dict[str, None] = {}
        self.failures: list[InputError | InternalFault] = []
        self.goes_on = goes_on
        self.stress: tuple[StressResult, tuple[str, ...]] | None = None

    def interrupt(self, number: int, frame: FrameType | None) -> None:
        """Signal handler: stop at the next step; the second time at once, which the session survives too.

        Signals that come together are one: `timeout` and others send theirs to the process and to its group.
        """
        if self.interrupted:
            if time.monotonic() - self._since > SAME_SIGNAL_SECONDS:
                raise KeyboardInterrupt
            return
        self.interrupted, self._since = True, time.monotonic()
        self.ctrl_c = number == signal.SIGINT
        self._worker.cancel()

    def ask(self, job: Job[T]) -> T:
        """Run `job` and return its answer; raises InputError when it fails, Cancelled when interrupted."""
        if self.interrupted:
            raise Cancelled
        self._worker.submit(job)
        while True:
            if self.interrupted:  # the signal may have come before the worker took the job
                self._worker.cancel()
            try:
                event = self._events.get(timeout=0.2)
            except queue.Empty:
                continue
            self._display.show(event)
            if isinstance(event, Note) and event.level == "warning":
                self.warnings[event.text] = None
            if answers(event, job):
                return event.value
            if isinstance(event, Stopped) and event.job == job:
                raise Cancelled
            if isinstance(event, Failed):
                raise InputError(event.line) if event.bad_input else InternalFault(event.line, event.detail)

    def attempt(self, job: Job[T]) -> T | None:
        """Run a job that the others can do without: its failure is kept in `failures`, and None returned."""
        try:
            return self.ask(job)
        except (InputError, InternalFault) as failure:
            if not self.goes_on:
                raise
            self.failures.append(failure)
            return None

    def close(self) -> None:
        """Save and end the worker."""
        self._worker.close(wait=60)

    def work(self, config: RunConfig) -> tuple[Evaluation, list[int], list[Repair]]:
        """Do everything that `config` asks for and write the report; return also the debugged classes."""
        opened = self.ask(jobs.Open())
        wanted = [find_class(opened.classes, name) for name in config.debug.classes]
        _require_neurons(config.repair.neurons, opened.features)
        _require_groups(config.checks, opened.group_columns)
        if opened.unrepairable and config.repair.method != "none":
            self._display.show(Note(f"no repair: {opened.unrepairable}", "warning"))
        evaluation = self.ask(jobs.Evaluate())
        if config.debug.modes:
            self._explain(config, opened)
        if config.debug.stress:
            self._stress(opened)
        targets = list(dict.fromkeys(wanted or worst_classes(evaluation, config.debug.worst)))
        if config.repair.method != "none" and not targets:
            self._display.show(
                Note("no class to repair: none has mistakes, or --worst 0 without --class", "warning")
            )
        repairs = [repair for target in targets for repair in self._debug(target, config, opened)]
        self.ask(jobs.WriteReport(tuple(targets)))
        return evaluation, targets, repairs

    def stress_alone(self) -> tuple[Evaluation, list[int], list[Repair]]:
        """Evaluate, run the stress battery and write the report with all that the session knows."""
        opened, evaluation = self.ask(jobs.Open()), self.ask(jobs.Evaluate())
        self._stress(opened)
        self.ask(jobs.WriteReport())
        return evaluation, [], []

    def _stress(self, opened: Opened) -> None:
        found = self.attempt(jobs.RunStress())
        self.stress = None if found is None else (found, opened.classes)

    def _explain(self, config: RunConfig, opened: Opened) -> None:
        """Find the failure modes, test them in the pictures and make illusions of the largest."""
        found = self.attempt(jobs.FindFailureModes())
        if not found:
            return
        tested = self.attempt(jobs.ExamineFailureModes()) or found
        for mode in tested[: config.debug.illusions]:
            unit, target = opened.features + mode.id, mode.classes[0]
            self.attempt(jobs.Illustrate(target, (unit,), config.debug.iters, 1))

    def _debug(self, target: int, config: RunConfig, opened: Opened) -> list[Repair]:
        """The three stages for one class; what fails leaves the rest as it is."""
        self._display.subject = opened.classes[target]
        report = self.attempt(jobs.FindCulprits(target))
        if report is not None:
            self._look_at(report, config, opened)
        if config.repair.method == "none" or opened.unrepairable:
            return []
        for split in opened.splits:
            self.ask(jobs.Evaluate(split))
        repair = self.attempt(jobs.RepairHead(target, config.repair.method, config.repair.neurons))
        if repair is None:
            return []
        if repair.columns and not repair.label_free:
            self.attempt(jobs.Prescribe(repair.number))
        return [self.attempt(jobs.ExportRepair(repair.number)) or repair]

    def _look_at(self, report: CulpritReport, config: RunConfig, opened: Opened) -> None:
        """Find exemplars, names and illusions of the leading culprits."""
        target, debug = report.target.index, config.debug
        neurons = leading_culprits(report, debug.neurons)
        for neuron in neurons:
            self.attempt(jobs.FindExemplars(target, neuron))
        if neurons and opened.clip:
            self.attempt(jobs.NameNeurons(target, neurons))
        if neurons and debug.illusions:
            self.attempt(jobs.Illustrate(target, neurons, debug.iters, debug.illusions))


def _require_neurons(neurons: tuple[int, ...], count: int) -> None:
    unknown = [neuron for neuron in neurons if not 0 <= neuron < count]
    if unknown:
        raise InputError(f"--neuron {unknown[0]} does not exist", f"give numbers from 0 to {count - 1}")


def _require_groups(checks: tuple[Check, ...], columns: tuple[str, ...]) -> None:
    if not columns and any(check.name == "worst-group" for check in checks):
        raise InputError(
            "--fail-under worst-group has nothing to check: the data has no groups",
            "give a manifest.csv with a column of groups",
        )


def run_batch(
    config: RunConfig,
    directory: Path,
    make_runner: Callable[[], Runner],
    as_json: bool,
    ranks: Ranks,
    stress_alone: bool = False,
) -> int:
    """Run headless and return the exit code; the report lies in `directory`.

    Of several `ranks` only rank 0 prints and checks.
    """
    with stdout_for_events() if as_json else nullcontext(sys.stdout) as events:
        display = display_for(as_json, events) if ranks.leads else Display()
        batch = Batch(lambda on_event: Worker(make_runner, on_event), display, goes_on=ranks.size == 1)
        _catch_signals(batch.interrupt)
        try:
            with display:
                done = batch.stress_alone() if stress_alone else batch.work(config)
        except (Cancelled, InputError, InternalFault, OSError) as error:
            batch.close()
            return _end_early(batch, error, directory, ranks)
        batch.close()
    if not ranks.leads:
        return ExitCode.DONE
    evaluation, targets, repairs = done
    if not as_json:
        _summarise(evaluation, targets, repairs, directory, batch.warnings, batch.stress)
    for failure in batch.failures:
        complain(f"failed: {_line_of(failure, directory)}")
    return _check(config, evaluation) or (ExitCode.PARTLY_DONE if batch.failures else ExitCode.DONE)


def _end_early(
    batch: Batch, error: Cancelled | InputError | InternalFault | OSError, directory: Path, ranks: Ranks
) -> ExitCode:
    """Say why the run ends without its report, and return the exit code."""
    others_left = batch.ctrl_c and ranks.size > 1
    terminal_gone = batch.interrupted and isinstance(error, OSError)
    stopped = isinstance(error, Cancelled) or others_left or terminal_gone
    if ranks.prints(str(error)):
        again = f"interrupted, session saved in {directory}: run the same command to go on"
        complain(again if stopped else _line_of(error, directory))
    if stopped:
        return ExitCode.INTERRUPTED
    return ExitCode.INTERNAL_FAULT if isinstance(error, InternalFault) else ExitCode.BAD_INPUT


def _line_of(error: Exception, directory: Path) -> str:
    if isinstance(error, InternalFault):
        return fault_line(error, directory)
    return disk_line(error) if isinstance(error, OSError) else str(error)


def _catch_signals(handler: Callable[[int, FrameType | None], None]) -> None:
    """Let Ctrl-C, a kill and a dropped connection end the run well; what was ignored (nohup) stays so."""
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, handler)


def _summarise(
    evaluation: Evaluation,
    targets: Iterable[int],
    repairs: list[Repair],
    directory: Path,
    warnings: Iterable[str],
    stress: tuple[StressResult, tuple[str, ...]] | None = None,
) -> None:
    """Print the result; warnings again, for they are far above by now."""
    print(f"{safe(evaluation.split)}: {evaluation.samples} images, accuracy {_percent(evaluation.accuracy)}")
    worst = worst_classes(evaluation, len(evaluation.classes))
    for index in dict.fromkeys([*worst[:SHOWN_CLASSES], *targets]):
        row = evaluation.classes[index]
        print(f"  {safe(row.name):<24} {_percent(row.accuracy):>7}  {row.correct}/{row.count}")
    if len(worst) > SHOWN_CLASSES:
        print(f"  and {len(worst) - SHOWN_CLASSES} more classes with mistakes")
    group = evaluation.worst_group
    if group is not None:
        name = f"{group.class_name}, {group.column} {group.value}"
        print(f"worst group: {safe(name)}: {_percent(group.accuracy)}  {group.correct}/{group.count}")
    for label in evaluation.labels:
        print(f"  label {safe(label.name):<18} {label_words(label)}")
    for warning in warnings:
        print(f"warning: {safe(warning)}")
    if stress is not None:
        print(f"stress battery: {safe(stress_sentence(*stress))}")
    for repair in repairs:
        print(_repair_lines(repair, repair.twin(repairs), directory))
    print(f"report: {safe(str(directory / 'report.html'))}")


def _repair_lines(repair: Repair, twin: int | None, directory: Path) -> str:
    """Return the verdict of a repair, and below it what changed where and the weights."""
    name = f"repair {repair.number} of {safe(repair.target.name)} by {repair.method}"
    if repair.unchanged:
        return f"{name}: {safe(verdict_sentence(repair))}"
    before, after = repair.before, repair.after
    changes = [f"class {_percent(before.class_accuracy)} → {_percent(after.class_accuracy)}"]
    if before.worst_group and after.worst_group:
        changes.append(f"worst group {_rate(before.worst_group)} → {_rate(after.worst_group)}")
    changes.append(f"all {_percent(before.accuracy)} → {_percent(after.accuracy)}")
    same = "" if twin is None else f" (the same layer as repair {twin})"
    judged = next((use for use in repair.splits if use.part == "judge"), None)
    count = f"{judged.samples} images of " if judged is not None else ""
    lines = [
        f"{name}: {safe(verdict_sentence(repair))}",
        f"on {count}{safe(after.split)}: {', '.join(changes)}",
    ]
    return "\n  ".join([*lines, safe(f"{directory / (repair.weights or repair.head)}{same}")])


def _rate(group: WorstGroup) -> str:
    """Return the rate of a group and of how many images, some of which a probe may have put there."""
    estimated = ", estimated" if group.estimated else ""
    return f"{_percent(group.accuracy)} (of {group.count}{estimated})"


def _percent(rate: float | None) -> str:
    return "-" if rate is None else f"{100 * rate:.1f} %"


def _check(config: RunConfig, evaluation: Evaluation) -> ExitCode:
    code = ExitCode.DONE
    for check in config.checks:
        try:
            value = measured(check, evaluation)
        except InputError as error:
            complain(str(error))
            return ExitCode.BAD_INPUT
        if value < check.minimum:
            complain(
                f"--fail-under: {check.name} {value:.4f} is below {check.minimum:g} on {evaluation.split}"
            )
            code = ExitCode.CHECK_FAILED
    return code
