"""Values of the API: results with the arrays that belong to them."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image

from .. import results


class Layer(NamedTuple):
    """A decision layer: logits = z @ weight.T + bias, `weight` [C,D] and `bias` [C] float32."""

    weight: npt.NDArray[np.float32]
    bias: npt.NDArray[np.float32]


class Picture(NamedTuple):
    """A real image as the classifier sees it, uint8 [S,S,3], and the unit's activation on it."""

    image: npt.NDArray[np.uint8]
    activation: float
    path: str
    label: int


@dataclass(frozen=True)
class Illusion(results.Illusion):
    """An illusion with its numbers and its `pixels`, uint8 [S,S,3]."""

    pixels: npt.NDArray[np.uint8] = field(default_factory=lambda: np.zeros((0, 0, 3), np.uint8), repr=False)

    @classmethod
    def of(cls, found: results.Illusion, pixels: npt.NDArray[np.uint8]) -> Illusion:
        """Return `found` with its pixels."""
        values = {one.name: getattr(found, one.name) for one in fields(found)}
        return cls(**values, pixels=pixels)


def read_picture(path: Path) -> npt.NDArray[np.uint8]:
    """Return a PNG of the session as uint8 [H,W,3]."""
    with Image.open(path, formats=("PNG",)) as image:
        return np.asarray(image.convert("RGB"))


@dataclass(frozen=True)
class FailureMode(results.FailureMode):
    """A failure mode and its unit `direction` [D]: `features @ direction` scores any image."""

    direction: npt.NDArray[np.float32] = field(default_factory=lambda: np.zeros(0, np.float32), repr=False)

    @classmethod
    def of(cls, found: results.FailureMode, direction: npt.NDArray[np.float32]) -> FailureMode:
        """Return `found` with its direction."""
        values = {one.name: getattr(found, one.name) for one in fields(found)}
        return cls(**values, direction=direction)
