"""The images that a repair is fitted, chosen or judged on: rows of cached features, read block by block."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ...tensors import Head, OnProgress, SplitFeatures, no_progress

BLOCK_ELEMENTS = 1 << 23
SMALLEST_CELL = 32
ROUNDS = 30
"""Rounds of proportional fitting: far more than two or three columns need."""


@dataclass(frozen=True)
class Examples:
    """Rows of one or more splits, one after another, without a copy of their features.

    `sources` holds (features [n,D] of any float type, rows [m] int64) of each split; `labels` [N] int64 and
    `codes` [N,G] int64 (the value of each of G ≥ 1 group columns, -1 unknown) follow the same order, N the
    sum of the m. `trust` [N] float32 is about how likely an example's codes are right.
    """

    sources: tuple[tuple[Tensor, Tensor], ...]
    labels: Tensor
    codes: Tensor
    trust: Tensor

    @classmethod
    def of(cls, split: SplitFeatures, rows: Tensor, *columns: str) -> Examples:
        """Take `rows` of a split with the codes of its group `columns` (none, or absent: all unknown)."""
        unknown = torch.full_like(rows, -1)
        known = [split.groups[name].take(rows) if name in split.groups else None for name in columns]
        codes = [unknown if one is None else one.codes for one in known]
        trust = torch.ones(len(rows))
        for one in known:
            trust = trust if one is None or one.trust is None else trust * one.trust
        return cls(((split.features, rows),), split.labels[rows], torch.stack(codes or [unknown], 1), trust)

    @classmethod
    def plain(cls, features: Tensor, labels: Tensor, codes: Tensor | None = None) -> Examples:
        """Take all rows of features [N,D] in memory, with codes [N] or [N,G]."""
        rows = torch.arange(len(labels))
        codes = torch.full_like(labels, -1) if codes is None else codes
        return cls(((features, rows),), labels, codes.view(len(labels), -1), torch.ones(len(labels)))

    @classmethod
    def join(cls, parts: Sequence[Examples]) -> Examples:
        """Put examples one after another."""
        return cls(
            tuple(source for part in parts for source in part.sources),
            torch.cat([part.labels for part in parts]),
            torch.cat([part.codes for part in parts]),
            torch.cat([part.trust for part in parts]),
        )

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def neurons(self) -> int:
        """D."""
        return self.sources[0][0].shape[1]

    def take(self, index: Tensor, device: torch.device | None = None) -> Tensor:
        """Return the features [len(index),D] float32 of the examples at `index`, on `device` or the CPU."""
        found = torch.empty(len(index), self.neurons)
        start = 0
        for features, rows in self.sources:
            here = (index >= start) & (index < start + len(rows))
            found[here] = features[rows[index[here] - start]].float()
            start += len(rows)
        return found.to(device)

    def subset(self, index: Tensor) -> Examples:
        """Return the examples at `index` [K], grouped by source: `index` is sorted first."""
        index = index.sort().values
        ends = torch.tensor([len(rows) for _, rows in self.sources]).cumsum(0)
        starts = ends - torch.tensor([len(rows) for _, rows in self.sources])
        sources = tuple(
            (features, rows[index[(index >= start) & (index < end)] - start])
            for (features, rows), start, end in zip(self.sources, starts, ends, strict=True)
        )
        return Examples(sources, self.labels[index], self.codes[index], self.trust[index])

    def known(self) -> Examples:
        """Return the examples of known groups, and all of the classes in which no group is known."""
        known = (self.codes >= 0).all(dim=1)
        tagged = torch.zeros(int(self.labels.max()) + 1, dtype=torch.bool)
        tagged[self.labels[known]] = True
        return self.subset((known | ~tagged[self.labels]).nonzero()[:, 0])

    def finite(self) -> Examples:
        """Return the examples whose features are all finite."""
        kept = torch.empty(len(self), dtype=torch.bool)
        for where, features in self.blocks():
            kept[where] = features.sum(dim=1).isfinite()
        return self if bool(kept.all()) else self.subset(kept.nonzero()[:, 0])

    def blocks(self) -> Iterator[tuple[slice, Tensor]]:
        """Yield (slice of the examples, their features [B,D] float32) in order."""
        size = max(1, BLOCK_ELEMENTS // self.neurons)
        start = 0
        for features, rows in self.sources:
            for part in rows.split(size):
                if len(part):
                    yield slice(start, start + len(part)), features[part].float()
                    start += len(part)

    def logits(self, head: Head) -> Tensor:
        """Return [N,C] float32."""
        found = torch.empty(len(self), head.classes)
        for where, features in self.blocks():
            found[where] = head.logits(features)
        return found

    def predictions(self, head: Head, on_progress: OnProgress = no_progress) -> Tensor:
        """Return the predicted class [N] int64."""
        found = torch.empty(len(self), dtype=torch.int64)
        for where, features in self.blocks():
            on_progress(where.start, len(self))
            found[where] = head.logits(features).argmax(dim=1)
        return found

    def cells(self) -> tuple[Tensor, Tensor]:
        """Return each example's cell [N], its (class, values) counted 0…K-1, and the cells' sizes [K].

        "Unknown" is a value like the others.
        """
        return _counted(self.labels, *self.codes.T)

    def marginals(self) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        """Yield, for each group column, the `cells` of (class, value) of it alone, and its codes [N]."""
        for codes in self.codes.T:
            yield *_counted(self.labels, codes), codes

    def parts(self) -> Tensor:
        """Return the number of each example's source, [N] int64."""
        sizes = torch.tensor([len(rows) for _, rows in self.sources])
        return torch.repeat_interleave(torch.arange(len(sizes)), sizes)

    def balanced_weights(self, shares: Sequence[float] | None = None) -> Tensor:
        """Return weights [N] float32 that sum to 1 and give every (class, value) cell the same total.

        That is of cells which are known for sure: others have less, as far as their examples are trusted.
        Within a cell each source has its share of `shares` (None: every example counts the same). With
        several group columns the cells of each are given their totals in turn (iterative proportional
        fitting, Deming and Stephan, Ann. Math. Stat. 11 (1940)): cells of all values at once may be nearly
        empty.
        """
        parts, portions = self.parts(), torch.ones(len(self))
        if shares is None:
            parts = torch.zeros_like(parts)
        else:
            portions = torch.tensor(shares)[parts]
        weights = torch.full((len(self),), 1.0 / max(1, len(self)))
        for _ in range(1 if self.codes.shape[1] == 1 else ROUNDS):
            for cell, count, _ in self.marginals():
                weights = _with_totals(weights, cell, len(count), parts, portions)
        weights = weights * self.trust
        return weights / weights.sum().clamp(min=1e-12)


