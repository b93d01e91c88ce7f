"""Import torchvision beside a torch build that it was not compiled for.

A torchvision wheel whose compiled operators do not fit the installed torch (a CPU torch beside the
registry's CUDA torchvision) fails at import, because `torchvision::nms` was never registered. Only the
two schemas are missing: models and transforms do not call them.
"""

from __future__ import annotations

import importlib
from types import ModuleType

import torch

_SCHEMA = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
_library: torch.library.Library | None = None


def import_torchvision() -> ModuleType:
    """Return the torchvision module, its missing operator schemas defined only where it needs them."""
    try:
        return importlib.import_module("torchvision")
    except RuntimeError as error:
        if "torchvision::nms does not exist" not in str(error):
            raise
    global _library
    if _library is None:
        _library = torch.library.Library("torchvision", "DEF")
        for operator in ("nms", "qnms"):
            _library.define(operator + _SCHEMA)
    return importlib.import_module("torchvision")


def was_patched() -> bool:
    """Whether `import_torchvision` had to define missing operators."""
    return _library is not None
