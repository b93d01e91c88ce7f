"""Find the failure modes of a split on cached features; no label of a cue, no image, no backbone."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import torch
from torch import Tensor

from ...results.failure_modes import ConfusedPair, FailureMode, WeightedNeuron
from ...tensors import Head, OnProgress, SplitFeatures, no_progress, part_of
from .carried import carried_by, concerned_classes, count_carried, histogram, of_classes, threshold_of
from .components import IMAGES, Components
from .crossfit import held_out_counts
from .directions import directions_of, sample_rows, scores, within_class
from .factorise import factorise
from .merge import Merged, merge
from .mistakes import Mistakes
from .projection import project_out
from .separate import separate
from .stability import COMES_BACK, stability
from .threads import one_thread

MODES = 8
NEURONS = 10
_SAMPLE = 4096


@dataclass(frozen=True)
class FailureModes:
    """The modes of a split, most mistakes first.

    Mode k has the unit direction `directions[k]` [D]; `scores(features, directions)` scores any image of
    any split, and `thresholds` [K] says from where on an image carries the mode. `members` [M] is the mode of
    each mistake `rows` [M] of the split; -1 where no neuron contributed.
    """

    modes: tuple[FailureMode, ...]
    directions: Tensor
    thresholds: Tensor
    rows: Tensor
    members: Tensor

    def rows_of(self, mode: int) -> Tensor:
        """Return the rows [m] of the split whose mistakes belong to mode `mode`."""
        return self.rows[self.members == mode]


@one_thread()
def find_failure_modes(
    data: SplitFeatures, head: Head, k: int = MODES, seed: int = 0, on_progress: OnProgress = no_progress
) -> FailureModes:
    """Return at most `k` failure modes of a split, with all evidence that cached features can give.

    Non-negative factors of what the neurons did for each mistake (`Mistakes.contributions`) become directions
    (`directions_of`); those that score the images alike are joined (`merge`). With M mistakes there are at
    most M/3 modes, none without mistakes or for `k` = 0.
    """
    parts = [part_of(on_progress, number, 5) for number in range(5)]
    mistakes = Mistakes.of(data, head, parts[0])
    if k < 1 or not len(mistakes.rows):
        empty = torch.zeros(0, head.neurons)
        return FailureModes((), empty, torch.zeros(0), mistakes.rows, torch.full_like(mistakes.rows, -1))
    factors = factorise(mistakes, mistakes.rows, k, seed, parts[1])
    found = directions_of(factors, mistakes, mistakes.rows)
    sample = sample_rows(data, _SAMPLE)
    centred = within_class(scores(data.features[sample], found), data.labels[sample])
    components = Components.of(mistakes, sample_rows(data, IMAGES), seed)
    merged = merge(found, factors.members, centred)
    for most in range(k, 0, -1):
        separated = separate(mistakes, components, merged)
        if len(separated.directions) <= k:
            merged = separated
            break
        merged = merge(found, factors.members, centred, most - 1)
    steady = stability(mistakes, merged, sample, k, seed, parts[2])
    return _with_evidence(mistakes, merged, steady, k, seed, parts[3], parts[4])


def _with_evidence(
    mistakes: Mistakes,
    merged: Merged,
    steady: Tensor,
    k: int,
    seed: int,
    scoring: OnProgress,
    projecting: OnProgress,
) -> FailureModes:
    """Describe merged directions, given how `steady` [K] they are."""
    data, rows = mistakes.data, mistakes.rows
    values = scores(data.features, merged.directions, scoring)
    owned = [rows[merged.members == mode] for mode in range(len(merged.directions))]
    classes = [concerned_classes(data.labels[own]) for own in owned]
    thresholds = [
        threshold_of(values[of_classes(data.labels, concerned), mode])
        for mode, concerned in enumerate(classes)
    ]
    counts = [
        count_carried(data, concerned, values[:, mode], thresholds[mode])
        for mode, concerned in enumerate(classes)
    ]
    carried = carried_by(counts, held_out_counts(mistakes, merged, classes, k, seed))
    modes = []
    for mode, (own, direction) in enumerate(zip(owned, merged.directions, strict=True)):
        projecting(mode, len(owned))
        inside = of_classes(data.labels, classes[mode])
        right = (inside & ~data.mistakes).nonzero().squeeze(1)
        described = FailureMode(
            id=mode,
            name=None,
            name_auroc=None,
            spurious=False,
            weak=float(steady[mode]) < COMES_BACK,
            mistakes=len(own),
            share=len(own) / len(rows),
            pairs=_pairs(data, own),
            neurons=_neurons(direction),
            carried=carried[mode],
            projected=project_out(mistakes, direction, own, right, seed),
            histogram=histogram(data, inside, values[:, mode], thresholds[mode]),
        )
        modes.append(described)
    return FailureModes(tuple(modes), merged.directions, torch.tensor(thresholds), rows, merged.members)


def _pairs(data: SplitFeatures, rows: Tensor) -> tuple[ConfusedPair, ...]:
    """Count the (label, prediction) pairs of mistakes, most frequent first, then by class."""
    pairs = Counter(zip(data.labels[rows].tolist(), data.predicted[rows].tolist(), strict=True))
    ordered = sorted(pairs.items(), key=lambda pair: (-pair[1], pair[0]))
    return tuple(ConfusedPair(label, predicted, count) for (label, predicted), count in ordered)


def _neurons(direction: Tensor) -> tuple[WeightedNeuron, ...]:
    """Return the neurons with the largest weights in a direction [D], by size."""
    order = direction.abs().argsort(descending=True, stable=True)[:NEURONS].tolist()
    return tuple(
        WeightedNeuron(neuron, float(direction[neuron])) for neuron in order if direction[neuron] != 0
    )
