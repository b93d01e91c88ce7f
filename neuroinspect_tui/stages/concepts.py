"""A name for a neuron: what CLIP sees where it fires and does not see where it is silent."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ..results import Concept

PERMUTATIONS = 200
CLEAR = 0.95
"""A name is clear above this quantile of the best names that shuffled crops get."""


@dataclass(frozen=True)
class Vocabulary:
    """Candidate names with their unit text embeddings [T,E]."""

    labels: tuple[str, ...]
    texts: Tensor


def name_neuron(
    neuron: int, firing: Tensor, silent: Tensor, vocabulary: Vocabulary, seed: int = 0
) -> Concept:
    """Name a neuron from unit CLIP embeddings of the crops on which it fires [P,E] and is silent [S,E].

    Each label's statistic is the difference of its mean cosines over their pooled deviation (Cohen's d); the
    score of the best label is the share of (firing, silent) pairs that its cosine ranks rightly, 0.5…1. There
    is no clear concept where the best label of shuffled crops reaches as much in more than 5 % of 200 draws.
    """
    if len(firing) < 2 or len(silent) < 2:
        return Concept(neuron, None, None)
    cosines = torch.cat([firing, silent]).float() @ vocabulary.texts.float().T
    effect = _effects(cosines, torch.arange(len(cosines))[None] < len(firing))[0]
    best = int(effect.argmax())
    score = _ranked_rightly(cosines[: len(firing), best], cosines[len(firing) :, best])
    if float(effect[best]) <= _chance(cosines, len(firing), seed):
        return Concept(neuron, None, score)
    return Concept(neuron, vocabulary.labels[best], score)


def _effects(cosines: Tensor, chosen: Tensor) -> Tensor:
    """Return Cohen's d [K,T] of every label for K ways to choose [K,N] the firing crops among N."""
    inside, outside = chosen.float(), (~chosen).float()
    counts = inside.sum(1, keepdim=True), outside.sum(1, keepdim=True)
    means = (inside @ cosines) / counts[0], (outside @ cosines) / counts[1]
    squares = (inside @ cosines.square()) + (outside @ cosines.square())
    spread = squares - counts[0] * means[0].square() - counts[1] * means[1].square()
    deviation = (spread.clamp_min(0) / (counts[0] + counts[1] - 2)).sqrt()
    return (means[0] - means[1]) / deviation.clamp_min(1e-6)


def _chance(cosines: Tensor, firing: int, seed: int) -> float:
    """Return what the best label reaches by chance: a quantile over shuffled crops."""
    generator = torch.Generator().manual_seed(seed)
    order = torch.rand(PERMUTATIONS, len(cosines), generator=generator).argsort(dim=1)
    best = _effects(cosines, order < firing).max(dim=1).values
    return float(best.quantile(CLEAR))


def _ranked_rightly(firing: Tensor, silent: Tensor) -> float:
    """Return the share of pairs in which the firing crop has the larger cosine; ties count half."""
    difference = firing[:, None] - silent[None]
    return float(((difference > 0).float() + 0.5 * (difference == 0).float()).mean())


def neuron_directions(features: Tensor, embeddings: Tensor, count: int = 8) -> Tensor:
    """Return [D,E]: for each neuron the mean embedding of the `count` images on which it fires most, centred.

    `features` [N,D] and unit `embeddings` [N,E] of the same images.
    """
    best = features.float().topk(min(count, len(features)), dim=0).indices
    return embeddings[best].float().mean(dim=0) - embeddings.float().mean(dim=0)


def search_neurons(query: Tensor, directions: Tensor) -> list[tuple[int, float]]:
    """Return (neuron, cosine of a text embedding [E] to its direction), best first."""
    cosines = torch.nn.functional.normalize(directions, dim=1) @ torch.nn.functional.normalize(query, dim=0)
    order = cosines.argsort(descending=True, stable=True)
    return list(zip(order.tolist(), cosines[order].tolist(), strict=True))


def read_vocabulary(text: str) -> tuple[str, ...]:
    """Return the names in `text`, one a line; empty lines and those that begin with # are passed over."""
    lines = (line.strip() for line in text.splitlines())
    return tuple(dict.fromkeys(line for line in lines if line and not line.startswith("#")))


def spread_rows(activation: Tensor, count: int) -> tuple[list[int], list[int]]:
    """Return the `count` rows of largest activation [N], and as many silent ones spread over the split.

    Silent are rows in the lower half of the activations, evenly spaced in the data's order.
    """
    order = activation.float().argsort(descending=True, stable=True)
    firing = order[:count]
    lower = order[len(order) - len(order) // 2 :].sort().values
    lower = lower[~torch.isin(lower, firing)]
    places = torch.linspace(0, max(0, len(lower) - 1), min(count, len(lower))).round().long()
    return firing.tolist(), lower[places].tolist()
