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
from ...tensors import SplitFeatures
from ..metrics import worst_group
from .examples import Examples, thinned

LARGEST_FIT = 65_536


@dataclass(frozen=True)
class Division:
    """The rows of each part: of `train`, if there is such a split to fit on, and of the split `held`.

    `judge` are rows of the split `judged`. No image is in two of the parts.
    """

    train: str | None
    held: str
    judged: str
    trained: Tensor
    unseen: Tensor
    choose: Tensor
    judge: Tensor


@dataclass(frozen=True)
class Plan:
    """The parts of a repair, and the group `columns` that it is weighted by.

    `unseen` is the part of `fit` that is not from `train`, on which the classifier is not overconfident.
    """

    division: Division
    fit: Examples
    unseen: Examples
    choose: Examples
    judge: SplitFeatures
    columns: tuple[str, ...]
    uses: tuple[SplitUse, ...]

    @classmethod
    def of(
        cls, splits: Mapping[str, SplitFeatures], parts: Division, columns: Sequence[str], seed: int
    ) -> Plan:
        """Take the parts with the codes of `columns`; of very many images the largest groups are thinned."""
        held = splits[parts.held]
        unseen, choose = (Examples.of(held, rows, *columns) for rows in (parts.unseen, parts.choose))
        fit = unseen
        if parts.train is not None:
            fit = Examples.join([Examples.of(splits[parts.train], parts.trained, *columns), unseen])
        judge = splits[parts.judged]
        if len(parts.judge) < len(judge):
            judge = rows_of(judge, parts.judge)
        if not (len(unseen) and len(choose) and len(judge)):
            raise InputError(
                f"split {parts.held!r} has too few images to fit, choose and judge a repair", "add images"
            )
        generator = torch.Generator().manual_seed(seed)
        fit, unseen = (thinned(part, LARGEST_FIT, generator).finite() for part in (fit, unseen))
        return cls(parts, fit, unseen, choose, judge, tuple(columns), _uses(parts))

    def with_groups(self, splits: Mapping[str, SplitFeatures], columns: Sequence[str], seed: int = 0) -> Plan:
        """Return a plan of the same images with other group columns, or with other values in `splits`."""
        return replace(Plan.of(splits, self.division, columns, seed), judge=self.judge)


def plan_parts(
    splits: Mapping[str, SplitFeatures],
    debugged: str,
    excluded: Mapping[str, Tensor],
    tag_columns: Sequence[str] = (),
    seed: int = 0,
    columns: Sequence[str] | None = None,
    unjudged: Mapping[str, Tensor] | None = None,
) -> Plan:
    """Divide the splits into the parts of a repair, and pick the group columns to weight by.

    `excluded` maps a split to rows that play no part (marked as mislabelled), `unjudged` to rows that are not
    judged on (copies of images of another split). Parts have the same share of every class and group; tags
    known for less than half of the divided split (they were not propagated) are all fitted on. `columns` are
    those to weight by; None: the `tag_columns` that divide the images, and of the others the one whose worst
    (value, class) is worst on the choosing part, if there is any. Raises InputError when a part is empty.
    """
    parts = _divide(splits, debugged, excluded, tag_columns, seed, unjudged or {})
    if columns is None:
        columns = [name for name in tag_columns if _divides(splits, name)]
        columns += _worst_column(splits[parts.held], parts.choose, tag_columns)
    else:
        columns = [name for name in columns if _divides(splits, name)]
    return Plan.of(splits, parts, columns, seed)


def _divide(
    splits: Mapping[str, SplitFeatures],
    debugged: str,
    excluded: Mapping[str, Tensor],
    tag_columns: Sequence[str],
    seed: int,
    unjudged: Mapping[str, Tensor],
) -> Division:
    """Return the rows of each part."""
    held = _held_out(splits, debugged)
    if not len(splits[held]):
        raise InputError(f"split {held!r} has no images to repair with", "add images")
    train = "train" if "train" in splits and held != "train" else None
    tested = "test" in splits and held != "test"
    shares = (1, 1) if tested else (1, 1, 1) if train else (2, 1, 1)
    # An image whose label is wrong says nothing about any head, so it leaves the judging part as well.
    unseen, choose, *last = (
        _kept(rows, excluded.get(held)) for rows in _parts(splits[held], tag_columns, shares, seed)
    )
    judged = "test" if tested else held
    judge = _all_rows(splits[judged], excluded.get(judged)) if tested else last[0]
    trained = _all_rows(splits[train], excluded.get(train)) if train else torch.empty(0, dtype=torch.int64)
    own = _kept(judge, unjudged.get(judged))
    if len(judge) and not len(own):
        message = f"split {judged!r} has only copies of images in other splits to judge a repair on"
        raise InputError(message, "add images that are in one split alone")
    return Division(train, held, judged, trained, unseen, choose, own)


