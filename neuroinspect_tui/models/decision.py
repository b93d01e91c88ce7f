"""The decision of a module: the layers whose outputs make the logits as W·z + b, and their features z."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor, nn

from ..tensors import Head
from .answers import Answer, Path, answer_at, answered
from .products import Product, ProductWatch

DecisionLayer = nn.Linear | nn.Conv2d | Product


@dataclass(frozen=True, eq=False)
class DecisionPart:
    """One layer `name` of the decision: an nn.Linear, a 1x1 nn.Conv2d, or a product without a layer.

    It adds `scale` (a number, or one for each class [C]) times its outputs, plus `shift` [C]. Where it has
    more outputs than there are classes, `rows` are those that answer.
    """

    name: str
    layer: DecisionLayer
    scale: float | Tensor = 1.0
    shift: float | Tensor = 0.0
    rows: tuple[int, ...] | None = None

    @property
    def neurons(self) -> int:
        """How many features it reads."""
        return int(self.layer.weight.shape[1])

    @property
    def has_bias(self) -> bool:
        """Whether it holds a bias that could be another one."""
        if isinstance(self.layer, Product):
            return self.layer.stored_bias is not None
        return self.layer.bias is not None

    def features(self, inputs: Sequence[Tensor]) -> Tensor:
        """Reduce the inputs of its calls, [B,D], [B,…,D] or (convolution) [B,D,h,w], to their mean [B,D]."""
        means = [pooled(one, isinstance(self.layer, nn.Conv2d)).float() for one in inputs]
        return means[0] if len(means) == 1 else torch.stack(means).mean(0)

    @property
    def whole(self) -> Head:
        """The layer's own weight and bias, float32 on the CPU."""
        weight = self.layer.weight.detach().float().cpu().flatten(1).clone()
        bias = self.layer.bias
        return Head(weight, torch.zeros(len(weight)) if bias is None else bias.detach().float().cpu().clone())

    @property
    def head(self) -> Head:
        """What it adds to the logits."""
        own, rows = self.whole, self._rows
        return Head(self._by_class * own.weight[rows], self.scale * own.bias[rows] + self.shift)

    def filled(self, head: Head) -> Head:
        """Return the `whole` with which it would add what `head` gives."""
        own, rows = self.whole, self._rows
        own.weight[rows] = head.weight / self._by_class
        own.bias[rows] = (head.bias - self.shift) / self.scale
        return own

    def of_output(self, column: int) -> DecisionPart:
        """Return what it adds to one of the outputs."""

        def own(value: float | Tensor) -> float | Tensor:
            return value[column : column + 1] if isinstance(value, Tensor) else value

        row = column if self.rows is None else self.rows[column]
        return replace(self, scale=own(self.scale), shift=own(self.shift), rows=(row,))

    @property
    def _rows(self) -> slice | list[int]:
        return slice(None) if self.rows is None else list(self.rows)

    @property
    def _by_class(self) -> float | Tensor:
        return self.scale[:, None] if isinstance(self.scale, Tensor) else self.scale


