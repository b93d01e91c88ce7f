"""What the last ReLU before the features receives: there even a silent neuron has a gradient."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.overrides import TorchFunctionMode

from .maps import Reading, reading

_RECTIFIERS = frozenset(
    {F.relu, F.relu_, F.relu6, F.hardtanh, F.hardtanh_, torch.relu, torch.relu_, Tensor.relu, Tensor.relu_}
)


class Rectified(TorchFunctionMode):
    """Within this context, `outputs` collects what each call of a ReLU, ReLU6 or Hardtanh returns."""

    def __init__(self) -> None:
        super().__init__()
        self.outputs: list[Tensor] = []

    def __torch_function__(
        self, func: Callable[..., Any], types: Sequence[type], args: Any = (), kwargs: Any = None
    ) -> Any:
        """Call `func`, and keep what it returns when it rectifies."""
        output = func(*args, **(kwargs or {}))
        if func in _RECTIFIERS:
            self.outputs.append(output)
        return output


class Preactivation(TorchFunctionMode):
    """Within this context, `input` becomes what the rectifier call number `index` receives."""

    def __init__(self, index: int) -> None:
        super().__init__()
        self.remaining = index
        self.input: Tensor | None = None

    def __torch_function__(
        self, func: Callable[..., Any], types: Sequence[type], args: Any = (), kwargs: Any = None
    ) -> Any:
        """Call `func`; the wanted rectifier works on a copy, lest it overwrites its input."""
        if func in _RECTIFIERS:
            self.remaining -= 1
            if self.remaining == -1:
                self.input = args[0]
                args = (args[0].clone(), *args[1:])
        return func(*args, **(kwargs or {}))


@dataclass(frozen=True)
class RectifierSite:
    """The rectifier call, by its number, from whose output z is read."""

    index: int
    read: Reading


def locate_rectifier(features: Callable[[], Tensor]) -> RectifierSite | None:
    """Find the last rectifier call from whose output z = `features()` is read; None without one."""
    with Rectified() as rectified:
        z = features()
    for index in reversed(range(len(rectified.outputs))):
        if read := reading(rectified.outputs[index], z):
            return RectifierSite(index, read)
    return None
