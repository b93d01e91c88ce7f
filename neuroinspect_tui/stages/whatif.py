"""What if these neurons were off: the effect on every image, from cached features (docs/method.md, What if).

Scaling the neurons S by s changes the logits by z_S (s - 1) W_S^T: the model's own five largest logits
are known, so their new values are too. Any other class starts at most at the fifth logit and rises at most
by Σ_S max_c z_n (s - 1) W_cn; only the images in which that could overtake the five are computed in full.
The result is exact: the argmax of the model's own logits plus the change (computed from the stored
features, which are rounded to half precision). Nothing of size N x C is made or kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ..results import ClassRef, WhatIf
from ..tensors import Head, SplitFeatures
from .metrics import fixed_and_broken, head_metrics

BLOCK_ELEMENTS = 1 << 22


@dataclass(frozen=True)
class Edit:
    """Add `weight` [A,K] to the decision layer at `classes` [A] (one, or all) and `neurons` [K]."""

    classes: Tensor
    neurons: Tensor
    weight: Tensor

    @classmethod
    def scaling(
        cls, head: Head, neurons: Sequence[int], scale: float, target: int | None, raised: Sequence[int] = ()
    ) -> Edit:
        """Scale `neurons` by `scale`, those in `raised` by 2 − `scale`, for class `target` or all (None)."""
        classes = torch.arange(head.classes) if target is None else torch.tensor([target])
        chosen = torch.tensor(sorted(set(neurons)), dtype=torch.int64)
        change = torch.full((len(chosen),), scale - 1.0)
        change[torch.isin(chosen, torch.tensor(raised, dtype=torch.int64))] *= -1.0
        return cls(classes, chosen, change * head.weight[classes][:, chosen])


def what_if(
    data: SplitFeatures,
    head: Head,
    names: Sequence[str],
    target: int,
    neurons: Sequence[int],
    scale: float = 0.0,
    everywhere: bool = False,
    raised: Sequence[int] = (),
) -> WhatIf:
    """Scale `neurons` (0: switch them off) for class `target`, or with `everywhere` for all classes.

    Neurons that are too weak, `raised`, are scaled by 2 − `scale` instead. The numbers before and after are
    those of `target` in both cases. Raises InputError for a neuron that the decision layer does not have.
    """
    head.require(neurons)
    edit = Edit.scaling(head, neurons, scale, None if everywhere else target, raised)
    after = predict_edited(data, head, edit)
    fixed, broken = fixed_and_broken(data.labels, data.predicted, after)
    return WhatIf(
        target=None if everywhere else ClassRef(target, names[target]),
        neurons=tuple(edit.neurons.tolist()),
        scale=scale,
        before=head_metrics(data, data.predicted, target, names),
        after=head_metrics(data, after, target, names),
        fixed=fixed,
        broken=broken,
        raised=tuple(sorted(set(raised) & set(neurons))),
    )


def predict_edited(data: SplitFeatures, head: Head, edit: Edit) -> Tensor:
    """Return the predictions [N] int64 after `edit`, computing in full only the images that it can turn."""
    top, ceiling = data.top_logits.clone(), data.top_logits[:, -1].clone()
    change = torch.zeros_like(head.weight[:, edit.neurons]).index_copy(0, edit.classes, edit.weight)
    for neuron, column in zip(edit.neurons.tolist(), change.T.contiguous(), strict=True):
        z = data.features[:, neuron].float()
        top += z[:, None] * column[data.top_classes]
        # Either end of the column can be the larger product: features of a GELU network may be negative.
        ceiling += torch.maximum(z * column.max(), z * column.min())
    # The five have the model's own logits, not ones made anew from rounded features: without a change the
    # prediction stays the model's.
    best, place = top.max(dim=1)
    predicted = data.top_classes.gather(1, place[:, None]).squeeze(1)
    if data.top_classes.shape[1] < head.classes:
        doubtful = (ceiling > best).nonzero().squeeze(1)
        for rows in doubtful.split(max(1, BLOCK_ELEMENTS // max(len(edit.classes), head.neurons))):
            _overtake(data, head, edit, rows, best, predicted)
    return predicted


def _overtake(
    data: SplitFeatures, head: Head, edit: Edit, rows: Tensor, best: Tensor, predicted: Tensor
) -> None:
    """Correct `predicted` [N] where, among `rows`, an edited class rises above `best` [N].

    A class outside the five largest had at most the fifth logit, whatever rounding says; with that ceiling
    none of the five can pass its own new logit, so they need no exception.
    """
    fifth = data.top_logits[rows, -1:]
    change = data.features[rows[:, None], edit.neurons].float() @ edit.weight.T
    open_ = (fifth + change).amax(dim=1) > best[rows]
    rows, fifth, change = rows[open_], fifth[open_], change[open_]
    weight, bias = head.weight[edit.classes], head.bias[edit.classes]
    logits = torch.addmm(bias, data.features[rows].float(), weight.T)
    logit, winner = (logits.minimum(fifth) + change).max(dim=1)
    predicted[rows] = torch.where(logit > best[rows], edit.classes[winner], predicted[rows])
