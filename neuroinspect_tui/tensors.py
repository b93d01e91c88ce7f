"""The tensors that the stages share: the decision layer, a split's features, and the progress callback."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import torch
from torch import Tensor

from .errors import InputError
from .results import Sample

OnProgress = Callable[[int, int], None]
"""`on_progress(done, total)` reports progress and raises `errors.Cancelled` when the job was cancelled."""


def no_progress(done: int, total: int) -> None:
    """Report to nobody."""


def part_of(on_progress: OnProgress, number: int, parts: int) -> OnProgress:
    """Return the on_progress of part `number` (from 0) of a job that has as many equal `parts`."""
    return lambda done, total: on_progress(number * total + done, parts * total)


class Memory(Protocol):
    """Where a long fit leaves its tensors between two epochs, to find them when the stage is run again."""

    def recall(self, name: str) -> dict[str, Tensor] | None:
        """Return what was kept under `name`, or None."""

    def keep(self, name: str, tensors: dict[str, Tensor]) -> None:
        """Keep tensors under `name` in place of earlier ones."""


class NoMemory:
    """Keeps nothing."""

    def recall(self, name: str) -> None:
        """Return None."""

    def keep(self, name: str, tensors: dict[str, Tensor]) -> None:
        """Do nothing."""


NO_MEMORY = NoMemory()


@dataclass(frozen=True)
class Head:
    """The decision layer: logits = z @ weight.T + bias. `weight` [C,D], `bias` [C], float32 on the CPU.

    Without `has_bias` the layer has no bias that could be changed: a repair must leave `bias` as it is.
    """

    weight: Tensor
    bias: Tensor
    has_bias: bool = True

    @property
    def classes(self) -> int:
        """C."""
        return self.weight.shape[0]

    @property
    def neurons(self) -> int:
        """D."""
        return self.weight.shape[1]

    def require(self, neurons: Iterable[int]) -> None:
        """Raise InputError for a neuron that the layer does not have."""
        unknown = next((neuron for neuron in neurons if not 0 <= neuron < self.neurons), None)
        if unknown is not None:
            raise InputError(f"neuron {unknown} does not exist", f"give numbers from 0 to {self.neurons - 1}")

    def logits(self, features: Tensor) -> Tensor:
        """Return [N,C] for features [N,D] of any float type, on the features' device."""
        weight = self.weight.to(features.device)
        return torch.nn.functional.linear(features.to(weight.dtype), weight, self.bias.to(features.device))


@dataclass(frozen=True)
class GroupColumn:
    """A group column of one split: `codes` [N] int64 index into `values`; -1 where the value is empty.

    `by_hand` [N] bool are the values of images that were tagged, where a probe gave the others theirs;
    `trust` [N] float32 is about how likely each value is right (None: all are).
    """

    name: str
    values: tuple[str, ...]
    codes: Tensor
    by_hand: Tensor | None = None
    trust: Tensor | None = None

    @property
    def estimated(self) -> bool:
        """Whether a probe gave some of the values."""
        return self.by_hand is not None and bool(((self.codes >= 0) & ~self.by_hand).any())

    def take(self, rows: Tensor) -> GroupColumn:
        """Return the column of `rows` [K] alone."""
        by_hand, trust = (None if one is None else one[rows] for one in (self.by_hand, self.trust))
        return GroupColumn(self.name, self.values, self.codes[rows], by_hand, trust)


@dataclass(frozen=True)
class Shard:
    """The evaluation of images `start`…`stop` (exclusive) of a split; n of them could be read.

    `rows` [n] int64 their index in the split, ascending; `features` [n,D] of any float type, `labels` [n]
    int64, `top_logits` [n,5] float32, `top_classes` [n,5] int64, `confidence` [n] float32 (all on the CPU);
    `unreadable` holds (row, reason) of the others; `passing` are those of them to be read again another time.
    """

    start: int
    stop: int
    rows: Tensor
    features: Tensor
    labels: Tensor
    top_logits: Tensor
    top_classes: Tensor
    confidence: Tensor
    unreadable: tuple[tuple[int, str], ...] = ()
    passing: tuple[int, ...] = ()


@dataclass(frozen=True)
class SplitFeatures:
    """What evaluation leaves of one split, one row for each image that could be read.

    `features` [N,D] float32 (memory-mapped: read block by block; float16 in those of version 0.1), `labels`
    [N] int64, `top_logits` [N,5] float32 and `top_classes` [N,5] int64 from the model itself, `paths` N names
    as in the manifest, `rows` [N] int64 the image's index in the data set's split.
    """

    split: str
    features: Tensor
    labels: Tensor
    top_logits: Tensor
    top_classes: Tensor
    confidence: Tensor
    paths: Sequence[str]
    rows: Tensor
    groups: dict[str, GroupColumn] = field(default_factory=dict)

    def __len__(self) -> int:
        return self.features.shape[0]

    @property
    def predicted(self) -> Tensor:
        """[N] int64 predicted class."""
        return self.top_classes[:, 0]

    @property
    def mistakes(self) -> Tensor:
        """[N] bool."""
        return self.predicted != self.labels

    def samples(self, rows: Tensor) -> tuple[Sample, ...]:
        """Return a Sample for each of `rows` [K] int64."""
        columns = (rows, self.labels[rows], self.predicted[rows], self.confidence[rows])
        groups = self._values(rows)
        return tuple(
            Sample(self.split, row, self.paths[row], label, predicted, confidence, groups=values)
            for (row, label, predicted, confidence), values in zip(
                zip(*(column.tolist() for column in columns), strict=True), groups, strict=True
            )
        )

    def _values(self, rows: Tensor) -> Iterator[dict[str, str]]:
        """Yield what each of `rows` has in each group column that knows it."""
        codes = {name: column.codes[rows].tolist() for name, column in self.groups.items()}
        for place in range(len(rows)):
            yield {name: self.groups[name].values[of[place]] for name, of in codes.items() if of[place] >= 0}
