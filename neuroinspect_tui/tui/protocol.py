"""What the app asks of its surroundings: the worker, what is known at first paint, and how it should look."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from ..events import Event, Finished
from ..jobs import Job
from ..results.stored_cues import StoredCue

OnEvent = Callable[[Event], None]


class WorkerLike(Protocol):
    """A queue of jobs on another thread; asking again for a waiting job moves it to the front."""

    def submit(self, job: Job) -> None:
        """Ask for `job`."""

    def cancel(self) -> None:
        """Stop the running job at its next step."""

    def close(self, wait: float | None = 10.0, finish: bool = False) -> object:
        """End the thread within `wait` seconds (None: as long as it takes), after its queue if `finish`."""


@dataclass(frozen=True)
class Facts:
    """The title line before anything is loaded."""

    model: str = ""
    data: str = ""
    split: str = ""
    device: str = ""


@dataclass(frozen=True)
class View:
    """What the user looked at and marked; saved with the session so that reopening shows the same."""

    target: int | None = None
    neuron: int | None = None
    sort: str = "accuracy"
    marks: dict[int, tuple[int, ...]] = field(default_factory=dict)
    toured: bool = False


@dataclass(frozen=True)
class SavedState:
    """What the session already knows: `answers` as the worker would give them, in the order to take them in.

    Picture paths are relative to `session_root`.
    """

    session_root: Path
    answers: tuple[Finished, ...] = ()
    view: View = field(default_factory=View)
    cues: tuple[StoredCue, ...] = ()


@dataclass(frozen=True)
class SessionEntry:
    """One line of the sessions screen."""

    root: Path
    model: str = ""
    data: str = ""
    changed: str = ""
    accuracy: float | None = None
    repairs: int = 0


@dataclass(frozen=True)
class AppSession:
    """One session to show: facts and saved values now, a worker as soon as the screen is up."""

    facts: Facts
    state: SavedState
    make_worker: Callable[[OnEvent], WorkerLike]
    save_view: Callable[[View], None] = lambda view: None
    sessions: Callable[[], Sequence[SessionEntry]] = tuple
    tour: bool = False


@dataclass(frozen=True)
class Appearance:
    """How pictures are drawn (a way of `images.chooser`, or `auto`), keys by binding id, the theme."""

    images: str = "auto"
    keys: Mapping[str, str] = field(default_factory=dict)
    theme: str | None = None
