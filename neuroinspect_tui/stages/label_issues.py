"""Images whose label is doubtful: the model does not believe it, and their neighbours have another."""

from __future__ import annotations

from collections.abc import Collection

import torch
from torch import Tensor

from ..results import LabelIssue
from ..tensors import Head, OnProgress, SplitFeatures, no_progress

NEIGHBOURS = 10
CANDIDATES = 512
BLOCK_ELEMENTS = 1 << 23


def find_label_issues(
    split: SplitFeatures,
    head: Head,
    marked: Collection[int] = (),
    limit: int = 100,
    on_progress: OnProgress = no_progress,
) -> tuple[LabelIssue, ...]:
    """Return the most doubtful labels of a split, rows in `marked` (by hand) first, at most `limit` others.

    A label is doubtful where another class is predicted with confidence and most of the ten nearest images
    (cosine of the features) are of that class too: the order is that of (1 − self-confidence) times the
    share of neighbours of the suggested class. Self-confidence is the model's probability of the label
    (confident learning, arXiv 1911.00068, §3.1). Only the 512 least self-confident mistakes are looked at.
    """
    own = self_confidence(split, head)
    mistakes = split.mistakes.nonzero()[:, 0]
    least = mistakes[own[mistakes].argsort(stable=True)][:CANDIDATES]
    hand = torch.tensor(sorted(marked), dtype=torch.int64)
    rows = torch.cat([hand, least[~torch.isin(least, hand)]])
    votes = split.labels[nearest_rows(split, rows, on_progress=on_progress)]
    suggested = split.predicted[rows]
    shares = (votes == suggested[:, None]).double().mean(dim=1)
    doubt = (1.0 - own[rows]) * shares
    doubt[: len(hand)] += 2.0  # above any product of two shares
    kept = [place for place in doubt.argsort(descending=True, stable=True).tolist() if doubt[place] > 0]
    return tuple(
        LabelIssue(
            split=split.split,
            path=split.paths[int(rows[place])],
            label=int(split.labels[rows[place]]),
            suggested=int(suggested[place]),
            self_confidence=float(own[rows[place]]),
            neighbour_share=float(shares[place]),
            marked=place < len(hand),
        )
        for place in kept[: len(hand) + limit]
    )


def self_confidence(split: SplitFeatures, head: Head) -> Tensor:
    """Return the probability of each image's own label, [N] float32."""
    found = torch.empty(len(split))
    block = max(1, BLOCK_ELEMENTS // max(head.neurons, head.classes))
    for start in range(0, len(split), block):
        rows = slice(start, start + block)
        chance = head.logits(split.features[rows]).softmax(dim=1)
        found[rows] = chance.gather(1, split.labels[rows, None])[:, 0]
    return found


def nearest_rows(
    split: SplitFeatures,
    rows: Tensor,
    count: int = NEIGHBOURS,
    among: Tensor | None = None,
    on_progress: OnProgress = no_progress,
) -> Tensor:
    """Return the images nearest to each of `rows` [M] by cosine of the features, itself left out.

    [M,K] int64 rows, nearest first, K at most `count`, of those where `among` [N] bool holds (None: of all).
    """
    allowed = torch.ones(len(split), dtype=torch.bool) if among is None else among
    count = max(0, min(count, int(allowed.sum()) - int(allowed[rows].any())))
    mine = _unit(split.features[rows])
    best = torch.full((len(rows), count), -torch.inf)
    found = torch.full((len(rows), count), -1)
    block = max(1, BLOCK_ELEMENTS // max(split.features.shape[1], len(rows), 1))
    for start in range(0, len(split), block):
        on_progress(start, len(split))
        near = mine @ _unit(split.features[start : start + block]).T
        here = torch.arange(start, start + near.shape[1])
        near[(rows[:, None] == here) | ~allowed[here]] = -torch.inf
        best, order = torch.cat([best, near], dim=1).topk(count, dim=1)
        found = torch.cat([found, here.expand(len(rows), -1)], dim=1).gather(1, order)
    return found


def _unit(features: Tensor) -> Tensor:
    """Return features [B,D] as float32 rows of length 1."""
    return torch.nn.functional.normalize(features.float(), dim=1)
