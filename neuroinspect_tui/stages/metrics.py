"""Rates of a classifier on one split: class table, group table, and the numbers of one decision layer.

Everything is counted with vectorised tensor operations, never with a Python loop over images. Recall,
precision and F1 are the usual ones; precision and F1 of a class that is never predicted are 0, as
scikit-learn's `zero_division=0` has it, and an accuracy over no images is None.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ..errors import InputError
from ..results import ClassResult, Confusion, GroupResult, Metrics, WorstClass, WorstGroup
from ..tensors import GroupColumn, Head, OnProgress, SplitFeatures, no_progress

Z_95 = 1.959963984540054
BLOCK_ELEMENTS = 1 << 23


def wilson_interval(correct: int, count: int) -> tuple[float, float] | None:
    """Return the 95 % Wilson score interval of correct / count, or None over no images.

    Source: Wilson, J. Am. Stat. Assoc. 22 (1927), without continuity correction.
    """
    if count == 0:
        return None
    rate, weight = correct / count, Z_95**2 / count
    centre = (rate + weight / 2) / (1 + weight)
    half = math.sqrt(rate * (1 - rate) * weight + weight**2 / 4) / (1 + weight)
    return max(0.0, centre - half), min(1.0, centre + half)


def fixed_and_broken(labels: Tensor, before: Tensor, after: Tensor) -> tuple[int, int]:
    """Return how many images [N] became right and how many became wrong."""
    was_right, is_right = before == labels, after == labels
    return int((~was_right & is_right).sum()), int((was_right & ~is_right).sum())


def confusion_matrix(labels: Tensor, predicted: Tensor, classes: int) -> Tensor:
    """Return [C,C] int64: row the label, column the prediction."""
    return torch.bincount(labels * classes + predicted, minlength=classes**2).view(classes, classes)


def confusion_counts(labels: Tensor, predicted: Tensor, classes: int) -> Tensor:
    """Return the confusion matrix as a sparse, coalesced tensor: no C x C memory for many classes."""
    pairs, counts = torch.unique(labels * classes + predicted, return_counts=True)
    index = torch.stack([pairs // classes, pairs % classes])
    return torch.sparse_coo_tensor(
        index, counts, (classes, classes), is_coalesced=True, check_invariants=False
    )


def predict(head: Head, features: Tensor, on_progress: OnProgress = no_progress) -> Tensor:
    """Return the predictions [N] int64 of `head` on features [N,D] of any float type, block by block."""
    block = max(1, BLOCK_ELEMENTS // max(head.classes, head.neurons))
    predicted = torch.empty(len(features), dtype=torch.int64)
    for start in range(0, len(features), block):
        on_progress(start, len(features))
        predicted[start : start + block] = head.logits(features[start : start + block]).argmax(dim=1)
    return predicted


@dataclass(frozen=True)
class ClassCounts:
    """Per class, [C] int64 each: images, images predicted right, and images predicted as the class."""

    count: Tensor
    correct: Tensor
    claimed: Tensor

    @classmethod
    def of(cls, labels: Tensor, predicted: Tensor, classes: int) -> ClassCounts:
        """Count labels [N] and predictions [N]."""
        right = labels[labels == predicted]
        return cls(*(torch.bincount(values, minlength=classes) for values in (labels, right, predicted)))

    @classmethod
    def of_confusion(cls, confusion: Tensor) -> ClassCounts:
        """Read the counts off a sparse confusion matrix [C,C]."""
        (label, guess), counts = confusion.indices(), confusion.values()
        zero = torch.zeros(len(confusion), dtype=torch.int64)
        right = label == guess
        return cls(
            zero.index_add(0, label, counts),
            zero.index_add(0, label[right], counts[right]),
            zero.index_add(0, guess, counts),
        )

    @property
    def accuracy(self) -> Tensor:
        """[C] float64, NaN for a class without images."""
        return self.correct.double() / self.count

    @property
    def precision(self) -> Tensor:
        """[C] float64, 0 for a class that is never predicted."""
        return self.correct.double() / self.claimed.clamp(min=1)

    @property
    def f1(self) -> Tensor:
        """[C] float64, 0 for a class that is neither there nor predicted."""
        return 2 * self.correct.double() / (self.count + self.claimed).clamp(min=1)

    def micro(self) -> float | None:
        """Return the share of all images that are right."""
        total = int(self.count.sum())
        return int(self.correct.sum()) / total if total else None

    def macro(self) -> float | None:
        """Return the mean accuracy of the classes that have images."""
        present = self.count > 0
        return float(self.accuracy[present].mean()) if bool(present.any()) else None

    def worst(self) -> int | None:
        """Return the class of lowest accuracy: of equals the one with most images, then the first."""
        return lowest(self.accuracy, self.count)


def lowest(accuracy: Tensor, count: Tensor) -> int | None:
    """Return where `accuracy` [K] is lowest and `count` > 0: of equals the largest count, then the first."""
    present = count > 0
    if not bool(present.any()):
        return None
    tied = present & (accuracy == accuracy[present].min())
    return int(torch.where(tied, count, 0).argmax())


def class_results(labels: Tensor, predicted: Tensor, names: Sequence[str]) -> tuple[ClassResult, ...]:
    """Return one row a class, in class order; `labels` and `predicted` are [N] int64 below len(names)."""
    return class_table(confusion_counts(labels, predicted, len(names)), names)


def class_table(confusion: Tensor, names: Sequence[str]) -> tuple[ClassResult, ...]:
    """Return the rows of `class_results` from the sparse confusion matrix [C,C] of `confusion_counts`."""
    counts = ClassCounts.of_confusion(confusion)
    confusions = _confusions(confusion, names)
    columns = zip(
        counts.count.tolist(),
        counts.correct.tolist(),
        counts.precision.tolist(),
        counts.f1.tolist(),
        strict=True,
    )
    return tuple(
        ClassResult(
            index=index,
            name=names[index],
            count=count,
            correct=correct,
            accuracy=correct / count if count else None,
            precision=precision,
            f1=f1,
            interval=wilson_interval(correct, count),
            confusions=tuple(confusions[index]),
        )
        for index, (count, correct, precision, f1) in enumerate(columns)
    )


def _confusions(confusion: Tensor, names: Sequence[str]) -> list[list[Confusion]]:
    """Return each class's confusions, the most frequent first, of equals the lower class index."""
    (labels, others), counts = confusion.indices(), confusion.values()
    order = torch.sort(counts, descending=True, stable=True).indices
    order = order[(labels != others)[order]]
    found: list[list[Confusion]] = [[] for _ in names]
    columns = (column[order].tolist() for column in (labels, others, counts))
    for label, other, count in zip(*columns, strict=True):
        found[label].append(Confusion(other, names[other], count))
    return found


