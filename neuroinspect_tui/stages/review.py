"""Which images to tag next.

Half from the two ends of a score, half spread over it, then mostly the images that the probe doubts; from
sixteen tags on the images of rare cells, as long as too few of those are known to be right.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Collection, Iterator, Mapping, Sequence

import torch
from torch import Tensor

from ..results import ReviewItem
from ..tensors import Head, SplitFeatures
from .probe import Probe, margins
from .rare_tags import VALUES, Carried, Cell, rare_cells
from .tags import Tags, carry, cue_probe, grouping, tag_evidence, taught_on

FIRST, THEN_RARE = 12, 16
UNSURE = 0.6
"""Below this precision the images of a rare cell are proposed."""


def review_order(
    split: SplitFeatures,
    head: Head,
    target: int,
    neurons: Sequence[int],
    tags: Mapping[int, str],
    limit: int = 80,
    seed: int = 0,
    probe: Probe | None = None,
    direction: Tensor | None = None,
) -> tuple[ReviewItem, ...]:
    """Return the untagged images to tag next: of class `target` and of the class it is confused with.

    The score is z·`direction` [D] or, without one, the part of logit `target` − logit rival that comes from
    the `neurons` (all, if none are given). From twelve `tags` of this split on, three of four images are
    those that the probe doubts most; `probe` is one fitted on other splits as well (None: one is fitted on
    `tags`).
    """
    rival = rival_class(split, target)
    scores = culprit_scores(split, head, target, rival, neurons, direction)
    queue = [row for row in _spread_order(split, target, rival, scores, seed) if row not in tags]
    if probe is None:
        probe = cue_probe({split.split: split}, {split.split: tags})
    beliefs: dict[int, dict[str, float]] = {}
    if probe is not None and queue:
        rows = torch.tensor(queue)
        believed = probe.scores(split.features[rows])
        for row, one in zip(queue, _shares(believed).tolist(), strict=True):
            beliefs[row] = dict(zip(VALUES, one, strict=True))
        if len(grouping(tags)) >= FIRST:
            queue = _with_doubtful(queue, rows[margins(believed).argsort(stable=True)].tolist())
    proposed = split.samples(torch.tensor(queue[:limit], dtype=torch.int64))
    return tuple(
        ReviewItem(sample, float(scores[sample.row]), beliefs.get(sample.row)) for sample in proposed
    )


def rival_class(split: SplitFeatures, target: int) -> int:
    """Return the class most often confused with `target`, either way; without mistakes, the runner-up."""
    mistakes = split.mistakes
    others = torch.cat(
        [
            split.predicted[mistakes & (split.labels == target)],
            split.labels[mistakes & (split.predicted == target)],
        ]
    )
    if not len(others):
        # Without a mistake the class most likely to be confused with it is the second guess.
        others = split.top_classes[split.labels == target, 1]
    return int(torch.bincount(others).argmax()) if len(others) else target


def culprit_scores(
    split: SplitFeatures,
    head: Head,
    target: int,
    rival: int,
    neurons: Sequence[int],
    direction: Tensor | None = None,
) -> Tensor:
    """Return what the neurons add to logit `target` − logit `rival`, [N] float32; 0 for other classes.

    With a `direction` [D] it is z·direction.
    """
    chosen = torch.tensor(neurons, dtype=torch.int64) if len(neurons) else torch.arange(head.neurons)
    push = (head.weight[target] - head.weight[rival])[chosen]
    if direction is not None:
        chosen, push = torch.arange(head.neurons), direction
    rows = ((split.labels == target) | (split.labels == rival)).nonzero()[:, 0]
    scores = torch.zeros(len(split))
    for part in rows.split(4096):
        scores[part] = split.features[part][:, chosen].float() @ push
    return scores


def _spread_order(split: SplitFeatures, target: int, rival: int, scores: Tensor, seed: int) -> list[int]:
    """Return all rows of the two classes, alternating: lowest, highest, and two spread over the order."""
    classes = dict.fromkeys((target, rival))
    orders = []
    for label in classes:
        rows = (split.labels == label).nonzero()[:, 0]
        ranked = rows[scores[rows].argsort(stable=True)].tolist()
        orders.append(_ends_and_spread(ranked, seed))
    longest = max(map(len, orders))
    return [order[place] for place in range(longest) for order in orders if place < len(order)]


def _ends_and_spread(ranked: list[int], seed: int) -> list[int]:
    """Reorder: from the low end, from the high end, two from the middle of the widest gaps, and so on."""
    offset = float(torch.rand((), generator=torch.Generator().manual_seed(seed)))
    low, high = iter(ranked), iter(reversed(ranked))
    spread = (ranked[int(place * len(ranked))] for place in _evenly(offset, 4 * len(ranked)))
    found: dict[int, None] = {}
    # The same iterator twice: two images of the spread follow each one from the two ends.
    for sources in zip(low, high, spread, spread, strict=False):
        found.update(dict.fromkeys(sources))
    found.update(dict.fromkeys(ranked))
    return list(found)


def _evenly(offset: float, count: int) -> Iterator[float]:
    """Yield points of 0…1 of which any first few are evenly spread: multiples of the golden ratio."""
    for step in range(count):
        yield (offset + step * (math.sqrt(5) - 1) / 2) % 1.0


def _with_doubtful(queue: list[int], doubted: list[int]) -> list[int]:
    """Return the queue with three doubted images before each of its own."""
    found: dict[int, None] = {}
    doubtful = iter(doubted)
    for row in queue:
        found.update(dict.fromkeys(next(doubtful, row) for _ in range(3)))
        found[row] = None
    return list(found)


def _shares(scores: Tensor) -> Tensor:
    """Return scores [N,K] as shares of 1."""
    positive = scores.clamp(min=0)
    return positive / positive.sum(dim=1, keepdim=True).clamp(min=1e-9)


def rare_first(
    queue: Sequence[ReviewItem],
    splits: Mapping[str, SplitFeatures],
    tags: Tags,
    target: int,
    limit: int = 80,
    among: Collection[str] | None = None,
) -> tuple[ReviewItem, ...]:
    """Return the `queue` of one split with three images of rare cells, `among` those splits, before each.

    From sixteen tags on, as long as the precision of a rare cell is below .6. Those cells take turns, the
    least tagged first, of equals that of class `target`, then the largest: of each the image that the probe
    is surest of and the one that it is least sure of, in turn.
    """
    own = taught_on(splits)
    given = sum(len(grouping(tags.get(name, {}))) for name in own)
    probe, evidence = cue_probe(own, tags), tag_evidence(own, tags)
    if given < THEN_RARE or probe is None or evidence is None:
        return tuple(queue[:limit])
    joined = Carried.of(
        own, {name: carry(split, tags.get(name, {}), probe)[0] for name, split in own.items()}
    )
    doubted = [cell for cell in rare_cells(joined, evidence) if cell.precision < UNSURE]
    places = _taking_turns([_in_turn(cell, joined) for cell in _by_need(doubted, target)], limit)
    names = list(own)
    found: dict[tuple[str, int], ReviewItem] = {}
    for place in places:
        name, row = names[int(joined.splits[place])], int(joined.rows[place])
        if row not in tags.get(name, {}) and (among is None or name in among):
            found[name, row] = _rare_item(own[name], row, probe)
    rare, rest = iter(list(found.values())), iter(one for one in queue if _place(one) not in found)
    mixed = [item for group in zip(rare, rare, rare, rest, strict=False) for item in group]
    chosen = {_place(item): item for item in (*mixed, *rare, *found.values(), *rest, *queue)}
    return tuple(chosen.values())[:limit]


def _place(item: ReviewItem) -> tuple[str, int]:
    return item.sample.split, item.sample.row


def _rare_item(split: SplitFeatures, row: int, probe: Probe) -> ReviewItem:
    """Return an image with the probe's score and belief."""
    scores = probe.scores(split.features[row : row + 1])
    belief = dict(zip(VALUES, _shares(scores)[0].tolist(), strict=True))
    return ReviewItem(split.samples(torch.tensor([row]))[0], float(scores[0, 0] - scores[0, 1]), belief)


def _by_need(cells: Sequence[Cell], target: int) -> list[Cell]:
    """Return cells, the least tagged first, of equals that of class `target`, then the largest."""
    return sorted(cells, key=lambda one: (one.sure[1] + one.unsure[1], one.label != target, -one.images))


def _in_turn(cell: Cell, carried: Carried) -> list[int]:
    """Return the places of a cell's untagged images: surest and least sure in turn, the less tagged first."""
    ranked = cell.members[carried.margins[cell.members].argsort(descending=True, stable=True)].tolist()
    if cell.sure[1] > cell.unsure[1]:
        ranked.reverse()
    half = (len(ranked) + 1) // 2
    first, last = ranked[:half], ranked[half:][::-1]
    return [place for pair in zip(first, [*last, -1], strict=False) for place in pair if place >= 0]


def _taking_turns(orders: Sequence[Sequence[int]], limit: int) -> list[int]:
    longest = max(map(len, orders), default=0)
    turns = (order[turn] for turn in range(longest) for order in orders if turn < len(order))
    return list(itertools.islice(turns, limit))
