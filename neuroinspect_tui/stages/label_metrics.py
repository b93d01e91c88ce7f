"""How the classifier does on each of several labels that an image may have."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from ..results import LabelResult
from ..tensors import Head

ROWS = 65_536
LEAST_RISE = 0.2
STANDARD_ERRORS = 2.5
MOST_LABELS = 256


def label_logits(features: Tensor, head: Head) -> Tensor:
    """Return W·z + b [N,L] float32 of all labels for `features` [N,D], block by block."""
    blocks = [head.logits(block.float()) for block in features.split(ROWS)]
    return torch.cat(blocks) if blocks else torch.empty(0, head.classes)


def label_table(
    logits: Tensor, marks: Tensor, names: Sequence[str], thresholds: Sequence[float]
) -> tuple[LabelResult, ...]:
    """Return a row for each label from `logits` [N,L] and `marks` [N,L] (1 has it, 0 has not, -1 not known).

    An image is said to have a label where the sigmoid of its logit is above the label's threshold.
    """
    found = []
    for place, (name, threshold) in enumerate(zip(names, thresholds, strict=True)):
        known = marks[:, place] >= 0
        scores, has = logits[known, place].double(), marks[known, place] == 1
        said = scores > math.log(threshold / (1 - threshold))
        count, positives = int(known.sum()), int(has.sum())
        found.append(
            LabelResult(
                index=place,
                name=name,
                count=count,
                positives=positives,
                threshold=threshold,
                accuracy=float((said == has).double().mean()) if count else None,
                recall=float(said[has].double().mean()) if positives else None,
                precision=float(has[said].double().mean()) if bool(said.any()) else None,
                auroc=auroc(scores, has),
                average_precision=average_precision(scores, has),
            )
        )
    return tuple(found)


def auroc(scores: Tensor, positive: Tensor) -> float | None:
    """Return how often a positive's score is above a negative's (Mann-Whitney U, ties count half).

    `scores` [N], `positive` [N] bool; None without images of both kinds.
    """
    count, positives = len(scores), int(positive.sum())
    if not 0 < positives < count:
        return None
    values, place = scores.unique(return_inverse=True)
    each = torch.bincount(place, minlength=len(values)).double()
    ranks = (each.cumsum(0) - (each - 1) / 2)[place]
    above = float(ranks[positive].sum()) - positives * (positives + 1) / 2
    return above / (positives * (count - positives))


def average_precision(scores: Tensor, positive: Tensor) -> float | None:
    """Return Σ (R_n - R_{n-1}) P_n over the thresholds between distinct scores, without interpolation.

    `scores` [N], `positive` [N] bool; None without a positive.
    """
    positives = int(positive.sum())
    if not positives:
        return None
    values, place = scores.unique(return_inverse=True)
    each = torch.bincount(place, minlength=len(values)).flip(0)
    right = torch.bincount(place, weights=positive.double(), minlength=len(values)).flip(0)
    precision = right.cumsum(0) / each.cumsum(0)
    return float((right * precision).sum()) / positives


def permuted_labels(logits: Tensor, marks: Tensor) -> tuple[int, ...] | None:
    """Return which column of `logits` [N,L] answers for each label of `marks` [N,L], where it is another one.

    Two random halves of the images must agree on the assignment with the largest sum of AUROCs, and the mean
    AUROC of the labels that move rise by 0.2 and by 2.5 standard errors. None where the columns are right,
    where it cannot be told, and above 256 labels.
    """
    if marks.shape[1] > MOST_LABELS or len(marks) < 2:
        return None
    halves = torch.randperm(len(logits), generator=torch.Generator().manual_seed(0)).chunk(2)
    one, other = (_assigned(_aurocs(logits[half], marks[half])) for half in halves)
    moved = [label for label, column in enumerate(one) if column != label]
    if one != other or not moved:
        return None
    rates = _aurocs(logits, marks)
    rise = sum(rates[label][one[label]] - rates[label][label] for label in moved)
    counts = [(int((marks[:, label] == 1).sum()), int((marks[:, label] == 0).sum())) for label in moved]
    # The variance of an AUROC of 1/2 is (1/a + 1/b) / 12; each label has the difference of two.
    error = math.sqrt(sum((1 / max(1, has) + 1 / max(1, has_not)) / 6 for has, has_not in counts))
    return one if rise >= max(LEAST_RISE * len(moved), STANDARD_ERRORS * error) else None


def _assigned(rates: list[list[float]]) -> tuple[int, ...]:
    """Return the column of each row with the largest sum, its own where equal."""
    from scipy.optimize import linear_sum_assignment  # here: it takes a third of a second to load

    preferred = torch.tensor(rates) + 1e-6 * torch.eye(len(rates))
    return tuple(linear_sum_assignment(preferred, maximize=True)[1].tolist())


def _aurocs(logits: Tensor, marks: Tensor) -> list[list[float]]:
    """Return [L][L]: the AUROC of each column of `logits` for each label (0.5 where it is not defined)."""
    table = []
    for label in range(marks.shape[1]):
        known = marks[:, label] >= 0
        has = marks[known, label] == 1
        table.append([0.5 if (rate := auroc(column, has)) is None else rate for column in logits[known].T])
    return table
