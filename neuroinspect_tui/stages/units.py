"""A unit is what a picture can be made of: a neuron, or a direction in feature space, as a failure mode has.

Units are numbered: 0…D−1 are the neurons, D…D+K−1 the directions. `UnitClassifier` answers like a classifier,
with the directions' activations behind the neurons': whatever works for a neuron works for a direction.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

import torch
from torch import Tensor

from ..errors import InputError
from ..models.classifier import Activations, Classifier
from ..tensors import Head, OnProgress, SplitFeatures, no_progress
from .neuron_statistics import NeuronStatistics

_SAMPLE = 65_536
_HIGH = 0.999
_BLOCK_ROWS = 4096


class Network(Protocol):
    """What illusions need of a classifier."""

    @property
    def device(self) -> torch.device:
        """Where it runs."""
        ...

    @property
    def dtype(self) -> torch.dtype:
        """The precision that it runs in."""
        ...

    def forward(self, images: Tensor) -> Activations:
        """Return the activations of normalised images [B,3,H,W]."""
        ...

    def maps_and_activations(self, images: Tensor, neurons: Tensor) -> tuple[Tensor, Activations]:
        """Return the maps [B,K,h,w] of units, [K] or each image's own [B,K], and the activations."""
        ...


@dataclass(frozen=True)
class Units:
    """D neurons and K `directions` [K,D].

    A direction's activation is z·d less `offset` [K], the median of the data: above it, it
    fires, whatever the sign of its weights.
    """

    directions: Tensor
    offset: Tensor

    @classmethod
    def of(cls, directions: Tensor, data: SplitFeatures, on_progress: OnProgress = no_progress) -> Units:
        """Measure the offsets on a split, on at most 65 536 images spread over it."""
        rows = torch.linspace(0, max(0, len(data) - 1), min(len(data), _SAMPLE)).round().long()
        scores = torch.empty(len(rows), len(directions))
        for start in range(0, len(rows), _BLOCK_ROWS):
            on_progress(start, len(rows))
            part = data.features[rows[start : start + _BLOCK_ROWS]].float()
            scores[start : start + len(part)] = part @ directions.T
        return cls(directions, scores.median(dim=0).values if len(rows) else torch.zeros(len(directions)))

    @classmethod
    def none(cls, neurons: int) -> Units:
        """Return `neurons` neurons and no direction."""
        return cls(torch.zeros(0, neurons), torch.zeros(0))

    @property
    def neurons(self) -> int:
        """D, the number of the first direction."""
        return self.directions.shape[1]

    def number_of(self, direction: Tensor) -> int:
        """Return the number of the unit with this direction [D]; raises InputError where there is none."""
        same = (self.directions == direction).all(dim=1).nonzero().squeeze(1).tolist()
        if not same:
            raise InputError("the failure mode is not one of this session", "take one of failure_modes()")
        return self.neurons + int(same[0])

    def activations(self, features: Tensor) -> Tensor:
        """Return [N,D+K] for features [N,D], with their graph if they have one."""
        if not len(self.directions):
            return features
        parts = self.directions, self.offset
        directions, offset = (part.to(features.device, features.dtype) for part in parts)
        return torch.cat([features, features @ directions.T - offset], dim=1)

    def activation(self, features: Tensor, unit: int) -> Tensor:
        """Return what one unit is on features [N,D] of any float type, [N] float32."""
        if unit < self.neurons:
            return features[:, unit].float()
        found = torch.empty(len(features))
        direction, offset = self.directions[unit - self.neurons], self.offset[unit - self.neurons]
        for start in range(0, len(features), _BLOCK_ROWS):
            part = features[start : start + _BLOCK_ROWS].float()
            found[start : start + len(part)] = part @ direction - offset
        return found

    def weight(self, head: Head, unit: int) -> Tensor:
        """Return what one unit of activation adds to each class's logit, [C]."""
        if unit < self.neurons:
            return head.weight[:, unit]
        direction = self.directions[unit - self.neurons]
        return head.weight @ direction / direction.square().sum().clamp_min(1e-12)

    def statistics(self, neurons: NeuronStatistics, data: SplitFeatures) -> NeuronStatistics:
        """Return the neurons' statistics with the 99.9 % quantiles of the directions behind them, [D+K]."""
        if not len(self.directions):
            return neurons
        columns = [self.activation(data.features, self.neurons + k) for k in range(len(self.directions))]
        high = [torch.as_tensor(_quantile(column)) for column in columns]
        return NeuronStatistics(torch.cat([neurons.q999, torch.stack(high)]), neurons.basis)


def _quantile(values: Tensor) -> float:
    """Return the 99.9 % quantile of values [N], linear between ranks; 0 of none."""
    if not len(values):
        return 0.0
    position = _HIGH * (len(values) - 1)
    top = values.topk(min(len(values), len(values) - int(position) + 1)).values
    below = top[len(values) - 1 - int(position)]
    above = top[max(0, len(values) - 2 - int(position))]
    return float(torch.lerp(below, above, position - int(position)))


@dataclass(frozen=True, eq=False)
class UnitClassifier:
    """A classifier whose features are the activations of all units, [B,D+K]."""

    classifier: Classifier
    units: Units

    @property
    def device(self) -> torch.device:
        """Where it runs."""
        return self.classifier.device

    @property
    def dtype(self) -> torch.dtype:
        """The precision that it runs in."""
        return self.classifier.dtype

    def forward(self, images: Tensor) -> Activations:
        """Return the units' activations and drives of normalised images [B,3,H,W], and the logits."""
        return self._with_directions(self.classifier.forward(images))

    def maps_and_activations(self, images: Tensor, neurons: Tensor) -> tuple[Tensor, Activations]:
        """Return the maps [B,K,h,w] float32 of units, [K] or each image's own [B,K], and the rest."""
        own = neurons.to(self.device).expand(len(images), -1)
        count = self.units.neurons
        maps, found = self.classifier.maps_and_activations(images, own.clamp(max=count - 1))
        for row, column in (own >= count).nonzero().tolist():
            direction = self.units.directions[int(own[row, column]) - count][None]
            maps[row, column] = self.classifier.direction_maps(images[row : row + 1], direction)[0][0, 0]
        return maps, self._with_directions(found)

    def differentiable(self, dtype: torch.dtype) -> UnitClassifier:
        """Return a frozen copy for gradients to the input, run in `dtype`."""
        return replace(self, classifier=replace(self.classifier.differentiable(), dtype=dtype))

    def _with_directions(self, found: Activations) -> Activations:
        if not len(self.units.directions):
            return found
        return replace(
            found,
            features=self.units.activations(found.features),
            drive=self.units.activations(found.drive),
        )
