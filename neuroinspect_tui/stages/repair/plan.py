"""Which images play which part in a repair: fitted on, chosen by, judged on.

| there is              | fitted on                     | chosen on        | judged on        |
|-----------------------|-------------------------------|------------------|------------------|
| train, debugged, test | train and half of debugged    | its other half   | test             |
| debugged, test        | half of debugged              | its other half   | test             |
| train, test           | half of train                 | its other half   | test             |
| train, debugged       | train and a third of debugged | its second third | its last third   |
| one split             | half of it                    | a quarter        | the last quarter |

The classifier is overconfident on the images that it was trained on: with half of the debugged split beside
`train`, heads repair more (docs/benchmarks.md). `test`, where it is not the only split, is judged on
and nothing else.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ...errors import InputError
from ...results import SplitUse
from ...tensors import GroupColumn, SplitFeatures
from ..metrics import worst_group
from .examples import Examples, thinned

LARGEST_FIT = 65_536


@dataclass(frozen=True)
class Plan:
    """The parts of a repair; no image is in two of fit, choose and judge.

    `unseen` is the part of `fit` that is not from `train`, on which the classifier is not overconfident.
    """

    fit: Examples
    unseen: Examples
    choose: Examples
    judge: SplitFeatures
    column: str | None
    uses: tuple[SplitUse, ...]


def plan_parts(
    splits: Mapping[str, SplitFeatures],
    debugged: str,
    excluded: Mapping[str, Tensor],
    tag_column: str | None = None,
    seed: int = 0,
) -> Plan:
    """Divide the splits into the parts of a repair, and pick the group column to weight by.

    `excluded` maps a split to rows (marked as mislabelled) that are neither fitted nor chosen on. Parts have
    the same share of every class and group; tags known for less than half of the divided split (they were
    not propagated) are all fitted on. The column is `tag_column` if two of its values are in use, else the
    one whose worst (value, class) is worst on the choosing part, if there is any. Raises InputError when a
    part would be empty.
    """
    generator = torch.Generator().manual_seed(seed)
    held = _held_out(splits, debugged)
    if not len(splits[held]):
        raise InputError(f"split {held!r} has no images to repair with", "add images")
    train = "train" if "train" in splits and held != "train" else None
    test = splits["test"] if "test" in splits and held != "test" else None
    shares = (1, 1) if test is not None else (1, 1, 1) if train else (2, 1, 1)
    first, second, *last = (
        _kept(rows, excluded.get(held)) if part < 2 else rows
        for part, rows in enumerate(_parts(splits[held], tag_column, shares, seed))
    )
    column = _tags_that_divide(splits, tag_column) or _worst_column(splits[held], second, tag_column)
    unseen, choose = (Examples.of(splits[held], rows, column) for rows in (first, second))
    fit = unseen
    if train:
        rows = _kept(torch.arange(len(splits[train])), excluded.get(train))
        fit = Examples.join([Examples.of(splits[train], rows, column), unseen])
    judge = test if test is not None else rows_of(splits[held], last[0])
    if not (len(unseen) and len(choose) and len(judge)):
        raise InputError(f"split {held!r} has too few images to fit, choose and judge a repair", "add images")
    uses = _uses(train, held, len(fit) - len(unseen), len(unseen), len(choose), judge)
    fit, unseen = (thinned(part, LARGEST_FIT, generator).finite() for part in (fit, unseen))
    return Plan(fit, unseen, choose, judge, column, uses)


def _held_out(splits: Mapping[str, SplitFeatures], debugged: str) -> str:
    """Return the split to divide: the debugged one unless that is `train` or `test` and there are others."""
    own = [debugged] if debugged not in ("train", "test") else []
    return next(name for name in (*own, "val", "train", debugged) if name in splits)


def _kept(rows: Tensor, excluded: Tensor | None) -> Tensor:
    """Return the rows that are not excluded."""
    return rows if excluded is None else rows[~torch.isin(rows, excluded)]


def _parts(split: SplitFeatures, tag_column: str | None, shares: Sequence[int], seed: int) -> list[Tensor]:
    """Return the rows of each part, drawn with the same share of every class and group.

    Neither the names of classes and groups nor the order of the images matters: cells are dealt from the
    largest to the smallest, the images of each in the order of their random keys.
    """
    strata = torch.stack([split.labels, *(column.codes for column in split.groups.values())])
    _, cell, count = torch.unique(strata, dim=1, return_inverse=True, return_counts=True)
    keys = _random_keys(split.paths, seed)
    lowest = torch.full_like(count, 2**63 - 1).scatter_reduce(0, cell, keys, "amin")
    cells = lowest.argsort()
    cells = cells[count[cells].argsort(descending=True, stable=True)]
    order = keys.argsort()
    order = order[cells.argsort()[cell[order]].sort(stable=True).indices]
    pattern = torch.repeat_interleave(torch.arange(len(shares)), torch.tensor(shares))
    part = torch.empty(len(split), dtype=torch.int64)
    part[order] = pattern[torch.arange(len(split)) % len(pattern)]
    if tag_column in split.groups:
        known = split.groups[tag_column].codes >= 0
        part[known & (2 * known.sum() < len(split))] = 0
    return [(part == index).nonzero()[:, 0] for index in range(len(shares))]


def _random_keys(paths: Sequence[str], seed: int) -> Tensor:
    """Return a random number for each image, [N] int64, that depends on its path and the seed alone."""
    key = seed.to_bytes(8, "little", signed=True)
    digests = (
        hashlib.blake2b(paths[row].encode("utf-8", "surrogatepass"), digest_size=8, key=key)
        for row in range(len(paths))
    )
    return torch.tensor([int.from_bytes(one.digest(), "little", signed=True) for one in digests])


def _tags_that_divide(splits: Mapping[str, SplitFeatures], tag_column: str | None) -> str | None:
    """Return the tag column if images have at least two of its values."""
    columns = [split.groups[tag_column] for split in splits.values() if tag_column in split.groups]
    codes = torch.cat([column.codes.unique() for column in columns]) if columns else torch.empty(0)
    return tag_column if len(codes[codes >= 0].unique()) > 1 else None


def _worst_column(split: SplitFeatures, rows: Tensor, tag_column: str | None) -> str | None:
    """Return the column but the tags' whose worst (value, class) the classifier does worst on in `rows`."""
    labels, predicted = split.labels[rows], split.predicted[rows]
    parts = {
        name: GroupColumn(name, column.values, column.codes[rows])
        for name, column in split.groups.items()
        if name != tag_column
    }
    found = worst_group(
        labels, predicted, parts, [str(label) for label in range(int(split.labels.max()) + 1)]
    )
    return found.column if found else None


def rows_of(split: SplitFeatures, rows: Tensor) -> SplitFeatures:
    """Return the split with only `rows` [K] int64."""
    groups = {
        name: GroupColumn(column.name, column.values, column.codes[rows])
        for name, column in split.groups.items()
    }
    return replace(
        split,
        features=split.features[rows],
        labels=split.labels[rows],
        top_logits=split.top_logits[rows],
        top_classes=split.top_classes[rows],
        confidence=split.confidence[rows],
        paths=[split.paths[row] for row in rows.tolist()],
        rows=split.rows[rows],
        groups=groups,
    )


def _uses(
    train: str | None, held: str, trained: int, unseen: int, choose: int, judge: SplitFeatures
) -> tuple[SplitUse, ...]:
    """Say which images play which part."""
    note = f"of which at most {LARGEST_FIT}, the largest groups thinned" if trained > LARGEST_FIT else ""
    whole = judge.split != held
    return (
        *((SplitUse("fit", train, trained, note),) if train else ()),
        SplitUse("fit", held, unseen, "a random part"),
        SplitUse("choose", held, choose, "a part that is not fitted on"),
        SplitUse("judge", judge.split, len(judge), "" if whole else "a part neither fitted nor chosen on"),
    )