@dataclass(frozen=True)
class GroupCells:
    """The nonempty (value, class) cells of one group column, ordered by value, then class.

    `cell` [K] int64 is value index x C + class; `count` and `correct` [K] int64 are its images.
    """

    column: GroupColumn
    cell: Tensor
    count: Tensor
    correct: Tensor

    @classmethod
    def of(cls, column: GroupColumn, labels: Tensor, predicted: Tensor, classes: int) -> GroupCells:
        """Count labels [N] and predictions [N]; images whose value is empty are in no cell."""
        known = column.codes >= 0
        codes = (column.codes * classes + labels)[known]
        right = (labels == predicted)[known]
        cell, inverse, count = torch.unique(codes, return_inverse=True, return_counts=True)
        return cls(column, cell, count, torch.bincount(inverse[right], minlength=len(cell)))

    def row(self, index: int, names: Sequence[str]) -> GroupResult:
        """Return the cell at `index` as a row of the group table."""
        value, label = divmod(int(self.cell[index]), len(names))
        count, correct = int(self.count[index]), int(self.correct[index])
        return GroupResult(
            self.column.name, self.column.values[value], label, names[label], count, correct, correct / count
        )


def group_results(
    labels: Tensor, predicted: Tensor, groups: Mapping[str, GroupColumn], names: Sequence[str]
) -> tuple[GroupResult, ...]:
    """Return one row for each nonempty (column, value, class), in that order."""
    cells = [GroupCells.of(column, labels, predicted, len(names)) for column in groups.values()]
    return tuple(part.row(index, names) for part in cells for index in range(len(part.cell)))


def worst_group(
    labels: Tensor, predicted: Tensor, groups: Mapping[str, GroupColumn], names: Sequence[str]
) -> GroupResult | None:
    """Return the group of lowest accuracy: of equals the one with most images, then the first; or None."""
    rows = []
    for column in groups.values():
        part = GroupCells.of(column, labels, predicted, len(names))
        index = lowest(part.correct.double() / part.count, part.count)
        rows += [part.row(index, names)] if index is not None else []
    return min(rows, key=lambda row: (row.correct / row.count, -row.count), default=None)


def head_metrics(data: SplitFeatures, predicted: Tensor, target: int, names: Sequence[str]) -> Metrics:
    """Return the numbers of the decision layer that predicts `predicted` [N], debugging class `target`.

    Raises InputError when the split has no images.
    """
    counts = ClassCounts.of(data.labels, predicted, len(names))
    accuracy, worst = counts.micro(), counts.worst()
    if accuracy is None or worst is None:
        raise InputError(f"split {data.split!r} has no readable image", "choose another with --split")
    group = worst_group(data.labels, predicted, data.groups, names)
    cell = (
        WorstGroup(group.column, group.value, group.class_index, group.correct / group.count, group.count)
        if group
        else None
    )
    count, correct = int(counts.count[target]), int(counts.correct[target])
    return Metrics(
        split=data.split,
        accuracy=accuracy,
        class_accuracy=correct / count if count else None,
        class_precision=float(counts.precision[target]),
        class_f1=float(counts.f1[target]),
        worst_class=WorstClass(worst, names[worst], float(counts.accuracy[worst])),
        worst_group=cell,
        accuracy_interval=wilson_interval(int(counts.correct.sum()), len(data)),
        class_interval=wilson_interval(correct, count),
    )
