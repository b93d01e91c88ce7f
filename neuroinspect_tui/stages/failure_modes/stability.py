"""Does a mode come back? The factorisation is repeated on halves of the mistakes."""

from __future__ import annotations

import torch
from torch import Tensor

from ...tensors import OnProgress, no_progress
from .directions import agreement, scores, within_class
from .mistakes import Mistakes
from .refit import refit

DRAWS = 6
COMES_BACK = 0.7
"""A mode whose best likeness in half of the draws is below this correlation is weak."""


def stability(
    mistakes: Mistakes,
    directions: Tensor,
    sample: Tensor,
    k: int,
    seed: int,
    on_progress: OnProgress = no_progress,
) -> Tensor:
    """Return [K]: the median, over halves of the mistakes, of each direction's likeness in the best factor.

    Likeness is the correlation of scores within classes on the images `sample` [S]; each half is factorised
    by itself (`refit`). With fewer than two mistakes nothing comes back: 0.
    """
    rows = mistakes.rows
    if len(rows) < 2 or not len(directions):
        return torch.zeros(len(directions))
    features, labels = mistakes.data.features[sample], mistakes.data.labels[sample]
    own = within_class(scores(features, directions), labels)
    generator = torch.Generator().manual_seed(seed)
    found = []
    for draw in range(DRAWS):
        on_progress(draw, DRAWS)
        half = rows[torch.randperm(len(rows), generator=generator)[: len(rows) // 2].sort().values]
        # Halves, not bootstrap draws: repeated mistakes would make any factor look stable.
        again = refit(mistakes, half, k, seed)
        found.append(agreement(own, within_class(scores(features, again), labels)).amax(dim=1))
    return torch.stack(found).median(dim=0).values
