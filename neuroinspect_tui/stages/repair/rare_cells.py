"""The choice among heads where unseen images of some (class, cue) are too rare to count.

With three unseen images of a cell its accuracy is 0, ⅓, ⅔ or 1. Two things help: margins say more than right
and wrong, and an image without the cue can be moved across it, to where an image of the rare cell would be.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ...tensors import Head
from .candidates import Candidate
from .examples import Examples
from .plan import Plan

RARE = 30
SHRINKAGE = 20.0
SEEN, UNSEEN = 1.0, 3.0
MOST = 10.0
"""How many unseen images the flipped copies of a cell count as, and the trained ones, at most."""


def has_rare_cells(plan: Plan) -> bool:
    """Return whether a (class, value) that is fitted on has fewer than 30 unseen images, in some column.

    Only of columns of two values: the flipped copies need that.
    """
    classes = int(plan.fit.labels.max()) + 1
    unseen = _unseen(plan)
    rare = False
    for seen, other in zip(plan.fit.codes.T, unseen.codes.T, strict=True):
        if len(seen[seen >= 0].unique()) != 2:
            return False
        present, count = _cells(plan.fit.labels, seen, classes), _cells(unseen.labels, other, classes)
        rare |= bool((count[: len(present)][present > 0] < RARE).any())
    return rare


def choose_by_margins(
    plan: Plan, head: Head, candidates: Sequence[Candidate]
) -> tuple[Candidate, list[float]]:
    """Return the candidate of the highest score, or the old head where none exceeds its own; and all scores.

    The smoothed correctness of an image under a head is s = Φ(2 m / σ), m the margin of the right class and
    σ its deviation over the unseen images. The score is the lowest mean of s over the cells. In it unseen
    images count 1 each; their flipped copies z + (1 − 2a) d_y, a the value of the cue and d_y its shift
    within the class, count at most ten images a cell, and so do those of `train`, which the classifier has
    seen. Of several columns the cells of each count, and images are flipped across each. Where no value is
    known the cells are the classes, and the copies stay where they are.
    """
    unseen = _unseen(plan)
    features, labels = unseen.take(torch.arange(len(unseen))), unseen.labels
    flips = [_Flips.of(plan, unseen, features, column) for column in range(unseen.codes.shape[1])]
    seen = plan.fit.subset((plan.fit.parts() == 0).nonzero()[:, 0]) if plan.division.train else None
    classes = int(max(labels.max(), plan.fit.labels.max())) + 1

    def score(one: Head) -> float:
        own = _margins(one.logits(features), labels)
        scale = float(own.std()) / 2.0 or 1.0
        trained = None if seen is None else _margins(seen.logits(one), seen.labels)
        worst = []
        for column, flip in enumerate(flips):
            total = _totals(own, labels, _values(unseen, column), scale, classes)
            copies = _margins(one.logits(flip.features), flip.labels)
            total += _totals(copies, flip.labels, flip.codes, scale, classes, MOST)
            if seen is not None and trained is not None:
                total += _totals(trained, seen.labels, _values(seen, column), scale, classes, MOST)
            worst.append(float((total[0] / total[1])[total[1] > 0].min()))
        return min(worst)

    scores = [score(one.head) for one in candidates]
    best = max(range(len(scores)), key=lambda index: (scores[index], -index))
    if scores[best] <= score(head):
        return Candidate(head, {"kept": "untouched"}), scores
    return candidates[best], scores


@dataclass(frozen=True)
class _Flips:
    """Copies [K,D] of the unseen images of known value, moved to where they would be with the other value.

    `labels` [K] are those of the images, `codes` [K] the other values.
    """

    features: Tensor
    labels: Tensor
    codes: Tensor

    @classmethod
    def of(cls, plan: Plan, unseen: Examples, features: Tensor, column: int) -> _Flips:
        codes = _values(unseen, column)
        known = codes >= 0
        labels, codes = unseen.labels[known], codes[known]
        shifts = _shifts(plan, unseen, int(unseen.labels.max()) + 1, column)
        return cls(features[known] + (1 - 2 * codes).float()[:, None] * shifts[labels], labels, 1 - codes)


def _unseen(plan: Plan) -> Examples:
    return Examples.join([plan.unseen, plan.choose])


def _values(examples: Examples, column: int) -> Tensor:
    """Return the codes [N] of a column; one value for all images where none is known."""
    codes = examples.codes[:, column]
    return codes if bool((codes >= 0).any()) else torch.zeros_like(codes)


def _cells(labels: Tensor, codes: Tensor, classes: int) -> Tensor:
    """Return the images of known value in each (class, value), counted by class × 2 + value."""
    return torch.bincount((labels * 2 + codes)[codes >= 0], minlength=2 * classes)


def _margins(logits: Tensor, labels: Tensor) -> Tensor:
    """Return the right class's logit less the best other, [N]."""
    own = logits.gather(1, labels[:, None])[:, 0]
    others = logits.scatter(1, labels[:, None], -torch.inf)
    return own - others.amax(dim=1)


def _totals(
    margins: Tensor, labels: Tensor, codes: Tensor, scale: float, classes: int, most: float = math.inf
) -> Tensor:
    """Return Σ w s and Σ w of each (class, value), [2,2C]; w is such that no cell has more than `most`."""
    known = codes >= 0
    cell = (labels * 2 + codes)[known]
    smooth = torch.special.ndtr(margins[known] / scale)
    count = torch.bincount(cell, minlength=2 * classes).float()
    weight = count.clamp(max=most) / count.clamp(min=1.0)
    return weight * torch.stack([torch.zeros(2 * classes).index_add_(0, cell, smooth), count])


def _shifts(plan: Plan, unseen: Examples, classes: int, column: int = 0) -> Tensor:
    """Return d_y [C,D], the mean with the second value less the mean with the first, within each class.

    Images of `train` weigh 1, unseen ones 3. A class's own shift is shrunk to the shift pooled over classes
    as if that rested on 20 images.
    """
    sums, weights = torch.zeros(classes * 2, unseen.neurons), torch.zeros(classes * 2)
    parts = [(unseen, UNSEEN)]
    if plan.division.train is not None:
        parts.append((plan.fit, SEEN))
    for examples, weight in parts:
        codes = examples.codes[:, column]
        for where, features in examples.blocks():
            known = (codes[where] >= 0) & (examples.labels[where] < classes)
            cell = (examples.labels[where] * 2 + codes[where])[known]
            sums.index_add_(0, cell, features[known], alpha=weight)
            weights.index_add_(0, cell, torch.full((len(cell),), weight))
    means = (sums / weights.clamp(min=1e-9)[:, None]).view(classes, 2, -1)
    fewest = weights.view(classes, 2).amin(dim=1)
    own = (means[:, 1] - means[:, 0]) * (fewest > 0)[:, None]
    pooled = (own * fewest[:, None]).sum(dim=0) / fewest.sum().clamp(min=1e-9)
    share = (fewest / (fewest + SHRINKAGE))[:, None]
    return share * own + (1 - share) * pooled
