"""What the worker reports to its faces: plain values, safe to pass between threads."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeGuard, TypeVar

from .jobs.base import Job, R

T = TypeVar("T")


@dataclass(frozen=True)
class Started:
    """The worker took `job` from the queue."""

    job: Job


@dataclass(frozen=True)
class Progress:
    """`done` of `total` units of `job` after `seconds`; at most ten a second."""

    job: Job
    done: int
    total: int
    unit: str
    seconds: float

    @property
    def rate(self) -> float:
        """Units a second so far."""
        return self.done / self.seconds if self.seconds > 0 else 0.0

    @property
    def remaining(self) -> float | None:
        """Seconds left at the present rate, or None before the first unit."""
        return (self.total - self.done) / self.rate if self.rate > 0 else None


@dataclass(frozen=True)
class Preview:
    """A picture that is still being made: `rgb` holds height x width x 3 bytes."""

    job: Job
    neuron: int
    seed: int
    step: int
    steps: int
    width: int
    height: int
    rgb: bytes = field(repr=False)
    ratio: float = 0.0


@dataclass(frozen=True)
class Elsewhere:
    """Another `process` works in the session, and what is asked for here waits; "" when it has ended."""

    process: str


@dataclass(frozen=True)
class Partial(Generic[R]):
    """An unfinished answer to `job` (the class table filling in during evaluation)."""

    job: Job[R]
    value: R


@dataclass(frozen=True)
class Finished(Generic[R]):
    """`job` is done; `value` is its answer."""

    job: Job[R]
    value: R


@dataclass(frozen=True)
class Stopped:
    """`job` was cancelled; what it had finished is kept."""

    job: Job


@dataclass(frozen=True)
class Failed:
    """`job` failed: `line` for the user (bad input: exit code 2), `detail` to copy into a bug report."""

    job: Job
    line: str
    detail: str
    bad_input: bool


@dataclass(frozen=True)
class Note:
    """A line for the log: a warning or a remark that needs no answer."""

    text: str
    level: str = "info"


Event = Started | Progress | Preview | Partial | Finished | Stopped | Failed | Note | Elsewhere


def answers(event: Event, job: Job[T]) -> TypeGuard[Finished[T]]:
    """Whether `event` brings the answer to `job`; equal jobs have answers of one type."""
    return isinstance(event, Finished) and event.job == job


class Reporter(Protocol):
    """What a running job may report: progress, unfinished answers, pictures, notes."""

    job: Job

    def unit(self, name: str) -> None:
        """Name what `on_progress` counts, and start its clock."""

    def progress(self, done: int, total: int) -> None:
        """Report progress; raises Cancelled when the job was cancelled."""

    def partial(self, value: object) -> None:
        """Show an unfinished answer to the job."""

    def preview(self, preview: Preview) -> None:
        """Show an unfinished picture."""

    def note(self, text: str, level: str = "info") -> None:
        """Write a line to the log."""