def _all_rows(split: SplitFeatures, excluded: Tensor | None) -> Tensor:
    return _kept(torch.arange(len(split)), excluded)


def _held_out(splits: Mapping[str, SplitFeatures], debugged: str) -> str:
    """Return the split to divide: the debugged one unless that is `train` or `test` and there are others."""
    own = [debugged] if debugged not in ("train", "test") else []
    return next(name for name in (*own, "val", "train", debugged) if name in splits)


def _kept(rows: Tensor, excluded: Tensor | None) -> Tensor:
    """Return the rows that are not excluded."""
    return rows if excluded is None else rows[~torch.isin(rows, excluded)]


def _parts(
    split: SplitFeatures, tag_columns: Sequence[str], shares: Sequence[int], seed: int
) -> list[Tensor]:
    """Return the rows of each part, drawn with the same share of every class and group.

    Neither the names of classes and groups nor the order of the images matters: cells take turns, from the
    largest to the smallest, and the images of each in the order of their random keys.
    """
    strata = torch.stack([split.labels, *(column.codes for column in split.groups.values())])
    _, cell, count = torch.unique(strata, dim=1, return_inverse=True, return_counts=True)
    # Keys come from the paths, not from places: a reordered data set is divided in the same way.
    keys = _random_keys(split.paths, seed)
    lowest = torch.full_like(count, 2**63 - 1).scatter_reduce(0, cell, keys, "amin")
    cells = lowest.argsort()
    # An order of the cells that neither their names nor the images' places decide; ties by the lowest key.
    cells = cells[count[cells].argsort(descending=True, stable=True)]
    order = keys.argsort()
    order = order[cells.argsort()[cell[order]].sort(stable=True).indices]
    pattern = torch.repeat_interleave(torch.arange(len(shares)), torch.tensor(shares))
    part = torch.empty(len(split), dtype=torch.int64)
    part[order] = pattern[torch.arange(len(split)) % len(pattern)]
    for name in tag_columns:
        if name in split.groups:
            known = split.groups[name].codes >= 0
            # A few dozen tags that were not carried are too few to divide: fitting needs them all.
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


def _divides(splits: Mapping[str, SplitFeatures], name: str) -> bool:
    """Return whether images have at least two values of a column."""
    columns = [split.groups[name] for split in splits.values() if name in split.groups]
    codes = torch.cat([column.codes.unique() for column in columns]) if columns else torch.empty(0)
    return len(codes[codes >= 0].unique()) > 1


def _worst_column(split: SplitFeatures, rows: Tensor, tag_columns: Sequence[str]) -> list[str]:
    """Return the column but the tags' whose worst (value, class) the classifier does worst on in `rows`."""
    labels, predicted = split.labels[rows], split.predicted[rows]
    parts = {name: column.take(rows) for name, column in split.groups.items() if name not in tag_columns}
    names = [str(label) for label in range(int(split.labels.max()) + 1)]
    found = worst_group(labels, predicted, parts, names)
    return [found.column] if found else []


def rows_of(split: SplitFeatures, rows: Tensor) -> SplitFeatures:
    """Return the split with only `rows` [K] int64."""
    groups = {name: column.take(rows) for name, column in split.groups.items()}
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


def _uses(parts: Division) -> tuple[SplitUse, ...]:
    """Say which images play which part."""
    trained = len(parts.trained)
    note = f"of which at most {LARGEST_FIT}, the largest groups thinned" if trained > LARGEST_FIT else ""
    whole = parts.judged != parts.held
    return (
        *((SplitUse("fit", parts.train, trained, note),) if parts.train else ()),
        SplitUse("fit", parts.held, len(parts.unseen), "a random part"),
        SplitUse("choose", parts.held, len(parts.choose), "a part that is not fitted on"),
        SplitUse(
            "judge", parts.judged, len(parts.judge), "" if whole else "a part neither fitted nor chosen on"
        ),
    )
