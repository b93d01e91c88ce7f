"""What each neuron did for each mistake: the non-negative table that failure modes are factors of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from ...tensors import Head, OnProgress, SplitFeatures, no_progress

BLOCK_ELEMENTS = 1 << 22
_RESTING = 0.05
_RESTING_ROWS = 1024


def read_rows(features: Tensor, rows: Tensor | slice) -> Tensor:
    """Return the rows [n,D] as float32, what is not finite as zero; `features` stay as they are."""
    # Not in place: float32 rows of a slice are the features themselves, often of a file mapped into memory.
    return features[rows].float().nan_to_num(0.0, 0.0, 0.0)


@dataclass(frozen=True)
class Mistakes:
    """The mistakes of a split: `rows` [M] of `data`, by its own predictions.

    `means` [C,D] are the class means of its features (zero for a class without images), `resting` [D] the
    level of each neuron where it is at rest: its 5 % quantile, 0 for most neurons after a ReLU.
    """

    data: SplitFeatures
    head: Head
    rows: Tensor
    means: Tensor
    resting: Tensor

    @classmethod
    def of(cls, data: SplitFeatures, head: Head, on_progress: OnProgress = no_progress) -> Mistakes:
        """Collect the mistakes of a split, reading its features once."""
        means = class_means(data, head.classes, on_progress)
        spread = torch.linspace(0, max(0, len(data) - 1), min(len(data), _RESTING_ROWS)).round().long()
        sample = read_rows(data.features, spread)
        resting = torch.zeros(head.neurons)
        if len(sample):
            lowest = 1 + int(_RESTING * (len(sample) - 1))
            resting = sample.topk(lowest, dim=0, largest=False).values[-1]
        return cls(data, head, data.mistakes.nonzero().squeeze(1), means, resting)

    def pulls(self, rows: Tensor) -> Tensor:
        """Return g = W_c − W_y [n,D] for mistakes of class y predicted as c."""
        return self.head.weight[self.data.predicted[rows]] - self.head.weight[self.data.labels[rows]]

    def contributions(self, rows: Tensor) -> Tensor:
        """Return [n,2D] ≥ 0: what each neuron added to the lead of the wrong class.

        [(g∘(z − μ_y))⁺ ; (g∘(z − rest))⁺], each row divided by the root of its sum: a deficit or an excess
        against the image's own class, and what fires at all. Both parts stay the same if a constant is
        added to a neuron, so that features of any sign are taken alike.
        """
        features, pulls = read_rows(self.data.features, rows), self.pulls(rows)
        against_class = (pulls * (features - self.means[self.data.labels[rows]])).clamp_min_(0)
        fires = pulls.mul_(features.sub_(self.resting)).clamp_min_(0)
        # The root of the sum, not the sum: a mistake by a large lead weighs more than one by a hair, not in
        # proportion, or a few outliers would make up the factors.
        table = torch.cat([against_class, fires], dim=1)
        return table.div_(table.sum(dim=1, keepdim=True).sqrt_().clamp_min_(1e-12))

    def blocks(self, rows: Tensor) -> Iterator[Tensor]:
        """Yield `rows` in portions whose contributions fit into bounded memory."""
        yield from rows.split(max(1, BLOCK_ELEMENTS // self.head.neurons))


def class_means(data: SplitFeatures, classes: int, on_progress: OnProgress = no_progress) -> Tensor:
    """Return the mean features [C,D] float32 of each class, zero without images; read block by block."""
    sums = torch.zeros(classes, data.features.shape[1])
    block = max(1, BLOCK_ELEMENTS // data.features.shape[1])
    for start in range(0, len(data), block):
        on_progress(start, len(data))
        part = slice(start, start + block)
        sums.index_add_(0, data.labels[part], read_rows(data.features, part))
    return sums / torch.bincount(data.labels, minlength=classes).clamp_min(1)[:, None]
