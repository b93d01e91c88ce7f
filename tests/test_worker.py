"""The queue: order, nesting, cancel, errors, closing."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from neuroinspect_tui import jobs
from neuroinspect_tui.errors import InputError
from neuroinspect_tui.events import Event, Failed, Finished, Preview, Progress, Reporter, Started, Stopped
from neuroinspect_tui.runtime.worker import Worker


class Scripted:
    """A runner whose jobs wait at each step until the test lets them go on."""

    def __init__(self) -> None:
        self.gate = threading.Semaphore(0)
        self.at_step = threading.Semaphore(0)
        self.log: list[str] = []
        self.closed = False
        self.done: list[jobs.Job] = []

    def run(self, job: jobs.Job, reporter: Reporter) -> Any:
        self.done.append(job)
        if isinstance(job, jobs.Illustrate):
            reporter.unit("steps")
            for step in range(3):
                self.log.append(f"{job.neurons[0]}:{step}")
                self.at_step.release()
                self.gate.acquire()
                reporter.progress(step + 1, 3)
        elif isinstance(job, jobs.FindCulprits):
            raise InputError("no such class", "give another")
        elif isinstance(job, jobs.Evaluate):
            raise ZeroDivisionError("boom")
        else:
            self.log.append(type(job).__name__)
        return len(self.log)

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def script() -> Scripted:
    return Scripted()


@pytest.fixture
def events() -> queue.SimpleQueue[Event]:
    return queue.SimpleQueue()


@pytest.fixture
def worker(script: Scripted, events: queue.SimpleQueue[Event]) -> Iterator[Worker]:
    made = Worker(lambda: script, events.put)
    yield made
    script.gate.release(100)
    assert made.close(wait=10)


def ended(events: queue.SimpleQueue[Event], job: jobs.Job) -> Event:
    """The event that ends `job`."""
    while True:
        event = events.get(timeout=10)
        if isinstance(event, (Finished, Stopped, Failed)) and event.job == job:
            return event


def test_bad_input_is_one_line_and_a_crash_keeps_its_traceback(worker: Worker, events: Any) -> None:
    worker.submit(jobs.FindCulprits(0))
    failed = ended(events, jobs.FindCulprits(0))
    assert isinstance(failed, Failed)
    assert (failed.line, failed.bad_input, failed.detail) == ("no such class: give another", True, "")
    worker.submit(jobs.Evaluate())
    failed = ended(events, jobs.Evaluate())
    assert isinstance(failed, Failed)
    assert failed.line == "evaluating failed: ZeroDivisionError: boom"
    assert not failed.bad_input and "Traceback" in failed.detail
    worker.submit(jobs.Open())
    assert isinstance(ended(events, jobs.Open()), Finished)


def test_a_start_that_fails_is_tried_once_more_unless_the_input_is_bad(script: Scripted, events: Any) -> None:
    faults: list[Exception] = [RecursionError("half-loaded")]
    tries = []

    def make() -> Scripted:
        tries.append(len(faults))
        if faults:
            raise faults.pop()
        return script

    worker = Worker(make, events.put)
    worker.submit(jobs.Open())
    assert isinstance(ended(events, jobs.Open()), Finished)
    assert worker.close(wait=10) and tries == [1, 0]
    faults += [RecursionError("never"), InputError("no such model", "give another")]
    worker = Worker(make, events.put)
    worker.submit(jobs.Open())
    failed = ended(events, jobs.Open())
    assert isinstance(failed, Failed) and failed.bad_input and tries == [1, 0, 2]
    assert worker.close(wait=10)


def test_an_urgent_job_runs_between_two_steps_of_a_long_one(
    worker: Worker, script: Scripted, events: Any
) -> None:
    long = jobs.Illustrate(0, (7,))
    worker.submit(long)
    script.at_step.acquire()
    worker.submit(jobs.AskWhatIf(0, (7,)))
    script.gate.release(3)
    ended(events, long)
    assert script.log == ["7:0", "AskWhatIf", "7:1", "7:2"]


def test_a_newer_picture_goes_before_the_running_one(worker: Worker, script: Scripted, events: Any) -> None:
    first, second = jobs.Illustrate(0, (1,)), jobs.Illustrate(0, (2,))
    worker.submit(first)
    script.at_step.acquire()
    worker.submit(second)
    script.gate.release(6)
    ended(events, first)
    assert script.log == ["1:0", "2:0", "2:1", "2:2", "1:1", "1:2"]


def test_waiting_jobs_run_by_priority_then_newest(worker: Worker, script: Scripted, events: Any) -> None:
    worker.submit(jobs.Illustrate(0, (1,)))
    script.at_step.acquire()
    for job in (jobs.WriteReport(), jobs.FindExemplars(0, 1), jobs.DiscardRepair(0), jobs.WriteReport()):
        worker.submit(job)
    script.gate.release(3)
    ended(events, jobs.FindExemplars(0, 1))
    assert script.log[3:] == ["DiscardRepair", "WriteReport", "FindExemplars"]


def test_what_changes_the_session_runs_in_the_order_asked(
    worker: Worker, script: Scripted, events: Any
) -> None:
    worker.submit(jobs.Illustrate(0, (1,)))
    script.at_step.acquire()
    for tag in ("cue", "", "no cue", "cue"):
        worker.submit(jobs.SetTag("val", 5, tag))
    for job in (jobs.ExportRepair(1), jobs.Evaluate("test"), jobs.DiscardRepair(1)):
        worker.submit(job)
    script.gate.release(3)
    ended(events, jobs.Evaluate("test"))
    done = [str(getattr(job, "tag", job.label)) for job in script.done]
    assert done == ["visualising", "", "no cue", "cue", "exporting weights", "discarding", "evaluating"]


def test_a_job_that_runs_is_asked_for_again_only_if_it_may_be_undone(
    script: Scripted, events: queue.SimpleQueue[Event]
) -> None:
    inside, go_on = threading.Event(), threading.Event()

    def hold(job: jobs.Job, reporter: Reporter) -> int:
        script.done.append(job)
        inside.set()
        go_on.wait(10)
        return 0

    script.run = hold  # type: ignore[method-assign]
    worker = Worker(lambda: script, events.put)
    cue, nothing = jobs.SetTag("val", 5, "cue"), jobs.SetTag("val", 5, "")
    worker.submit(cue)
    inside.wait(10)
    worker.submit(cue)
    worker.submit(nothing)
    worker.submit(cue)
    go_on.set()
    worker.close(wait=10, finish=True)
    assert script.done == [cue, nothing, cue]


def test_cancel_takes_effect_at_the_next_step(worker: Worker, script: Scripted, events: Any) -> None:
    job = jobs.Illustrate(0, (1,))
    worker.submit(job)
    script.at_step.acquire()
    worker.cancel()
    script.gate.release(3)
    assert isinstance(ended(events, job), Stopped)
    assert script.log == ["1:0"]


def test_progress_counts_steps(worker: Worker, script: Scripted, events: Any) -> None:
    script.gate.release(3)
    worker.submit(jobs.Illustrate(0, (1,)))
    seen = []
    while not isinstance(event := events.get(timeout=10), Finished):
        seen.append(event)
    assert isinstance(seen[0], Started)
    last = seen[-1]
    assert isinstance(last, Progress) and (last.done, last.total, last.unit) == (3, 3, "steps")


def test_closing_drops_the_queue_or_finishes_it(script: Scripted, events: Any) -> None:
    worker = Worker(lambda: script, events.put)
    worker.submit(jobs.Illustrate(0, (1,)))
    script.at_step.acquire()
    worker.submit(jobs.WriteReport())
    script.gate.release(3)
    assert worker.close(wait=10)
    assert script.closed and script.log == ["1:0"]
    other = Scripted()
    worker = Worker(lambda: other, events.put)
    worker.submit(jobs.WriteReport())
    assert worker.close(wait=10, finish=True)
    assert other.log == ["WriteReport"]


def test_a_picture_is_shown_at_most_every_so_often_each_for_itself(
    monkeypatch: pytest.MonkeyPatch, events: Any
) -> None:
    now = [100.0]
    monkeypatch.setattr("neuroinspect_tui.runtime.worker.time.monotonic", lambda: now[0])
    job = jobs.Illustrate(0, (7,))

    class Painting:
        def run(self, job: jobs.Job, reporter: Reporter) -> Any:
            for at, seed, step in (
                (100.0, 0, 8),
                (100.1, 0, 16),
                (100.1, 1, 16),
                (100.39, 0, 24),
                (100.4, 0, 32),
            ):
                now[0] = at
                reporter.preview(Preview(job, 7, seed, step, 64, 1, 1, b"rgb", 1.0))

        def close(self) -> None: ...

    worker = Worker(Painting, events.put)
    worker.submit(job)
    told = [events.get(timeout=10) for _ in range(5)]
    assert worker.close()
    assert isinstance(told[-1], Finished)
    assert [(e.seed, e.step) for e in told if isinstance(e, Preview)] == [(0, 8), (1, 16), (0, 32)]
