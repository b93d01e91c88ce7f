"""What a direction does for the decision: take it out of the features and decide again."""

from __future__ import annotations

import torch
from torch import Tensor

from ...results.failure_modes import ProjectOut
from .directions import unit
from .mistakes import Mistakes, read_rows

RANDOM = 8
_MOST_IMAGES = 512
_LOGITS = 1 << 22


def project_out(
    mistakes: Mistakes,
    direction: Tensor,
    members: Tensor,
    right: Tensor,
    seed: int,
) -> ProjectOut:
    """Return the shares of `members` fixed and `right` answers broken when every image loses the direction.

    An image's score is set to its mean over the `right` rows: z' = z − (z·d − m) d. `random` is the share of
    members that random directions of the features' own spread fix on average. At most 512 rows of each
    are looked at, spread evenly.
    """
    parts = [_thinned(rows) for rows in (members, right)]
    features = [read_rows(mistakes.data.features, rows) for rows in parts]
    spread = torch.cat(features).std(dim=0, unbiased=False)
    # Directions along which the features vary as much: those in empty dimensions would change nothing.
    noise = torch.randn(RANDOM, len(direction), generator=torch.Generator().manual_seed(seed)) * spread
    lines = torch.cat([direction[None], unit(noise)])
    # To the level of right answers, not to zero, which may be far from any image's score.
    level = (features[1] @ lines.T).mean(dim=0) if len(right) else torch.zeros(len(lines))
    fixed = _right_without(mistakes, parts[0], features[0], lines, level)
    broken = 1 - _right_without(mistakes, parts[1], features[1], lines[:1], level[:1])
    return ProjectOut(float(fixed[0]), float(broken[0]) if len(right) else 0.0, float(fixed[1:].mean()))


def _right_without(
    mistakes: Mistakes, rows: Tensor, features: Tensor, lines: Tensor, level: Tensor
) -> Tensor:
    """Return, for each of `lines` [L,D], the share of `rows` predicted as their label without it."""
    labels, along = mistakes.data.labels[rows], mistakes.head.weight @ lines.T
    count = torch.zeros(len(lines))
    for part in torch.arange(len(rows)).split(max(1, _LOGITS // mistakes.head.classes)):
        logits, score = mistakes.head.logits(features[part]), features[part] @ lines.T - level
        for line in range(len(lines)):
            guess = (logits - score[:, line, None] * along[:, line]).argmax(dim=1)
            count[line] += (guess == labels[part]).sum()
    return count / max(1, len(rows))


def _thinned(rows: Tensor) -> Tensor:
    places = torch.linspace(0, max(0, len(rows) - 1), min(len(rows), _MOST_IMAGES)).round().long()
    return rows[places]
