"""Import torchvision beside a torch build that it was not compiled for.

A torchvision wheel whose compiled operators do not fit the installed torch (a CPU torch beside the
registry's CUDA torchvision) fails at import, because `torchvision::nms` was never registered. Only the
two schemas are missing: models and transforms do not call them.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from types import ModuleType
from typing import TypeVar

import torch

_SCHEMA = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
_MISSED = "torchvision::nms does not exist"
_library: torch.library.Library | None = None
T = TypeVar("T")


def import_torchvision() -> ModuleType:
    """Return the torchvision module, its missing operator schemas defined only where it needs them."""
    try:
        return importlib.import_module("torchvision")
    except RuntimeError as error:
        if _MISSED not in str(error):
            raise
    global _library
    if _library is None:
        _library = torch.library.Library("torchvision", "DEF")
        for operator in ("nms", "qnms"):
            _library.define(operator + _SCHEMA)
    return importlib.import_module("torchvision")


def beside_torchvision(call: Callable[[], T]) -> T:
    """Call what may import torchvision, and once more where that misses operators that can be defined.

    Importing torchvision beforehand would take longer than torch itself, and few models need it.
    """
    try:
        return call()
    except Exception as error:
        if _MISSED not in f"{error} {error.__cause__}":
            raise
    import_torchvision()
    return call()


def was_patched() -> bool:
    """Whether `import_torchvision` had to define missing operators."""
    return _library is not None
