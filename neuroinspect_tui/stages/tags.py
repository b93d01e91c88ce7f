"""Tags that the user puts on images: which images to show next, and how few tags become groups of all images.

The order: half from the two ends of the culprits' score, half spread over it, then mostly the images that
the probe doubts. Rows are rows of a split's features.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence

import torch
from torch import Tensor

from ..results import ProbeQuality, ReviewItem, Tag
from ..results.stored_cues import HAS, MISLABELLED, NOT
from ..tensors import GroupColumn, Head, SplitFeatures
from .estimates import Evidence
from .probe import Probe, fit_probe, margins

Tags = Mapping[str, Mapping[int, str]]
"""Hand-made tags of one cue: split name → row → tag."""

VALUES = (HAS, NOT)
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
    probe: Probe | None = None,
) -> tuple[ReviewItem, ...]:
    """Return the untagged images to tag next: of class `target` and of the class it is confused with.

    The score is the part of logit `target` − logit rival that comes from the `neurons` (all, if none are
    given). From twelve `tags` of this split on, three of four images are those that the probe doubts most;
    `probe` is one fitted on other splits as well (None: one is fitted on `tags`).
    """
    rival = rival_class(split, target)
    scores = culprit_scores(split, head, target, rival, neurons)
    queue = [row for row in _spread_order(split, target, rival, scores, seed) if row not in tags]
    if probe is None:
        probe = cue_probe({split.split: split}, {split.split: tags})
    beliefs: dict[int, dict[str, float]] = {}
    if probe is not None and queue:
        rows = torch.tensor(queue)
        believed = probe.scores(split.features[rows])
        for row, one in zip(queue, _shares(believed).tolist(), strict=True):
            beliefs[row] = dict(zip(VALUES, one, strict=True))
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
        # Without a mistake the class most likely to be confused with it is the second guess.
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


def _tagged(tags: Mapping[int, str]) -> dict[int, str]:
    """Return the tags that make groups."""
    return {row: tag for row, tag in tags.items() if tag in VALUES}


def cue_probe(splits: Mapping[str, SplitFeatures], tags: Tags) -> Probe | None:
    """Return a probe fitted on the tags of one cue in all splits; None unless there are both kinds."""
    used = {name: _tagged(tags.get(name, {})) for name in splits}
    codes = [VALUES.index(tag) for rows in used.values() for tag in rows.values()]
    if len(set(codes)) < len(VALUES):
        return None
    features = [
        splits[name].features[torch.tensor(list(rows))].float() for name, rows in used.items() if rows
    ]
    return fit_probe(torch.cat(features), torch.tensor(codes), len(VALUES))


def excluded_rows(cues: Iterable[Tags]) -> dict[str, Tensor]:
    """Return the rows of each split that are marked as mislabelled for any of the cues."""
    rows: dict[str, set[int]] = {}
    for tags in cues:
        for split, tagged in tags.items():
            rows.setdefault(split, set()).update(row for row, tag in tagged.items() if tag == MISLABELLED)
    return {split: torch.tensor(sorted(found), dtype=torch.int64) for split, found in rows.items()}


def shuffled(splits: Mapping[str, SplitFeatures], tags: Tags, seed: int) -> dict[str, dict[int, str]]:
    """Return the tags shuffled among the tagged images of each split and class.

    What is known of the classes stays: only which image has the cue is lost.
    """
    generator = torch.Generator().manual_seed(seed)
    found: dict[str, dict[int, str]] = {}
    for name, tagged in tags.items():
        rows = torch.tensor(sorted(_tagged(tagged)), dtype=torch.int64)
        found[name] = {}
        # Within each class: otherwise the shuffled tags would tell the repair which classes have the cue.
        for label in splits[name].labels[rows].unique().tolist():
            own = rows[splits[name].labels[rows] == label].tolist()
            order = torch.randperm(len(own), generator=generator).tolist()
            found[name] |= {row: tagged[own[place]] for row, place in zip(own, order, strict=True)}
    return found


def tag_evidence(splits: Mapping[str, SplitFeatures], tags: Tags) -> Evidence | None:
    """Return the tagged images of one cue with what the probe says of each without its tag, or None."""
    probe = cue_probe(splits, tags)
    if probe is None:
        return None
    used = [(splits[name], _tagged(tags.get(name, {}))) for name in splits]
    rows = [(split, torch.tensor(list(tagged))) for split, tagged in used if tagged]
    codes = torch.tensor([VALUES.index(tag) for _, tagged in used for tag in tagged.values()])
    carried = torch.where(margins(probe.left_out) < DOUBTFUL, -1, probe.left_out.argmax(dim=1))
    features = torch.cat([split.features[own].float() for split, own in rows])
    return Evidence(features, torch.cat([split.labels[own] for split, own in rows]), carried, codes)


def make_groups(
    splits: Mapping[str, SplitFeatures], tags: Tags, carry: bool = True, name: str = COLUMN
) -> tuple[dict[str, GroupColumn], ProbeQuality]:
    """Return the group column `name` of every split that a cue's tags make, and how far they can be trusted.

    A hand-made tag always wins. With `carry` and tags of both kinds, a linear probe tags every other image,
    but for those whose two scores are within 0.2 of each other: they stay unknown (−1), like all untagged
    images without `carry`.
    """
    probe = cue_probe(splits, tags) if carry else None
    columns, chances = {}, []
    for part, split in splits.items():
        codes = torch.full((len(split),), -1)
        if probe is not None:
            scores = probe.scores(split.features)
            # A wrong group does more harm to a repair than an unknown one, which it can leave out.
            codes = torch.where(margins(scores) < DOUBTFUL, -1, scores.argmax(dim=1))
            chances.append(probe.chances(scores[codes >= 0]))
        by_hand = torch.zeros(len(split), dtype=torch.bool)
        for row, tag in _tagged(tags.get(part, {})).items():
            codes[row], by_hand[row] = VALUES.index(tag), True
        columns[part] = GroupColumn(name, VALUES, codes, by_hand)
    chance = torch.cat([torch.empty(0), *chances])
    accuracy = float(chance.double().mean()) if len(chance) else None
    return columns, _quality(tags, columns, accuracy)


def _quality(tags: Tags, columns: Mapping[str, GroupColumn], accuracy: float | None) -> ProbeQuality:
    """Count the tags and say whether they are enough, or about how many more would be, and of which kind."""
    given = [tag for rows in tags.values() for tag in _tagged(rows).values()]
    codes = torch.cat([column.codes for column in columns.values()])
    has, not_ = (int((codes == code).sum()) for code in range(len(VALUES)))
    rarest: Tag = "has" if given.count(HAS) < given.count(NOT) else "not"
    missing = FEWEST_EACH - given.count(rarest)
    # The left-out error falls about as one over the number of tags.
    wanted = FEWEST if accuracy is None else math.ceil(len(given) * (1 - accuracy) / (1 - ENOUGH))
    more = max(FEWEST, min(wanted, 4 * len(given))) - len(given)
    enough = accuracy is not None and missing <= 0 and more <= 0
    return ProbeQuality(
        accuracy=accuracy,
        enough=enough,
        has=has,
        not_=not_,
        unclear=int((codes < 0).sum()),
        more=0 if enough else max(missing, more, 1),
        rarest=rarest if missing > 0 else None,
    )
