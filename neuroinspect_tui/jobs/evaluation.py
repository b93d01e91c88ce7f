"""Opening the inputs, evaluating splits, finding copies between them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ..config import RunConfig
from ..results import Evaluation, Opened, SplitDuplicates, states
from .base import Job

LARGEST_UNASKED = 10_000
"""A split of more images is evaluated only where somebody asks for what needs it, not for a proposal."""


@dataclass(frozen=True)
class Open(Job[Opened]):
    """Load the classifier and the data set."""

    priority: ClassVar[int] = 0
    label: ClassVar[str] = "loading"

    def key(self, config: RunConfig) -> str:
        """One for each session."""
        return "opened"


@dataclass(frozen=True)
class Evaluate(Job[Evaluation]):
    """Evaluate a split (None: the debugged one); partial answers are sent on the way."""

    split: str | None = None
    priority: ClassVar[int] = 2
    label: ClassVar[str] = "evaluating"

    def key(self, config: RunConfig) -> str:
        """One for each split."""
        return f"evaluation/{states.settings(self.split or config.data.split)}"


@dataclass(frozen=True)
class FindDuplicates(Job[tuple[SplitDuplicates, ...]]):
    """Find images that stand in two of the evaluated splits, recompressed, resized or mirrored too."""

    priority: ClassVar[int] = 3
    label: ClassVar[str] = "looking for copies between splits"

    def key(self, config: RunConfig) -> str:
        """One for each session."""
        return "duplicates"