@dataclass(frozen=True)
class HeadSite:
    """Where a module decides: the `parts` whose sum is the logits, and their `head` in float32.

    A layer that runs at each position or token before a mean has that mean of its input as features; one
    that is called several times has the mean over its calls. The features of several layers are joined.
    `path` is where the answer stands in what the module returns, `answer` what was made of the logits.
    With `single` one logit alone is looked at, the second class's, less `offset`; the first class's is 0. It
    is output `column` of those that the module returns, or the only one. `eps` is the rounding of the type
    that the module computes them in.
    """

    parts: tuple[DecisionPart, ...]
    head: Head
    path: Path = ()
    answer: Answer = "logits"
    single: bool = False
    eps: float = torch.finfo(torch.float32).eps
    column: int | None = None
    offset: float = 0.0

    @property
    def name(self) -> str:
        """The names of its layers."""
        return " + ".join(part.name for part in self.parts)

    @property
    def gives_logits(self) -> bool:
        """Whether what the module returns is the logits themselves."""
        return self.answer == "logits" and not self.single

    def logits_in(self, output: Any) -> Tensor:
        """Return the answer [B,C] float32 in what the module returned."""
        answer = answer_at(output, self.path)
        return answer if self.column is None else answer[:, self.column, None]

    def gap(self, output: Any, logits: Tensor) -> Tensor:
        """Return [B]: how far what the module returned is from what `logits` [B,C] would make it return."""
        own = logits[:, 1:] - logits[:, :1] + self.offset if self.single else logits
        return (self.logits_in(output) - answered(own, self.answer)).abs().amax(1)

    def of_output(self, column: int, offset: float) -> HeadSite:
        """Return the decision of one output alone, yes where its logit is above `offset`."""
        parts = tuple(part.of_output(column) for part in self.parts)
        weight, bias = self.head.weight[column], self.head.bias[column] - offset
        head = replace(
            self.head,
            weight=torch.stack([torch.zeros_like(weight), weight]),
            bias=torch.stack([torch.zeros_like(bias), bias]),
        )
        return replace(self, parts=parts, head=head, single=True, column=column, offset=offset)

    def within(self, module: nn.Module) -> HeadSite:
        """Return the same site in a copy of the module."""

        def moved(part: DecisionPart) -> DecisionPart:
            if isinstance(part.layer, Product):
                return part
            layer: Any = module.get_submodule(part.name)
            return replace(part, layer=layer)

        return replace(self, parts=tuple(map(moved, self.parts)))

    def split(self, head: Head) -> list[Head]:
        """Return the weight and bias that each layer must hold so that together they decide as `head`.

        A change of the bias is shared by the layers that have one.
        """
        weight, bias = head.weight, head.bias - self.head.bias
        if self.single:
            weight, bias = weight[1:] - weight[:1], bias[1:] - bias[:1]
        share = bias / max(1, sum(part.has_bias for part in self.parts))
        columns = weight.split([part.neurons for part in self.parts], dim=1)
        return [
            part.filled(Head(own, part.head.bias + (share if part.has_bias else 0)))
            for part, own in zip(self.parts, columns, strict=True)
        ]


@dataclass
class Captured:
    """What `capture` saw: the inputs of each part's calls."""

    parts: tuple[DecisionPart, ...]
    inputs: list[list[Tensor]] = field(default_factory=list)

    def features(self) -> Tensor:
        """Return z [B,D] float32."""
        found = [part.features(inputs) for part, inputs in zip(self.parts, self.inputs, strict=True)]
        return found[0] if len(found) == 1 else torch.cat(found, dim=1)


@contextlib.contextmanager
def capture(site: HeadSite) -> Iterator[Captured]:
    """Keep the inputs of the decision's layers in this context; the hooks are removed however it ends."""
    captured = Captured(site.parts, [[] for _ in site.parts])
    with contextlib.ExitStack() as stack:
        for part, inputs in zip(site.parts, captured.inputs, strict=True):
            if isinstance(part.layer, Product):
                stack.enter_context(ProductWatch(_keep_product(part.layer, inputs)))
            else:
                handle = part.layer.register_forward_pre_hook(_keep_input(inputs))
                stack.callback(handle.remove)
        yield captured


def _keep_input(inputs: list[Tensor]) -> Callable[[nn.Module, tuple[Any, ...]], None]:
    def keep(module: nn.Module, arguments: tuple[Any, ...]) -> None:
        inputs.append(arguments[0])

    return keep


def _keep_product(product: Product, inputs: list[Tensor]) -> Callable[[Tensor, Tensor, Tensor | None], None]:
    def keep(features: Tensor, weight: Tensor, bias: Tensor | None) -> None:
        if product.is_made_of(weight):
            inputs.append(features)

    return keep


def pooled(tensor: Tensor, channels_first: bool) -> Tensor:
    """Mean of [B,C,…] or [B,…,C] over all but the first axis and the channels: [B,C]."""
    if channels_first:
        return tensor.flatten(2).mean(2)
    return tensor.reshape(len(tensor), -1, tensor.shape[-1]).mean(1)
