"""A repair of plain arrays: features in, a head out, nothing judged."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from ...errors import InputError
from ...repair_methods import RepairMethod
from ...tensors import Head, SplitFeatures
from .examples import Examples
from .methods import GROUPED, LABEL_FREE, Task, fit
from .plan import Division, Plan

METHODS: tuple[RepairMethod, ...] = (*GROUPED, *LABEL_FREE)


def repair_head(
    features: ArrayLike,
    labels: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike | None,
    groups: ArrayLike | Sequence[ArrayLike] | None = None,
    method: RepairMethod = "ridge",
    seed: int = 0,
) -> Head:
    """Return the repaired head of features [N,D], labels [N], weight [C,D] and bias [C] (None: none).

    `groups` are codes [N], or [N,G] of several cues; -1 or NaN says that a value is unknown. `method` is
    ridge, dfr, leace, afr or neurontune, or auto: ridge with groups, afr without. Of the candidates of a
    method the one of the best worst (class, value) on the same images is taken. Raises InputError for arrays
    that do not fit together.
    """
    z = torch.from_numpy(np.asarray(features, dtype=np.float32).copy())
    y = torch.from_numpy(np.asarray(labels, dtype=np.int64).copy())
    w = torch.from_numpy(np.asarray(weight, dtype=np.float32).copy())
    b = torch.zeros(len(w)) if bias is None else torch.from_numpy(np.asarray(bias, dtype=np.float32).copy())
    _require(z, y, w, b)
    examples = Examples.plain(z, y, _codes(groups, len(y)))
    if method == "auto":
        method = "ridge" if groups is not None else "afr"
    if method not in METHODS:
        raise InputError(f"method {method!r} is not one for arrays", f"use one of auto, {', '.join(METHODS)}")
    head = Head(w, b, bias is not None)
    known = examples.known() if method in GROUPED else examples
    task = Task(_plan(examples), known, head, 0, torch.empty(0, dtype=torch.int64), seed)
    return fit(method, task)[0].head


def _codes(groups: ArrayLike | Sequence[ArrayLike] | None, count: int) -> Tensor | None:
    """Return codes [N,G] int64 of any values, -1 unknown."""
    if groups is None:
        return None
    table = np.asarray(groups)
    table = table[:, None] if table.ndim == 1 else table
    if table.ndim != 2 or len(table) != count:
        raise InputError(f"groups have the shape {table.shape}", f"give codes [{count}] or [{count}, G]")
    columns = []
    for values in table.T:
        known = values == values
        if np.issubdtype(values.dtype, np.number):
            known &= values >= 0
        codes = np.full(count, -1, dtype=np.int64)
        codes[known] = np.unique(values[known], return_inverse=True)[1]
        columns.append(torch.from_numpy(codes))
    return torch.stack(columns, dim=1)


def _require(features: Tensor, labels: Tensor, weight: Tensor, bias: Tensor) -> None:
    """Raise InputError where the shapes do not fit or a label is not a class."""
    if features.ndim != 2 or weight.ndim != 2 or features.shape[1] != weight.shape[1]:
        shapes = f"features {tuple(features.shape)} and weight {tuple(weight.shape)}"
        raise InputError(f"{shapes} do not fit together", "give features [N,D] and weight [C,D]")
    if labels.shape != features.shape[:1] or bias.shape != weight.shape[:1] or not len(labels):
        shapes = f"labels {tuple(labels.shape)} and bias {tuple(bias.shape)}"
        raise InputError(f"{shapes} do not fit the features and the weight", "give labels [N] and bias [C]")
    if int(labels.min()) < 0 or int(labels.max()) >= len(weight):
        raise InputError("a label is not one of the classes", f"give labels from 0 to {len(weight) - 1}")


def _plan(examples: Examples) -> Plan:
    """Return a plan that fits and chooses on the same images and judges on none."""
    none = torch.empty(0, dtype=torch.int64)
    features = examples.sources[0][0]
    split = SplitFeatures(
        "all", features, examples.labels, torch.empty(0), torch.empty(0), torch.empty(0), [], none
    )
    parts = Division(None, "all", "all", none, none, none, none)
    return Plan(parts, examples, examples, examples, split, (), ())