def _counted(*columns: Tensor) -> tuple[Tensor, Tensor]:
    """Return the number [N] of each distinct tuple of values, in their order, and how often each is there."""
    key = columns[0]
    for column in columns[1:]:
        values = int(column.max()) + 2 if len(column) else 1
        key = torch.unique(key, return_inverse=True)[1] * values + column + 1
    _, cell, count = torch.unique(key, return_inverse=True, return_counts=True)
    return cell, count


def _with_totals(weights: Tensor, cell: Tensor, cells: int, parts: Tensor, portions: Tensor) -> Tensor:
    """Scale weights [N] so that each cell has the same total, and its parts share it by their `portions`."""
    joint = cell * (int(parts.max()) + 1 if len(parts) else 1) + parts
    have = torch.zeros(int(joint.max()) + 1 if len(joint) else 0).index_add_(0, joint, weights)
    scaled = weights * portions / have[joint]
    total = torch.zeros(cells).index_add_(0, cell, scaled)
    return scaled / (total[cell] * cells)


def thinned(examples: Examples, limit: int, generator: torch.Generator) -> Examples:
    """Return at most `limit` examples (or 32 a cell, if that is more), the largest cells cut at random.

    Cells are those of (class, value) within each source; none below the common size that fills the limit
    loses any.
    """
    cell = examples.cells()[0] * len(examples.sources) + examples.parts()
    _, cell, count = torch.unique(cell, return_inverse=True, return_counts=True)
    limit = max(limit, SMALLEST_CELL * len(count))
    if len(examples) <= limit:
        return examples
    quota = _common_size(count, limit)
    order = torch.randperm(len(examples), generator=generator)
    order = order[cell[order].sort(stable=True).indices]
    place = torch.arange(len(examples)) - (count.cumsum(0) - count)[cell[order]]
    return examples.subset(order[place < quota])


def _common_size(count: Tensor, limit: int) -> int:
    """Return the largest q with sum(min(count, q)) <= limit, at least 1."""
    low, high = 1, int(count.max())
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if int(count.clamp(max=middle).sum()) <= limit else (low, middle - 1)
    return low
