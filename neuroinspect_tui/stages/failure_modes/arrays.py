"""Failure modes of plain arrays, for those who have features and a decision layer and no session."""

from __future__ import annotations

import torch
from numpy.typing import ArrayLike
from torch import Tensor

from ...errors import InputError
from ...tensors import Head, OnProgress, SplitFeatures, no_progress
from ..metrics import BLOCK_ELEMENTS
from .discover import MODES, FailureModes, find_failure_modes


def failure_modes(
    features: Tensor | ArrayLike,
    labels: Tensor | ArrayLike,
    weight: Tensor | ArrayLike,
    bias: Tensor | ArrayLike | None = None,
    k: int = MODES,
    seed: int = 0,
    on_progress: OnProgress = no_progress,
) -> FailureModes:
    """Return the failure modes of features [N,D] with labels [N] under the layer weight [C,D], bias [C].

    Takes tensors or anything that NumPy makes an array of; predictions are the layer's own. Raises InputError
    for shapes that do not fit and labels that are not 0…C−1.
    """
    head = Head(_floats(weight), _floats(bias) if bias is not None else torch.zeros(len(_floats(weight))))
    return find_failure_modes(split_of(features, labels, head), head, k, seed, on_progress)


def split_of(
    features: Tensor | ArrayLike, labels: Tensor | ArrayLike, head: Head, split: str = "val"
) -> SplitFeatures:
    """Return arrays as the features of a split, with the predictions of `head`; paths are row numbers."""
    values, classes = torch.as_tensor(features), torch.as_tensor(labels).long()
    if values.dim() != 2 or head.weight.dim() != 2 or values.shape[1] != head.neurons:
        raise InputError(
            f"features {list(values.shape)} do not fit the weight {list(head.weight.shape)}",
            "give features [N,D] and weight [C,D] with the same D",
        )
    if classes.shape != (len(values),) or head.bias.shape != (head.classes,):
        raise InputError(
            f"labels {list(classes.shape)} or bias {list(head.bias.shape)} do not fit", "give [N] and [C]"
        )
    if len(classes) and not 0 <= int(classes.min()) <= int(classes.max()) < head.classes:
        raise InputError("a label is not a class of the layer", f"give labels from 0 to {head.classes - 1}")
    values = values if values.is_floating_point() else values.float()
    top, classes_of, confidence = [], [], []
    for part in values.split(max(1, BLOCK_ELEMENTS // max(head.classes, head.neurons))):
        logits = head.logits(part)
        largest = logits.topk(min(5, head.classes), dim=1)
        top.append(largest.values)
        classes_of.append(largest.indices)
        confidence.append((largest.values[:, 0] - logits.logsumexp(dim=1)).exp())
    shape = min(5, head.classes)
    return SplitFeatures(
        split=split,
        features=values,
        labels=classes,
        top_logits=torch.cat(top) if top else torch.zeros(0, shape),
        top_classes=torch.cat(classes_of) if classes_of else torch.zeros(0, shape, dtype=torch.int64),
        confidence=torch.cat(confidence) if confidence else torch.zeros(0),
        paths=[str(row) for row in range(len(values))],
        rows=torch.arange(len(values)),
    )


def _floats(values: Tensor | ArrayLike) -> Tensor:
    return torch.as_tensor(values).float()
