"""Where the logits stand in what a model returns, and what was done to them on the way there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor

Path = tuple[str | int, ...]
Answer = Literal["logits", "log-softmax", "softmax", "sigmoid"]
"""What a model makes of its logits before it returns them."""

_DEEPEST = 3


def find_answers(output: Any, images: int) -> list[tuple[Path, Tensor]]:
    """Return the tensors [B,C] or [B] in what a model returns for B `images`, those called logits first.

    Tuples, lists, mappings and objects with attributes are looked into.
    """
    found = [(path, tensor) for path, tensor in _tensors(output, ()) if _is_answer(tensor, images)]
    return sorted(found, key=lambda entry: "logits" not in entry[0])


def answer_at(output: Any, path: Path) -> Tensor:
    """Return the tensor [B,C] float32 that stands at `path`; [B] becomes [B,1]."""
    for key in path:
        output = getattr(output, str(key)) if _is_object(output) else output[key]
    tensor: Tensor = output.float()
    return tensor[:, None] if tensor.dim() == 1 else tensor


def answered(logits: Tensor, answer: Answer) -> Tensor:
    """Return [B,C], what a model that gives `answer` returns for its `logits` [B,C]."""
    if answer == "log-softmax":
        return F.log_softmax(logits, dim=1)
    if answer == "softmax":
        return F.softmax(logits, dim=1)
    return logits.sigmoid() if answer == "sigmoid" else logits


def readings(tensor: Tensor) -> Iterator[tuple[Answer, Tensor]]:
    """Yield each answer that `tensor` [B,C] may be, and the logits that it would then stand for.

    Those of the softmax are known up to a number for each image: they are brought to mean 0.
    """
    if tensor.shape[1] > 1 and _all_near(tensor.exp().sum(1), 1.0):
        yield "log-softmax", _centred(tensor)
    elif bool(((tensor > 0) & (tensor < 1)).all()):
        if tensor.shape[1] > 1 and _all_near(tensor.sum(1), 1.0):
            yield "softmax", _centred(tensor.log())
        else:
            yield "sigmoid", torch.logit(tensor.double())
    yield "logits", tensor.double()


def comparable(logits: Tensor, answer: Answer) -> Tensor:
    """Bring `logits` [B,C] to the form in which `readings` gives those of `answer`."""
    return _centred(logits) if answer in ("softmax", "log-softmax") else logits.double()


def _centred(logits: Tensor) -> Tensor:
    logits = logits.double()
    return logits - logits.mean(1, keepdim=True)


def _all_near(values: Tensor, number: float) -> bool:
    return bool(((values - number).abs() < 1e-3).all())


def _is_answer(tensor: Tensor, images: int) -> bool:
    return tensor.is_floating_point() and tensor.dim() in (1, 2) and len(tensor) == images


def _tensors(output: Any, path: Path) -> Iterator[tuple[Path, Tensor]]:
    if isinstance(output, Tensor):
        yield path, output
    elif len(path) < _DEEPEST:
        for key, value in _entries(output):
            yield from _tensors(value, (*path, key))


def _entries(output: Any) -> list[tuple[str | int, Any]]:
    if isinstance(output, Mapping):
        return [(key, value) for key, value in output.items() if isinstance(key, str)]
    if isinstance(output, (tuple, list)):
        return list(enumerate(output))
    return list(getattr(output, "__dict__", {}).items())


def _is_object(output: Any) -> bool:
    return not isinstance(output, (Mapping, tuple, list))
