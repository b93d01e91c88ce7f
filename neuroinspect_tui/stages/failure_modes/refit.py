"""The directions of a part of the mistakes, quickly: what a resample or a fold of a cross-fit needs."""

from __future__ import annotations

import torch
from torch import Tensor

from .directions import directions_of
from .factorise import draw_rows, fit_parts, normalised
from .mistakes import Mistakes

MOST_MISTAKES = 256
COLUMNS = 1024


def refit(mistakes: Mistakes, rows: Tensor, k: int, seed: int) -> Tensor:
    """Return the directions [K,D] of `k` factors of the mistakes `rows` alone.

    At most 256 of them are factorised, in their 1024 heaviest columns; zero without mistakes.
    """
    if not len(rows):
        return torch.zeros(1, mistakes.head.neurons)
    drawn = draw_rows(rows, MOST_MISTAKES, seed)
    table = mistakes.contributions(drawn)
    columns = table.sum(dim=0).topk(min(COLUMNS, table.shape[1])).indices.sort().values
    shares, heavy = fit_parts(table[:, columns], k, len(drawn), seed)
    parts = torch.zeros(len(heavy), table.shape[1])
    parts[:, columns] = heavy
    return directions_of(normalised(shares, parts), mistakes, drawn)
