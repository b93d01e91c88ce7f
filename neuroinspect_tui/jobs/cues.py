"""Cues and the tags of images."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ..config import RunConfig
from ..results import Cue, CueOrigin, ReviewItem, states
from ..results.stored_cues import StoredCue
from .base import Job, Load

DEFAULT_CUE = "cue"


class _Cues:
    """What jobs have in common that answer with all cues."""

    def key(self, config: RunConfig) -> str:
        """One for all cues."""
        return states.CUES

    def recall(self, config: RunConfig, load: Load) -> tuple[Cue, ...] | None:
        """Return the cues as they are now."""
        stored = load(states.CUES, tuple[StoredCue, ...])
        return None if stored is None else tuple(cue.shown() for cue in stored)


@dataclass(frozen=True)
class OrderReview(Job[tuple[ReviewItem, ...]]):
    """Propose images to tag next for a cue, of `split` (None: the debugged one, and rare ones of `train`)."""

    target: int
    neurons: tuple[int, ...]
    limit: int = 80
    cue: str = DEFAULT_CUE
    split: str | None = None
    priority: ClassVar[int] = 1
    label: ClassVar[str] = "ordering images"
    private: ClassVar[bool] = True


@dataclass(frozen=True)
class SetTag(Job[Cue]):
    """Tag an image by hand for a cue: "has", "not", "mislabelled", or "" to remove its tag."""

    split: str
    row: int
    tag: str
    cue: str = DEFAULT_CUE
    priority: ClassVar[int] = 0
    label: ClassVar[str] = "tagging"
    in_order: ClassVar[bool] = True

    def key(self, config: RunConfig) -> str:
        """One for all cues."""
        return states.CUES

    def recall(self, config: RunConfig, load: Load) -> Cue | None:
        """Return the cue as it is now, if there is still one of that name."""
        return next((cue for cue in ListCues().recall(config, load) or () if cue.name == self.cue), None)


@dataclass(frozen=True)
class ListCues(_Cues, Job[tuple[Cue, ...]]):
    """List the cues, in the order in which they were made."""

    priority: ClassVar[int] = 1
    label: ClassVar[str] = "listing cues"


@dataclass(frozen=True)
class AddCue(_Cues, Job[tuple[Cue, ...]]):
    """Make a cue, from the failure mode, neuron or column `source` where it comes from one."""

    name: str
    origin: CueOrigin = "hand"
    source: str = ""
    priority: ClassVar[int] = 0
    label: ClassVar[str] = "adding a cue"
    in_order: ClassVar[bool] = True


@dataclass(frozen=True)
class RenameCue(_Cues, Job[tuple[Cue, ...]]):
    """Give a cue another name."""

    name: str
    new: str
    priority: ClassVar[int] = 0
    label: ClassVar[str] = "renaming a cue"
    in_order: ClassVar[bool] = True


@dataclass(frozen=True)
class MergeCues(_Cues, Job[tuple[Cue, ...]]):
    """Add the tags of the cue `name` to those of `into`, whose own win, and remove the first."""

    name: str
    into: str
    priority: ClassVar[int] = 0
    label: ClassVar[str] = "merging cues"
    in_order: ClassVar[bool] = True


@dataclass(frozen=True)
class ClearCue(_Cues, Job[tuple[Cue, ...]]):
    """Remove all tags of a cue, and with `forget` the cue itself."""

    name: str
    forget: bool = False
    priority: ClassVar[int] = 0
    label: ClassVar[str] = "clearing a cue"
    in_order: ClassVar[bool] = True


@dataclass(frozen=True)
class LeaveOutCue(_Cues, Job[tuple[Cue, ...]]):
    """Let repairs do without a cue, or use it again."""

    name: str
    left_out: bool = True
    priority: ClassVar[int] = 0
    label: ClassVar[str] = "leaving out a cue"
    in_order: ClassVar[bool] = True
