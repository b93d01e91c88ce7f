"""Functions of plain arrays, for those who have features and a decision layer and no session."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..repair_methods import RepairMethod
from ..stages.failure_modes import failure_modes as find
from ..stages.repair.arrays import repair_head as repair
from .values import FailureMode, Layer


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


def repair_head(
    features: npt.ArrayLike,
    labels: npt.ArrayLike,
    weight: npt.ArrayLike,
    bias: npt.ArrayLike | None = None,
    groups: npt.ArrayLike | None = None,
    method: RepairMethod = "ridge",
    seed: int = 0,
) -> Layer:
    """Return the repaired decision layer as (weight [C,D], bias [C]); nothing is judged.

    `groups` are codes [N], or [N,G] of several cues, −1 or NaN where unknown; `method` is ridge, dfr, leace,
    afr, neurontune or auto. Raises InputError for arrays that do not fit together.
    """
    found = repair(features, labels, weight, bias, groups, method, seed)
    return Layer(np.asarray(found.weight), np.asarray(found.bias))
