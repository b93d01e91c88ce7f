"""The choice among heads where unseen images of some (class, cue) are too rare to count.

With three unseen images of a cell its accuracy is 0, ⅓, ⅔ or 1. Two things help: margins say more than right
and wrong, and an image without the cue can be moved across it, to where an image of the rare cell would be.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ...tensors import Head
from .candidates import Candidate
from .examples import Examples
from .plan import Plan

RARE = 10
SHRINKAGE = 20.0
SEEN, UNSEEN = 1.0, 3.0


def has_rare_cells(plan: Plan) -> bool:
    """Return whether a (class, value) that is fitted on has fewer than 10 unseen images.

    Only of one column of two values: the flipped copies need that.
    """
    if plan.fit.codes.shape[1] != 1 or len(plan.fit.codes[plan.fit.codes >= 0].unique()) != 2:
        return False
    classes = int(plan.fit.labels.max()) + 1
    present, unseen = _cells(plan.fit, classes), _cells(_unseen(plan), classes)
    return bool((unseen[: len(present)][present > 0] < RARE).any())


def choose_by_margins(
    plan: Plan, head: Head, candidates: Sequence[Candidate]
) -> tuple[Candidate, list[float]]:
    """Return the candidate of the highest score, or the old head where none exceeds its own; and all scores.

    The smoothed correctness of an image under a head is s = Φ(2 m / σ), m the margin of the right class and σ
    its deviation over the unseen images. The score is the sum of two worst cells of mean s: on the images of
    `train`, which are many but were trained on, and on the unseen ones with their flipped copies
    z + (1 − 2a) d_y, a the value of the cue and d_y its shift within the class. Where no value is known the
    cells are the classes, and the copies stay where they are.
    """
    unseen = _unseen(plan)
    features = unseen.take(torch.arange(len(unseen)))
    labels, codes = unseen.labels, _values(unseen)
    known = codes >= 0
    shifts = _shifts(plan, unseen, int(labels.max()) + 1)
    side = (1 - 2 * codes[known]).float()[:, None]
    flipped = features[known] + side * shifts[labels[known]]
    both = torch.cat([labels[known], labels[known]]), torch.cat([codes[known], 1 - codes[known]])
    trained = plan.fit if plan.division.train is not None else unseen

    def score(one: Head) -> float:
        own = _margins(one.logits(features), labels)
        scale = float(own.std()) / 2.0 or 1.0
        moved = _margins(one.logits(flipped), labels[known])
        seen = _margins(trained.logits(one), trained.labels)
        first = _worst_mean(seen, trained.labels, _values(trained), scale)
        return first + _worst_mean(torch.cat([own[known], moved]), *both, scale)

    scores = [score(one.head) for one in candidates]
    best = max(range(len(scores)), key=lambda index: (scores[index], -index))
    if scores[best] <= score(head):
        return Candidate(head, {"kept": "untouched"}), scores
    return candidates[best], scores


def _unseen(plan: Plan) -> Examples:
    return Examples.join([plan.unseen, plan.choose])


def _values(examples: Examples) -> Tensor:
    """Return the codes [N] of the one column; one value for all images where none is known."""
    codes = examples.codes[:, 0]
    return codes if bool((codes >= 0).any()) else torch.zeros_like(codes)


def _cells(examples: Examples, classes: int) -> Tensor:
    """Return the images of known value in each (class, value), counted by class × 2 + value."""
    codes = examples.codes[:, 0]
    cell = (examples.labels * 2 + codes)[codes >= 0]
    return torch.bincount(cell, minlength=2 * classes)


def _margins(logits: Tensor, labels: Tensor) -> Tensor:
    """Return the right class's logit less the best other, [N]."""
    own = logits.gather(1, labels[:, None])[:, 0]
    others = logits.scatter(1, labels[:, None], -torch.inf)
    return own - others.amax(dim=1)


def _worst_mean(margins: Tensor, labels: Tensor, codes: Tensor, scale: float) -> float:
    """Return the lowest mean smoothed correctness of a (class, value) of known value."""
    known = codes >= 0
    cell = (labels * 2 + codes)[known]
    smooth = torch.special.ndtr(margins[known] / scale)
    count = torch.bincount(cell)
    total = torch.zeros(len(count)).index_add_(0, cell, smooth)
    return float((total[count > 0] / count[count > 0]).min())


def _shifts(plan: Plan, unseen: Examples, classes: int) -> Tensor:
    """Return d_y [C,D], the mean with the second value less the mean with the first, within each class.

    Images of `train` weigh 1, unseen ones 3. A class's own shift is shrunk to the shift pooled over classes
    as if that rested on 20 images.
    """
    sums, weights = torch.zeros(classes * 2, unseen.neurons), torch.zeros(classes * 2)
    parts = [(unseen, UNSEEN)]
    if plan.division.train is not None:
        parts.append((plan.fit, SEEN))
    for examples, weight in parts:
        codes = examples.codes[:, 0]
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
