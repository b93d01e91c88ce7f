"""Tags that the user puts on images: which images to show next, and how few tags become groups of all images.

The order: half from the two ends of the culprits' score, half spread over it, then mostly the images that
the probe doubts (design §3.5). Rows are rows of a split's features.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

import torch
from torch import Tensor

from ..results import Propagation, ReviewItem
from ..tensors import GroupColumn, Head, SplitFeatures
from .probe import Probe, margins, teach

Tags = Mapping[str, Mapping[int, str]]
"""Hand-made tags: split name → row → tag."""

MISLABELLED = "mislabelled"
COLUMN = "tag"
FIRST = 12
DOUBTFUL = 0.2
FEWEST, FEWEST_EACH = 20, 8
ENOUGH = 0.85


def review_order(
    split: SplitFeatures,
    head: Head,
    target: int,
    neurons: Sequence[int],
    tags: Mapping[int, str],
    limit: int = 80,
    seed: int = 0,
) -> tuple[ReviewItem, ...]:
    """Return the untagged images to tag next: of class `target` and of the class it is confused with.

    The score is the part of logit `target` − logit rival that comes from the `neurons` (all, if none are
    given). From twelve `tags` of this split on, three of four images are those that the probe doubts most.
    """
    rival = rival_class(split, target)
    scores = culprit_scores(split, head, target, rival, neurons)
    queue = [row for row in _spread_order(split, target, rival, scores, seed) if row not in tags]
    values, probe = _taught({split.split: split}, {split.split: tags})
    beliefs: dict[int, dict[str, float]] = {}
    if probe is not None and queue:
        rows = torch.tensor(queue)
        believed = probe.scores(split.features[rows])
        for row, one in zip(queue, _shares(believed).tolist(), strict=True):
            beliefs[row] = dict(zip(values, one, strict=True))
        if len(_tagged(tags)) >= FIRST:
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
        others = split.top_classes[split.labels == target, 1]
    return int(torch.bincount(others).argmax()) if len(others) else target


def culprit_scores(
    split: SplitFeatures, head: Head, target: int, rival: int, neurons: Sequence[int]
) -> Tensor:
    """Return what the neurons add to logit `target` − logit `rival`, [N] float32; 0 for other classes."""
    chosen = torch.tensor(neurons, dtype=torch.int64) if len(neurons) else torch.arange(head.neurons)
    rows = ((split.labels == target) | (split.labels == rival)).nonzero()[:, 0]
    push = (head.weight[target] - head.weight[rival])[chosen]
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


def _tagged(tags: Mapping[int, str]) -> dict[int, str]:
    """Return the tags that make groups."""
    return {row: tag for row, tag in tags.items() if tag and tag != MISLABELLED}


def _taught(splits: Mapping[str, SplitFeatures], tags: Tags) -> tuple[tuple[str, ...], Probe | None]:
    """Return the tag values in order and a probe taught with all tags; no probe for fewer than two values."""
    used = {name: _tagged(tags.get(name, {})) for name in splits}
    values = tuple(sorted({tag for rows in used.values() for tag in rows.values()}))
    if len(values) < 2:
        return values, None
    features = [
        splits[name].features[torch.tensor(list(rows))].float() for name, rows in used.items() if rows
    ]
    codes = [values.index(tag) for rows in used.values() for tag in rows.values()]
    return values, teach(torch.cat(features), torch.tensor(codes), len(values))


def excluded_rows(tags: Tags) -> dict[str, Tensor]:
    """Return the rows of each split that are marked as mislabelled."""
    return {
        split: torch.tensor([row for row, tag in rows.items() if tag == MISLABELLED], dtype=torch.int64)
        for split, rows in tags.items()
    }


def make_groups(
    splits: Mapping[str, SplitFeatures], tags: Tags, carry: bool = True
) -> tuple[dict[str, GroupColumn], Propagation]:
    """Return the group column of every split that the tags make, and how far they can be trusted.

    A hand-made tag always wins. With `carry` and two values or more, a linear probe tags every other image,
    but for those whose two best scores are within 0.2 of each other: they stay unknown (−1), like all
    untagged images without `carry`.
    """
    values, probe = _taught(splits, tags)
    columns, chances = {}, []
    for name, split in splits.items():
        codes = torch.full((len(split),), -1)
        if probe is not None and carry:
            scores = probe.scores(split.features)
            codes = torch.where(margins(scores) < DOUBTFUL, -1, scores.argmax(dim=1))
            chances.append(probe.chances(scores[codes >= 0]))
        for row, tag in _tagged(tags.get(name, {})).items():
            codes[row] = values.index(tag)
        columns[name] = GroupColumn(COLUMN, values, codes)
    sure = torch.cat([torch.empty(0), *chances])
    accuracy = float(sure.double().mean()) if len(sure) else None
    return columns, _propagation(values, tags, columns, accuracy, bool(chances))


def _propagation(
    values: Sequence[str],
    tags: Tags,
    columns: Mapping[str, GroupColumn],
    accuracy: float | None,
    carried: bool,
) -> Propagation:
    """Count the tags and say in one sentence whether they are enough, or how many more would be.

    `accuracy` is None also where the tags were `carried` by a probe that is sure of no image.
    """
    given = [tag for rows in tags.values() for tag in _tagged(rows).values()]
    tagged = {value: given.count(value) for value in values}
    codes = torch.cat([column.codes for column in columns.values()])
    counts = {value: int((codes == code).sum()) for code, value in enumerate(values)}
    rarest = min(tagged, key=tagged.__getitem__, default="")
    wanted = FEWEST if accuracy is None else math.ceil(len(given) * (1 - accuracy) / (1 - ENOUGH))
    wanted = max(FEWEST, min(wanted, 4 * len(given)))
    enough = False
    if len(values) < 2:
        advice = "tag images that have the cue and images that have not" + (
            f'; so far all are "{rarest}"' if rarest else ""
        )
    elif accuracy is None:
        silent = "the probe is sure of no image yet: tag more"
        advice = silent if carried else "the tags are not carried to other images"
    elif tagged[rarest] < FEWEST_EACH:
        advice = f'tag {FEWEST_EACH - tagged[rarest]} more images as "{rarest}"'
    elif wanted > len(given):
        more = wanted - len(given)
        advice = f"tag about {more} more images: {_percent(accuracy)} of left-out tags are right now"
    else:
        enough, advice = True, f"enough tags: the probe gets {_percent(accuracy)} of left-out tags right"
    return Propagation(tagged, accuracy, enough, advice, counts, int((codes < 0).sum()))


def _percent(rate: float) -> str:
    return f"{100 * rate:.0f} %"
