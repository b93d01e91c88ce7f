"""The one pass over a split, the tables made from it, and the check that the class order is right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from ..data.decoders import Decoders
from ..data.loader import ImageBatch, iterate_batches
from ..data.splits import Split
from ..data.transforms import Preprocess
from ..errors import InputError
from ..models.classifier import Activations, Classifier
from ..models.device import is_out_of_memory
from ..results import Evaluation, Unreadable
from ..tensors import OnProgress, Shard, SplitFeatures, no_progress
from ..text import safe
from .metrics import (
    ClassCounts,
    class_table,
    confusion_counts,
    confusion_matrix,
    group_results,
    worst_group,
)

TOP_LOGITS = 5
SMALLEST_GAIN = 0.1
SMALLEST_LOCAL_GAIN = 0.3
STANDARD_ERRORS = 3.0
MOST_CLASSES = 4096


def evaluate_rows(
    classifier: Classifier,
    split: Split,
    preprocess: Preprocess,
    rows: range,
    batch_size: int,
    workers: int = 0,
    on_progress: OnProgress = no_progress,
    decoders: Decoders | None = None,
) -> Shard:
    """Run the classifier once over the images `rows` of `split`; those that cannot be read are listed.

    When memory runs out, the batch is halved and the pass goes on from the batch that failed. Raises
    InputError when not even one image fits, or the decision layer's `W·z + b` is not what the classifier
    answers on one of these images.
    """
    draft, at, size = _Draft(classifier.head.neurons, classifier.head.classes), rows.start, batch_size
    while at < rows.stop:
        remaining = range(at, rows.stop)
        try:
            asked = (split, preprocess, size, workers, remaining, classifier.device, decoders)
            for batch in iterate_batches(*asked):
                draft.add(batch, classifier)
                at += len(batch.rows) + len(batch.unreadable)
                on_progress(at - rows.start, len(rows))
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            if size == 1:
                message = f"{classifier.device} does not have enough memory for one image"
                raise InputError(message, "use --device cpu, or a smaller --image-size") from error
            size //= 2
    shard = draft.shard(split, rows)
    _require_decision(classifier, draft.gap(), shard, split)
    return shard


def _require_decision(classifier: Classifier, gap: Tensor, shard: Shard, split: Split) -> None:
    """Raise InputError where `W·z + b` misses the classifier's answer, beyond what rounding explains."""
    if not len(gap):
        return
    sizes = shard.top_logits.abs().amax(1).clamp(min=1) + classifier.rounding(shard.features)
    worst = int((gap / sizes).argmax())
    if float(gap[worst] / sizes[worst]) > classifier.tolerance:
        image = safe(split.paths[int(shard.rows[worst])], 200)
        message = (
            f"layer {classifier.site.name!r} does not decide alone: for {image} W·z + b misses the answer"
        )
        remedy = (
            f"by {float(gap[worst]):.2g}; let the model return its last linear layer's output for every image"
        )
        raise InputError(message, remedy)


class _Draft:
    """A shard that is being filled; what the classifier found stays on its device until the end."""

    def __init__(self, neurons: int, classes: int) -> None:
        top = min(TOP_LOGITS, classes)
        self._rows = [torch.empty(0, dtype=torch.int64)]
        self._features = [torch.empty(0, neurons)]
        self._top_logits = [torch.empty(0, top)]
        self._top_classes = [torch.empty(0, top, dtype=torch.int64)]
        self._confidence = [torch.empty(0)]
        self._gap = [torch.empty(0)]
        self._unreadable: list[tuple[int, str]] = []
        self._passing: list[int] = []

    def add(self, batch: ImageBatch, classifier: Classifier) -> None:
        """Add one batch; of equal logits the lower class comes first, as in argmax.

        Where memory runs out nothing of the batch is added.
        """
        if len(batch.rows):
            found: Activations = classifier.forward(batch.images)
            top = found.logits.sort(dim=1, descending=True, stable=True)
            largest, classes = (part[:, :TOP_LOGITS].contiguous() for part in (top.values, top.indices))
            confidence = (largest[:, 0] - found.logits.logsumexp(dim=1)).exp()
            self._features.append(found.features)
            self._top_logits.append(largest)
            self._top_classes.append(classes)
            self._confidence.append(confidence)
            self._gap.append(found.gap)
            self._rows.append(batch.rows)
        self._unreadable += batch.unreadable
        self._passing += batch.passing

    def gap(self) -> Tensor:
        """Return [n] how far `W·z + b` was from the answer."""
        return _gather(self._gap)

    def shard(self, split: Split, images: range) -> Shard:
        """Return what was added as the shard of `images`."""
        rows = torch.cat(self._rows)
        return Shard(
            start=images.start,
            stop=images.stop,
            rows=rows,
            features=_gather(self._features),
            labels=split.labels[rows],
            top_logits=_gather(self._top_logits),
            top_classes=_gather(self._top_classes),
            confidence=_gather(self._confidence),
            unreadable=tuple(self._unreadable),
            passing=tuple(self._passing),
        )


