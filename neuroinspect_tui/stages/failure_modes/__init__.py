"""Failure modes: groups of mistakes with one cause, each a direction in feature space (docs/method.md)."""

from .arrays import failure_modes
from .directions import scores
from .discover import FailureModes, find_failure_modes
from .evidence import Pictures, conclude
from .exemplars import ModeImages, exemplars_of

__all__ = [
    "FailureModes",
    "ModeImages",
    "Pictures",
    "conclude",
    "exemplars_of",
    "failure_modes",
    "find_failure_modes",
    "scores",
]
