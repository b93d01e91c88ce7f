"""Gradients through models that forbid them: linear probes on backbones under `no_grad` or `detach`."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any
from unittest.mock import patch

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode


def gradients_kept(wanted: bool = True) -> AbstractContextManager[object]:
    """Return a context in which `no_grad`, `inference_mode` and `detach` of a model's own do nothing."""
    return _kept() if wanted else contextlib.nullcontext()


@contextlib.contextmanager
def _kept() -> Iterator[None]:
    def nothing(self: object, *arguments: object) -> None:
        return None

    with contextlib.ExitStack() as stack:
        for context in (torch.no_grad, torch.inference_mode):
            for method in ("__enter__", "__exit__"):
                stack.enter_context(patch.object(context, method, nothing))
        stack.enter_context(_Attached())
        yield


class _Attached(TorchFunctionMode):
    """`detach` returns the tensor itself."""

    def __torch_function__(
        self, func: Callable[..., Any], types: Sequence[type], args: Any = (), kwargs: Any = None
    ) -> Any:
        if func in (Tensor.detach, torch.detach):
            return args[0]
        return func(*args, **(kwargs or {}))