def _gather(parts: list[Tensor]) -> Tensor:
    """Join the parts, of which the first is empty, on the CPU."""
    return torch.cat(parts[1:]).cpu() if len(parts) > 1 else parts[0]


def summarise(
    data: SplitFeatures,
    unreadable: Sequence[Unreadable],
    names: Sequence[str],
    confusion: Tensor | None = None,
) -> Evaluation:
    """Return the class table, the group table and the overall rates of one split.

    `confusion` is what `confusion_counts` gives for it, where that was counted by several processes.
    """
    if confusion is None:
        confusion = confusion_counts(data.labels, data.predicted, len(names))
    return replace(
        class_rates(data.split, confusion, names),
        samples=len(data),
        unreadable=tuple(unreadable),
        groups=group_results(data.labels, data.predicted, data.groups, names),
        worst_group=worst_group(data.labels, data.predicted, data.groups, names),
    )


def class_rates(split: str, confusion: Tensor, names: Sequence[str]) -> Evaluation:
    """Return the class table and the overall rates of the images counted in a confusion matrix, no groups."""
    counts = ClassCounts.of_confusion(confusion)
    return Evaluation(
        split=split,
        samples=int(counts.count.sum()),
        unreadable=(),
        accuracy=counts.micro(),
        macro_accuracy=counts.macro(),
        classes=class_table(confusion, names),
    )


def detect_permutation(labels: Tensor, predicted: Tensor, classes: int) -> tuple[int, ...] | None:
    """Return which output stands for each class when a permuted order fits far better, else None.

    `labels`, `predicted` [N]. The best one-to-one reassignment (Hungarian method on the confusion matrix)
    is found on a random half of the images and judged on the other, so that few images cannot make one
    up by chance; `_fits_far_better` says what it takes. Not attempted above 4096 classes.
    """
    if classes > MOST_CLASSES or len(labels) < 2:
        return None
    if float((labels == predicted).double().mean()) > 1 - SMALLEST_GAIN:
        return None
    fitted, judged = torch.randperm(len(labels), generator=torch.Generator().manual_seed(0)).chunk(2)
    output = _reassign(labels[fitted], predicted[fitted], classes)
    if not _fits_far_better(labels[judged], predicted[judged], output):
        return None
    return tuple(_reassign(labels, predicted, classes).tolist())


def _reassign(labels: Tensor, predicted: Tensor, classes: int) -> Tensor:
    """Return [C] int64: the output given to each class so that most images are right, its own where equal."""
    confusion = confusion_matrix(labels, predicted, classes)
    if bool((confusion.diagonal() >= confusion.max(dim=1).values).all()):
        return torch.arange(classes)
    from scipy.optimize import linear_sum_assignment  # here: it takes a third of a second to load

    preference = 2 * classes * confusion + torch.eye(classes, dtype=torch.int64)
    return torch.from_numpy(linear_sum_assignment(preference, maximize=True)[1])


def _fits_far_better(labels: Tensor, predicted: Tensor, output: Tensor) -> bool:
    """Judge `output` [C] on images that it was not fitted on.

    The accuracy must rise by 0.1. Over the classes that are moved (two or more of them with images) the mean
    class accuracy must double, rise by 0.3, and by three standard errors at their largest. A class that a
    bad classifier loses to another one does not do that: the other would have to go the opposite way.
    """
    own = torch.arange(len(output))
    before = ClassCounts.of(labels, predicted, len(output))
    after = ClassCounts.of(labels, output.argsort()[predicted], len(output))
    moved = (output != own) & (before.count > 0)
    if int(moved.sum()) < 2 or int((after.correct - before.correct).sum()) < SMALLEST_GAIN * len(labels):
        return False
    was, became = float(before.accuracy[moved].mean()), float(after.accuracy[moved].mean())
    error = float(before.count[moved].double().reciprocal().sum().sqrt()) / int(moved.sum())
    return became >= 2 * was and became - was >= max(SMALLEST_LOCAL_GAIN, STANDARD_ERRORS * error)
