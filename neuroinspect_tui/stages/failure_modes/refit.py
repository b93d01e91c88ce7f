"""The directions of a part of the images, quickly: what a resample or a fold of a cross-fit needs."""

from __future__ import annotations

import torch
from torch import Tensor

from .components import Components
from .directions import agreement, directions_of, within_class
from .factorise import draw_rows, fit_parts, normalised
from .merge import Merged
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


def found_again(
    mistakes: Mistakes,
    found: Merged,
    part: Tensor,
    features: Tensor,
    labels: Tensor,
    k: int,
    seed: int,
) -> tuple[Tensor, Tensor]:
    """Return the direction [K,D] most like each mode that the images `part` [p] alone lead to, and how alike.

    A factor is sought among those of their mistakes (`refit`), a two-valued component among theirs.
    Likeness [K] is the correlation of scores within classes on images with `features` [n,D] and `labels` [n].
    """
    centred = within_class(features @ found.directions.T, labels)
    again = refit(mistakes, part[mistakes.data.mistakes[part]], k, seed)
    alike, place = agreement(centred, within_class(features @ again.T, labels)).max(dim=1)
    directions, components = again[place], found.component >= 0
    if bool(components.any()):
        filters = Components.of(mistakes, part, seed, half=True).filters
        again = torch.cat([filters, -filters, again])
        likeness, place = agreement(centred, within_class(features @ again.T, labels)).max(dim=1)
        alike = torch.where(components, likeness, alike)
        directions = torch.where(components[:, None], again[place], directions)
    return directions, alike
