"""Causes that come together in the mistakes, told apart by the images that have one of them."""

from __future__ import annotations

import torch
from torch import Tensor

from .components import Components
from .directions import unit
from .factorise import FIT_ROWS, draw_rows
from .merge import Merged
from .mistakes import Mistakes, read_rows

PART, TOGETHER = 0.1, 0.5
"""Share of a mode's lead that a part of it has at least, and that its parts have together."""


def separate(mistakes: Mistakes, components: Components, merged: Merged) -> Merged:
    """Replace each mode that is made of several causes by these, each a two-valued component.

    A cause brings at least `PART` of the wrong class's lead in the mode's mistakes; two or more must bring
    `TOGETHER` of it. A mistake goes to the part that brings most in it, beside what that brings on average.
    Modes that follow such parts are dissolved into them as well.
    """
    shares = [
        _shares(mistakes, components, draw_rows(mistakes.rows[merged.members == mode], FIT_ROWS, mode))
        for mode in range(len(merged.directions))
    ]
    kept = [torch.where(share >= PART, share, 0.0) for share in shares]
    parts = torch.zeros(len(components.filters), dtype=torch.bool)
    for share in kept:
        if int((share > 0).sum()) > 1 and float(share.sum()) >= TOGETHER:
            parts |= share > 0
    dissolved = [float(share[parts].sum()) >= TOGETHER for share in kept]
    if not any(dissolved):
        return merged
    return _dissolve(mistakes, components, merged, kept, parts, torch.tensor(dissolved))


def _dissolve(
    mistakes: Mistakes,
    components: Components,
    merged: Merged,
    kept: list[Tensor],
    parts: Tensor,
    dissolved: Tensor,
) -> Merged:
    """Return the modes that are left and, for the `dissolved` [K] ones, the components `parts` [r]."""
    places = parts.nonzero()[:, 0]
    members, pull = merged.members.clone(), torch.zeros(len(places))
    for mode in dissolved.nonzero()[:, 0].tolist():
        own = (merged.members == mode).nonzero()[:, 0]
        usable = kept[mode][places] > 0
        lead, pulls = [], []
        for block in mistakes.blocks(mistakes.rows[own]):
            gained, pulled = _leads(mistakes, components, block)
            lead.append(gained[:, places])
            pulls.append(pulled[:, places])
        usual = torch.cat(lead).mean(dim=0)
        relative = (torch.cat(lead) / usual).masked_fill(~usable, -torch.inf)
        members[own] = len(dissolved) + relative.argmax(dim=1)
        pull += torch.cat(pulls).sum(dim=0)
    directions = torch.cat([merged.directions, unit(components.filters[places] * pull.sign()[:, None])])
    return Merged.ranked(directions, members, torch.cat([merged.component, places]))


def _shares(mistakes: Mistakes, components: Components, rows: Tensor) -> Tensor:
    """Return [r]: the share of the wrong classes' lead that each component brings in the mistakes `rows`."""
    gained, total = torch.zeros(len(components.filters)), 0.0
    for block in mistakes.blocks(rows):
        gained += _leads(mistakes, components, block)[0].sum(dim=0)
        beyond = read_rows(mistakes.data.features, block) - mistakes.means[mistakes.data.labels[block]]
        total += float((beyond * mistakes.pulls(block)).sum())
    return gained / total if total > 0 else torch.zeros_like(gained)


def _leads(mistakes: Mistakes, components: Components, rows: Tensor) -> tuple[Tensor, Tensor]:
    """Return [n,r] what each component brings to the lead in the mistakes `rows`, and its pull."""
    beyond = read_rows(mistakes.data.features, rows) - mistakes.means[mistakes.data.labels[rows]]
    pulled = mistakes.pulls(rows) @ components.shifts.T
    return beyond @ components.filters.T * pulled, pulled
