"""What the data say of the neurons, for every illusion to be measured by."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ..tensors import OnProgress, SplitFeatures, no_progress
from .fourier import FourierBasis

_BLOCK_ROWS = 4096
_SMALLEST = 0.02


@dataclass(frozen=True)
class NeuronStatistics:
    """The neurons' 99.9 % quantiles `q999` [D], and the `basis` measured on the user's images if it was."""

    q999: Tensor
    basis: FourierBasis | None = None

    def scale(self) -> Tensor:
        """Return q [D] to divide activations by: at least a fiftieth of the median of those that fire."""
        firing = self.q999[self.q999 > 0]
        typical = float(firing.median()) if len(firing) else 1.0
        return self.q999.clamp_min(_SMALLEST * typical)


def neuron_statistics(
    features: SplitFeatures, basis: FourierBasis | None = None, on_progress: OnProgress = no_progress
) -> NeuronStatistics:
    """Return the exact 99.9 % quantiles (linear between ranks), reading the features once, block by block."""
    count = len(features)
    position = 0.999 * (count - 1)
    kept = count - int(position)
    top = torch.empty(0, features.features.shape[1])
    for start in range(0, count, _BLOCK_ROWS):
        on_progress(start, count)
        block = torch.cat([top, features.features[start : start + _BLOCK_ROWS].float()])
        top = block.topk(min(kept, len(block)), dim=0).values
    q999 = torch.lerp(top[kept - 1], top[max(kept - 2, 0)], position - int(position))
    return NeuronStatistics(q999, basis)
