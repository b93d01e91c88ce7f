"""Tags that the user puts on images, and how few of them become groups of all images.

Rows are rows of a split's features.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace

import torch
from torch import Tensor

from ..results import ProbeQuality, RareCell, Tag
from ..results.stored_cues import HAS, MISLABELLED, NOT
from ..tensors import GroupColumn, SplitFeatures
from .estimates import Evidence
from .probe import Probe, fit_probe, margins
from .rare_tags import VALUES, Carried, CarriedSplit, described, rare_cells, rare_table, unconfirmed

Tags = Mapping[str, Mapping[int, str]]
"""Hand-made tags of one cue: split name → row → tag."""

COLUMN = "tag"
DOUBTFUL = 0.2
FEWEST, FEWEST_EACH = 20, 8
ENOUGH = 0.85
MOST_CELLS = 8


def grouping(tags: Mapping[int, str]) -> dict[int, str]:
    """Return the tags that make groups."""
    return {row: tag for row, tag in tags.items() if tag in VALUES}


def cue_probe(splits: Mapping[str, SplitFeatures], tags: Tags) -> Probe | None:
    """Return a probe fitted on the tags of one cue in all splits; None unless there are both kinds."""
    used = {name: grouping(tags.get(name, {})) for name in splits}
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
        rows = torch.tensor(sorted(grouping(tagged)), dtype=torch.int64)
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
    used = [(splits[name], grouping(tags.get(name, {}))) for name in splits]
    rows = [(split, torch.tensor(list(tagged))) for split, tagged in used if tagged]
    codes = torch.tensor([VALUES.index(tag) for _, tagged in used for tag in tagged.values()])
    carried = torch.where(margins(probe.left_out) < DOUBTFUL, -1, probe.left_out.argmax(dim=1))
    features = torch.cat([split.features[own].float() for split, own in rows])
    labels = torch.cat([split.labels[own] for split, own in rows])
    return Evidence(features, labels, carried, codes, margins(probe.left_out))


def carry(split: SplitFeatures, tags: Mapping[int, str], probe: Probe | None) -> tuple[CarriedSplit, Tensor]:
    """Return what the tags of one split and the probe say of its images, and how likely each is right, [K].

    The K are those that the probe decides. A hand-made tag always wins; images whose two scores are within
    0.2 of each other stay unknown (−1): a wrong group does more harm to a repair than an unknown one.
    """
    codes, sure = torch.full((len(split),), -1), torch.zeros(len(split))
    chances = torch.empty(0)
    if probe is not None:
        scores = probe.scores(split.features)
        sure = margins(scores)
        codes = torch.where(sure < DOUBTFUL, -1, scores.argmax(dim=1))
        chances = probe.chances(scores[codes >= 0])
    by_hand = torch.zeros(len(split), dtype=torch.bool)
    for row, tag in grouping(tags).items():
        codes[row], by_hand[row] = VALUES.index(tag), True
    return CarriedSplit(codes, by_hand, sure), chances


def taught_on(splits: Mapping[str, SplitFeatures]) -> dict[str, SplitFeatures]:
    """Return the splits whose images are counted and proposed: all but `test`, where there are others."""
    return {name: split for name, split in splits.items() if name != "test"} or dict(splits)


def make_groups(
    splits: Mapping[str, SplitFeatures], tags: Tags, carried: bool = True, name: str = COLUMN
) -> tuple[dict[str, GroupColumn], ProbeQuality]:
    """Return the group column `name` of every split that a cue's tags make, and how far they can be trusted.

    With `carried` and tags of both kinds, a linear probe tags every other image (`carry`); without, untagged
    images stay unknown. Where the probe puts images into a rare cell, they are trusted as far as it is right
    there, and unknown where no tag confirms that the cell is not empty.
    """
    evidence = tag_evidence(splits, tags) if carried else None
    probe = cue_probe(splits, tags) if carried else None
    found = {part: carry(split, tags.get(part, {}), probe) for part, split in splits.items()}
    said = {part: one for part, (one, _) in found.items()}
    trust = {part: torch.ones(len(split)) for part, split in splits.items()}
    cells: tuple[RareCell, ...] = ()
    if evidence is not None:
        own = taught_on(splits)
        joined = Carried.of(own, said)
        rare = rare_cells(joined, evidence)
        cells = tuple(described(cell, joined, evidence) for cell in rare[:MOST_CELLS])
        _leave_out_unconfirmed(splits, said, rare_table(joined.labels, joined.codes), evidence)
        for cell in rare:
            for part, split in splits.items():
                inside = (split.labels == cell.label) & (said[part].codes == cell.code) & ~said[part].by_hand
                trust[part][inside] = cell.rate
    columns = {
        part: GroupColumn(name, VALUES, one.codes, one.by_hand, trust[part]) for part, one in said.items()
    }
    chance = torch.cat([torch.empty(0), *(chances for _, chances in found.values())])
    accuracy = float(chance.double().mean()) if len(chance) else None
    return columns, replace(_quality(tags, columns, accuracy), cells=cells)


def _leave_out_unconfirmed(
    splits: Mapping[str, SplitFeatures], said: Mapping[str, CarriedSplit], rare: Tensor, evidence: Evidence
) -> None:
    """Make the codes of images in rare cells that no tag confirms unknown."""
    empty = unconfirmed(rare, evidence)
    for part, split in splits.items():
        codes = said[part].codes
        inside = (codes >= 0) & (split.labels < len(rare))
        inside[inside.clone()] = empty[split.labels[inside], codes[inside]]
        codes[inside] = -1


def _quality(tags: Tags, columns: Mapping[str, GroupColumn], accuracy: float | None) -> ProbeQuality:
    """Count the tags and say whether they are enough, or about how many more would be, and of which kind."""
    given = [tag for rows in tags.values() for tag in grouping(rows).values()]
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
