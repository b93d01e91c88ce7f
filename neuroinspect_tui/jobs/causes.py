"""What the mistakes have in common: failure modes, and changes that should not matter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ..config import RunConfig
from ..results import FailureMode, StressResult, states
from .base import Job, Load


@dataclass(frozen=True)
class FindFailureModes(Job[tuple[FailureMode, ...]]):
    """Group the mistakes of all classes by their cause, from the features alone; most mistakes first.

    There are at most `k` (None: as configured).
    """

    k: int | None = None
    priority: ClassVar[int] = 2
    label: ClassVar[str] = "finding failure modes"

    def key(self, config: RunConfig) -> str:
        """One for each number of modes and seed."""
        return states.failure_modes(config, self.k)

    def recall(self, config: RunConfig, load: Load) -> tuple[FailureMode, ...] | None:
        """Return the modes with the evidence that was found since they were stored."""
        return ExamineFailureModes(self.k).recall(config, load) or super().recall(config, load)


@dataclass(frozen=True)
class ExamineFailureModes(Job[tuple[FailureMode, ...]]):
    """Test each failure mode in the pictures: cover its region, name it, look at image statistics."""

    k: int | None = None
    priority: ClassVar[int] = 3
    label: ClassVar[str] = "testing failure modes"

    def key(self, config: RunConfig) -> str:
        """One for each number of modes, seed and CLIP guide."""
        debug = config.debug
        return f"{states.failure_modes(config, self.k)}-{states.settings(debug.clip, debug.vocabulary)}"


@dataclass(frozen=True)
class RunStress(Job[StressResult]):
    """Change images in ways that should not matter and see which classes each change pulls them towards."""

    priority: ClassVar[int] = 4
    label: ClassVar[str] = "running the stress battery"

    def key(self, config: RunConfig) -> str:
        """One for each split and the failure modes whose regions are put in."""
        return f"stress/{states.settings(config.data.split, config.debug.modes, config.compute.seed)}"
