"""Functions of plain arrays, for those who have features and a decision layer and no session."""

from __future__ import annotations

import numpy.typing as npt

from ..stages.failure_modes import failure_modes as find
from .values import FailureMode


def failure_modes(
    features: npt.ArrayLike,
    labels: npt.ArrayLike,
    weight: npt.ArrayLike,
    bias: npt.ArrayLike | None = None,
    k: int = 8,
    seed: int = 0,
) -> tuple[FailureMode, ...]:
    """Return at most `k` failure modes of features [N,D], labels [N] under the layer weight [C,D], bias [C].

    Arrays or tensors; most mistakes first. Raises InputError for shapes that do not fit.
    """
    found = find(features, labels, weight, bias, k, seed)
    return tuple(
        FailureMode.of(mode, direction.numpy())
        for mode, direction in zip(found.modes, found.directions, strict=True)
    )
