"""What cues and repairs ask of the `Inspection` that made them."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol, TypeVar

from .. import results
from ..jobs import Job
from ..pipeline.pipeline import Pipeline

T = TypeVar("T")


class InspectionHost(Protocol):
    """An `Inspection`, as its cues and repairs see it."""

    @property
    def root(self) -> Path:
        """The session directory."""
        ...

    @property
    def pipeline(self) -> Pipeline:
        """The pipeline with the model and the data."""
        ...

    def ask(self, job: Job[T]) -> T:
        """Return the answer to a job."""
        ...

    def evaluate(self, split: str | None = None) -> results.Evaluation:
        """Evaluate a split."""
        ...

    def culprits(self, target: str | int) -> results.CulpritReport:
        """Rank the neurons to blame for a class."""
        ...

    def place_of(self, path: str) -> tuple[str, int]:
        """Return the split and the row of an image."""
        ...
