"""One classifier on one data set: `load` it, ask it, repair it, write the report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from ..events import Preview

T = TypeVar("T")
Images = npt.NDArray[np.uint8]


class Features(NamedTuple):
    """Features [N,D] float32, labels [N] int64, and the N paths as the data names them."""

    features: npt.NDArray[np.float32]
    labels: npt.NDArray[np.int64]
    paths: list[str]


@dataclass
class Silent:
    """A reporter that keeps the notes of the jobs and shows nothing."""

    notes: list[str]

    def unit(self, name: str) -> None:
        """Pass over."""

    def progress(self, done: int, total: int) -> None:
        """Pass over."""

    def partial(self, value: object) -> None:
        """Pass over."""

    def preview(self, preview: Preview) -> None:
        """Pass over."""

    def note(self, text: str, level: str = "info") -> None:
        """Keep `text`."""
        self.notes.append(text)
