"""Who carries a mode, by images that did not make it: each half is scored by the other half's directions."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from .carried import Counts, of_classes, threshold_of
from .factorise import draw_rows
from .merge import Merged
from .mistakes import Mistakes, read_rows
from .refit import found_again

MOST = 4096
"""Mistakes, and right answers, that are scored at most."""

_HALVES = 0x5EED


def held_out_counts(
    mistakes: Mistakes, found: Merged, classes: Sequence[Tensor], k: int, seed: int
) -> list[Counts]:
    """Count, for each mode that was `found` and its `classes`, what `count_carried` does, by cross-fitting.

    The images are halved at random. A half is scored by that direction of the other half (`found_again`)
    which agrees most with the mode on the other half, and parted by its own threshold.
    """
    data, generator = mistakes.data, torch.Generator().manual_seed(_HALVES + seed)
    right = draw_rows((~data.mistakes).nonzero().squeeze(1), MOST, seed)
    rows = torch.cat([draw_rows(mistakes.rows, MOST, seed), right])
    first = torch.rand(len(data), generator=generator) < 0.5
    features, labels, wrong = read_rows(data.features, rows), data.labels[rows], data.mistakes[rows]
    above = torch.zeros(len(rows), len(found.directions), dtype=torch.bool)
    for half in (first, ~first):
        seen = half[rows]
        part = torch.cat([mistakes.rows[half[mistakes.rows]], right[half[right]]])
        again, _ = found_again(mistakes, found, part, features[seen], labels[seen], k, seed)
        values = features @ again.T
        for mode, concerned in enumerate(classes):
            tested = ~half[rows] & of_classes(labels, concerned)
            above[tested, mode] = values[tested, mode] > threshold_of(values[tested, mode])
    return [
        _count(above[:, mode], of_classes(labels, concerned), wrong) for mode, concerned in enumerate(classes)
    ]


def _count(above: Tensor, inside: Tensor, wrong: Tensor) -> Counts:
    mistakes, right = inside & wrong, inside & ~wrong
    return (
        (int((mistakes & above).sum()), int(mistakes.sum())),
        (int((right & above).sum()), int(right.sum())),
    )
