"""Does a mode come back? It is sought again in halves of the images."""

from __future__ import annotations

import torch
from torch import Tensor

from ...tensors import OnProgress, no_progress
from .merge import Merged
from .mistakes import Mistakes, read_rows
from .refit import found_again

DRAWS = 6
COMES_BACK = 0.7
"""A mode whose likeness in half of the draws is below this correlation is weak."""


def stability(
    mistakes: Mistakes,
    found: Merged,
    sample: Tensor,
    k: int,
    seed: int,
    on_progress: OnProgress = no_progress,
) -> Tensor:
    """Return [K]: how alike each mode comes back (`found_again`), the median over halves of the images.

    Likeness is measured on the images `sample` [S]. With fewer than two mistakes nothing comes back: 0.
    """
    rows = mistakes.rows
    if len(rows) < 2 or not len(found.directions):
        return torch.zeros(len(found.directions))
    features, labels = read_rows(mistakes.data.features, sample), mistakes.data.labels[sample]
    right = sample[~mistakes.data.mistakes[sample]]
    generator = torch.Generator().manual_seed(seed)
    likeness = []
    for draw in range(DRAWS):
        on_progress(draw, DRAWS)
        # Halves, not bootstrap draws: repeated mistakes would make any factor look stable.
        half = torch.cat([_half(rows, generator), _half(right, generator)])
        likeness.append(found_again(mistakes, found, half, features, labels, k, seed)[1])
    return torch.stack(likeness).median(dim=0).values


def _half(rows: Tensor, generator: torch.Generator) -> Tensor:
    return rows[torch.randperm(len(rows), generator=generator)[: len(rows) // 2].sort().values]
