"""Products of features with a weight that no layer makes: `F.linear` and `@` in a model's own code."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

_MATMUL = (torch.matmul, Tensor.matmul, Tensor.__matmul__, torch.mm, Tensor.mm)
_ADDMM = (torch.addmm, Tensor.addmm)


@dataclass(frozen=True, eq=False)
class Product:
    """z @ weight.T + bias, `weight` [C,D] the same for all images, made in the module `caller`.

    `stored` and `stored_bias` are the names in the module's state dict of the tensors that weight and bias
    are, None where they are computed; the weight is the stored tensor's transpose if `transposed`.
    """

    weight: Tensor
    bias: Tensor | None
    caller: str
    stored: str | None
    stored_bias: str | None
    transposed: bool = False

    @property
    def name(self) -> str:
        """What to call it."""
        return self.caller or self.stored or "forward"

    def is_made_of(self, weight: Tensor) -> bool:
        """Whether a product with `weight` [C,D] is this one."""
        return weight.shape == self.weight.shape and torch.equal(weight, self.weight)


Seen = Callable[[Tensor, Tensor, Tensor | None], None]


class ProductWatch(TorchFunctionMode):
    """Calls `seen(input [B,…,D], weight [C,D], bias [C] or None)` for each product made in this context."""

    def __init__(self, seen: Seen) -> None:
        super().__init__()
        self._seen = seen

    def __torch_function__(
        self, func: Callable[..., Any], types: Sequence[type], args: Any = (), kwargs: Any = None
    ) -> Any:
        product = _as_product(func, args, kwargs or {})
        if product is not None and product[1].dim() == 2 and product[0].dim() > 1:
            self._seen(*product)
        return func(*args, **(kwargs or {}))


@contextlib.contextmanager
def watch_products(module: nn.Module) -> Iterator[list[tuple[Product, Tensor]]]:
    """Keep every product that `module` makes in this context with its input, in the order of the calls."""
    made: list[tuple[Product, Tensor]] = []
    callers = [""]
    held = {name: tensor for name, tensor in module.state_dict(keep_vars=True).items() if tensor.dim() < 3}

    def seen(features: Tensor, weight: Tensor, bias: Tensor | None) -> None:
        stored = _name_of(weight, held) or _name_of(weight.T, held)
        transposed = stored is not None and _name_of(weight, held) is None
        stored_bias = None if bias is None else _name_of(bias, held)
        own = None if bias is None else bias.detach()
        product = Product(weight.detach(), own, callers[-1], stored, stored_bias, transposed)
        made.append((product, features))

    handles = []
    for name, part in module.named_modules():
        handles.append(part.register_forward_pre_hook(lambda *_, name=name: callers.append(name)))
        handles.append(part.register_forward_hook(lambda *_: (callers.pop(), None)[1]))
    try:
        with ProductWatch(seen):
            yield made
    finally:
        for handle in handles:
            handle.remove()


def _name_of(tensor: Tensor, held: Mapping[str, Tensor]) -> str | None:
    """Return the name of the stored tensor that `tensor` shows as it is, not another view of its memory."""
    view = (tensor.data_ptr(), tensor.shape, tensor.stride())
    return next(
        (name for name, one in held.items() if (one.data_ptr(), one.shape, one.stride()) == view), None
    )


def _as_product(
    func: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]
) -> tuple[Tensor, Tensor, Tensor | None] | None:
    if func is F.linear and len(args) > 1:
        return args[0], args[1], args[2] if len(args) > 2 else kwargs.get("bias")
    if func in _MATMUL and len(args) == 2:
        return args[0], args[1].mT if args[1].dim() > 1 else args[1], None
    if func in _ADDMM and len(args) == 3 and not kwargs:
        return args[1], args[2].mT, args[0]
    return None
