"""Values of the API: results with the arrays that belong to them."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from .. import results


class Layer(NamedTuple):
    """A decision layer: logits = z @ weight.T + bias, `weight` [C,D] and `bias` [C] float32."""

    weight: npt.NDArray[np.float32]
    bias: npt.NDArray[np.float32]


@dataclass(frozen=True)
class FailureMode(results.FailureMode):
    """A failure mode and its unit `direction` [D]: `features @ direction` scores any image."""

    direction: npt.NDArray[np.float32] = field(default_factory=lambda: np.zeros(0, np.float32), repr=False)

    @classmethod
    def of(cls, found: results.FailureMode, direction: npt.NDArray[np.float32]) -> FailureMode:
        """Return `found` with its direction."""
        values = {one.name: getattr(found, one.name) for one in fields(found)}
        return cls(**values, direction=direction)
