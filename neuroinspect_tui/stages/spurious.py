"""How likely a neuron has learned a cue rather than a class, told from features alone.

A class neuron differs between classes and little within one. A cue neuron (a background, a watermark) varies
within every class, and the images on which it does are the ones that are mistaken. The score is the product
of both: the share of the neuron's variance that lies within classes, and how well its deviation from the
class mean tells the mistakes. It needs data in which the cue does not always go with the class.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from scipy.stats import rankdata
from torch import Tensor

from ..tensors import Head, SplitFeatures


@dataclass(frozen=True)
class Suspicion:
    """`score` 0…1 of a neuron, its factors `within` and `telling`; it `speaks_for` a class."""

    neuron: int
    score: float
    within: float
    telling: float
    speaks_for: int

    def reason(self, names: Sequence[str]) -> str:
        """Say in one line what the score rests on."""
        return (
            f"{100 * self.within:.0f} % of its variation is within classes; "
            f"it tells {100 * self.telling:.0f} % of the mistakes around “{names[self.speaks_for]}”"
        )


def suspect(data: SplitFeatures, head: Head, neurons: Sequence[int]) -> list[Suspicion]:
    """Return the suspicion of each of `neurons`, in their order."""
    activation = data.features[:, torch.tensor(neurons, dtype=torch.int64)].float()
    speaks_for = head.weight[:, list(neurons)].argmax(dim=0).tolist()
    deviation, within = _deviation(activation, data.labels, head.classes)
    found = []
    for place, (neuron, target) in enumerate(zip(neurons, speaks_for, strict=True)):
        telling = _telling(data, activation[:, place], deviation[:, place], target)
        found.append(Suspicion(neuron, telling * float(within[place]), float(within[place]), telling, target))
    return found


def _deviation(activation: Tensor, labels: Tensor, classes: int) -> tuple[Tensor, Tensor]:
    """Return activations [N,K] less class means, and the share of variance [K] within classes, 1 − η²."""
    count = torch.bincount(labels, minlength=classes).clamp_min(1)[:, None]
    means = torch.zeros(classes, activation.shape[1]).index_add_(0, labels, activation) / count
    deviation = activation - means[labels]
    total = (activation - activation.mean(dim=0)).square().sum(dim=0)
    return deviation, deviation.square().sum(dim=0) / total.clamp_min(1e-12)


def _telling(data: SplitFeatures, activation: Tensor, deviation: Tensor, target: int) -> float:
    """Return the mean AUROC by which the neuron tells both kinds of mistakes around the class it speaks for.

    Other classes' images that are taken for it should have more of the neuron than their class has, its own
    images that are missed less than the others of it.
    """
    taken = (data.predicted == target) & data.mistakes
    own = data.labels == target
    return (_auroc(deviation, taken) + _auroc(-activation[own], data.mistakes[own])) / 2


def _auroc(values: Tensor, positive: Tensor) -> float:
    """Return the share of (positive, negative) pairs that `values` rank rightly; ½ where there are none."""
    count = int(positive.sum())
    others = len(positive) - count
    if count == 0 or others == 0:
        return 0.5
    ranks = torch.from_numpy(rankdata(values.numpy()))
    return float((ranks[positive].sum() - count * (count + 1) / 2) / (count * others))
