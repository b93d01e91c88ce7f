"""Failure modes: groups of mistakes with one cause, each a direction in feature space (docs/method.md)."""

from .arrays import failure_modes
from .directions import scores
from .discover import FailureModes, find_failure_modes

__all__ = ["FailureModes", "failure_modes", "find_failure_modes", "scores"]
