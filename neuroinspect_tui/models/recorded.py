"""Answers without a network: features and a last layer in an .npz file, or predictions in a table.

So classifiers of any framework can be examined: `-m npz:FILE` has all that does not need to run the network
on an image, `--predictions FILE` all that needs no features either.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from ..errors import InputError
from ..tensors import Head
from .weights import tensor_hash, write_state_dict

_NO_NETWORK = "give the model itself with -m to see what needs it"


@dataclass(frozen=True)
class RecordedSplit:
    """`paths` N names, `labels` [N] int64, `features` [N,D] float32, `logits` [N,C] of the model itself.

    Where an image may have several labels, `marks` [N,C] int8 are 1 for those it has, 0 for those it has not,
    -1 where that is not known; `labels` are then of the one that is looked at.
    """

    paths: tuple[str, ...]
    labels: Tensor
    features: Tensor
    logits: Tensor
    marks: Tensor | None = None

    def of_label(self, output: int, head: Head) -> RecordedSplit:
        """Return the images that say whether they have a label, as two classes."""
        if self.marks is None:
            return self
        kept = torch.nonzero(self.marks[:, output] >= 0)[:, 0]
        features, marks = self.features[kept], self.marks[kept]
        paths = tuple(self.paths[row] for row in kept.tolist())
        return RecordedSplit(paths, marks[:, output].long(), features, head.logits(features), marks)


@dataclass(frozen=True)
class Recorded:
    """What is recorded of a classifier: its decision layer, and what it made of the images of each split.

    With `single` the layer came with one row, the second class's logit. `labels` is the whole layer where
    `head` is the decision of its row `column` alone, yes where that logit is above `offset`.
    """

    name: str
    folder: Path
    head: Head
    class_names: tuple[str, ...]
    splits: Mapping[str, RecordedSplit]
    single: bool = False
    labels: Head | None = None
    column: int = 0
    offset: float = 0.0

    @property
    def marked(self) -> bool:
        """Whether an image may have several labels."""
        return any(split.marks is not None for split in self.splits.values())

    def of_label(self, output: int, threshold: float) -> Recorded:
        """Return the same as two classes: whether an image has a label, by its probability."""
        offset = math.log(threshold / (1 - threshold))
        name = self.class_names[output]
        head = self._two_classes(self.head.weight[output], self.head.bias[output] - offset)
        splits = {key: split.of_label(output, head) for key, split in self.splits.items()}
        names = (f"not {name}", name)
        return replace(
            self, head=head, class_names=names, splits=splits, labels=self.head, column=output, offset=offset
        )

    def _two_classes(self, weight: Tensor, bias: Tensor) -> Head:
        weight, bias = (torch.stack([torch.zeros_like(one), one]) for one in (weight, bias))
        return Head(weight, bias, self.head.has_bias)

    @property
    def parameters(self) -> int:
        """Number of parameters that are known."""
        whole = self.labels or self.head
        return whole.weight.numel() + whole.bias.numel()

    @property
    def weights_suffix(self) -> str:
        """The file name ending of a repaired layer."""
        return ".safetensors"

    @property
    def unrepairable(self) -> str | None:
        """Why no repaired layer could be written, or None."""
        return None if self.head.neurons else f"{self.name} holds predictions, no features"

    def repaired_state(self, head: Head) -> dict[str, Tensor]:
        """Return the layer as it is exported: `weight` [C,D] and `bias` [C], one row where it came so."""
        weight, bias = head.weight, head.bias
        if self.single or self.labels is not None:
            weight, bias = weight[1:] - weight[:1], bias[1:] - bias[:1]
        if self.labels is not None:
            whole = self.labels.weight.clone(), self.labels.bias.clone()
            whole[0][self.column], whole[1][self.column] = weight[0], bias[0] + self.offset
            weight, bias = whole
        return {"weight": weight.contiguous(), "bias": bias.contiguous()}

    def head_in(self, tensors: Mapping[str, Tensor]) -> Head:
        """Return the decision that exported `tensors` hold."""
        weight, bias = tensors["weight"], tensors["bias"]
        if self.labels is not None:
            return self._two_classes(weight[self.column], bias[self.column] - self.offset)
        return self._two_classes(weight[0], bias[0]) if self.single else Head(weight, bias)

    def write_repaired(self, path: Path, head: Head) -> None:
        """Write `repaired_state` as safetensors."""
        write_state_dict(path, self.repaired_state(head))

    def fingerprint(self) -> str:
        """Return a SHA-256 over the decision layer and all that is recorded."""
        digest = hashlib.sha256("\0".join(self.class_names).encode())
        tensors = [self.head.weight, self.head.bias]
        for name, split in self.splits.items():
            digest.update("\0".join((name, *split.paths)).encode("utf-8", "surrogateescape"))
            tensors += [split.labels, split.features, split.logits]
        for tensor in tensors:
            digest.update(tensor_hash(tensor).encode())
        return digest.hexdigest()

    def no_network(self) -> InputError:
        """Return the error of whoever asks for what only the network could answer."""
        return InputError(f"{self.name} has no network to run on images", _NO_NETWORK)


def is_recorded(spec: str) -> bool:
    """Whether `-m` names recorded answers."""
    return spec.startswith(("npz:", "predictions:"))
