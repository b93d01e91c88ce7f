"""Does a mode come back? The factorisation is repeated on halves of the mistakes."""

from __future__ import annotations

import torch
from torch import Tensor

from ...tensors import OnProgress, no_progress
from .directions import agreement, directions_of, scores, within_class
from .factorise import factorise
from .mistakes import Mistakes

DRAWS = 6
COMES_BACK = 0.7
"""A mode whose best likeness in half of the draws is below this correlation is weak."""

_MOST_MISTAKES = 256


def stability(
    mistakes: Mistakes,
    directions: Tensor,
    sample: Tensor,
    k: int,
    seed: int,
    on_progress: OnProgress = no_progress,
) -> Tensor:
    """Return [K]: the median, over halves of the mistakes, of each direction's likeness in the best factor.

    Likeness is the correlation of scores within classes on the images `sample` [S]; each half, at most
    256 mistakes, is factorised into `k` by itself. With fewer than two mistakes nothing comes back: 0.
    """
    half = min(len(mistakes.rows) // 2, _MOST_MISTAKES)
    if not half or not len(directions):
        return torch.zeros(len(directions))
    features, labels = mistakes.data.features[sample], mistakes.data.labels[sample]
    own = within_class(scores(features, directions), labels)
    generator = torch.Generator().manual_seed(seed)
    found = []
    for draw in range(DRAWS):
        on_progress(draw, DRAWS)
        rows = mistakes.rows[torch.randperm(len(mistakes.rows), generator=generator)[:half].sort().values]
        # Halves, not bootstrap draws: repeated mistakes would make any factor look stable.
        again = directions_of(factorise(mistakes, rows, k, seed), mistakes, rows)
        found.append(agreement(own, within_class(scores(features, again), labels)).amax(dim=1))
    return torch.stack(found).median(dim=0).values
