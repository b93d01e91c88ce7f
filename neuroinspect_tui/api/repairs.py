"""Repairs of the API: a verdict, the new layer, and the weights as a file."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import numpy.typing as npt
from safetensors.torch import load_file

from .. import jobs, results
from ..tensors import Head
from ..wording.verdicts import verdict_sentence
from .host import InspectionHost


class Repair:
    """A repaired decision layer and what it is worth; made by `Inspection.repair`."""

    def __init__(self, inspection: InspectionHost, found: results.Repair) -> None:
        self._inspection, self.found = inspection, found

    def __repr__(self) -> str:
        return f"Repair({self.found.method!r} of {self.found.target.name!r}: {self.verdict.outcome})"

    def __str__(self) -> str:
        return verdict_sentence(self.found)

    @property
    def verdict(self) -> results.Verdict:
        """The outcome, all comparisons with n, interval and p, and the classes that lose."""
        return self.found.verdict

    @property
    def classes(self) -> tuple[results.ClassChange, ...]:
        """Every class before and after, on the judged images."""
        return self.found.classes

    @property
    def head(self) -> Head:
        """The new layer as tensors."""
        tensors = load_file(self._inspection.root / self.found.head)
        return Head(tensors["weight"], tensors["bias"], self._inspection.pipeline.project.head.has_bias)

    @property
    def weight(self) -> npt.NDArray[np.float32]:
        """[C,D]."""
        return np.asarray(self.head.weight)

    @property
    def bias(self) -> npt.NDArray[np.float32]:
        """[C]; zeros for a layer without bias."""
        return np.asarray(self.head.bias)

    def export(self, path: str | Path) -> Path:
        """Write the model's full state dict with the new layer to `path` and return it.

        The format is that of the weights that the model came with, safetensors where it came with none;
        every other tensor is untouched. Raises InputError where the layer cannot be written, or may not be: a
        repair that a failure mode alone has told is exported only if it helps.
        """
        exported = self._inspection.ask(jobs.ExportRepair(self.found.number))
        assert exported.weights is not None
        written = Path(path)
        written.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(self._inspection.root / exported.weights, written)
        return written

    def prescribe(self) -> results.Prescription:
        """Write sampler weights for training by the repair's groups; estimate what more images would bring.

        The files lie in the session's folder `prescription`. Raises InputError where no groups are known.
        """
        return self._inspection.ask(jobs.Prescribe(self.found.number))

    def verify(self) -> results.Verification:
        """Export the weights into the session and run them on the judged images, in a fresh process.

        Each image's answer is compared with the one that the verdict counted. A model that was given as an
        object is copied and filled from the file in this process.
        """
        number, session = self.found.number, self._inspection.pipeline.session
        if self.found.weights is None:
            self.found = self._inspection.ask(jobs.ExportRepair(number))
        session.forget(results.states.verification(number))
        return self._inspection.ask(jobs.VerifyRepair(number))
