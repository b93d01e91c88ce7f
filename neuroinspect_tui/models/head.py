"""The decision layer, found by data flow: the layers whose outputs make the logits as W·z + b."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor, nn

from ..errors import InputError
from ..tensors import Head
from .answers import Answer, Path, answer_at, answered, comparable, find_answers, readings

TOLERANCE = 1e-4
DecisionLayer = nn.Linear | nn.Conv2d
_MOST_LAYERS = 4


@dataclass(frozen=True)
class DecisionPart:
    """One layer `name` of the decision: an nn.Linear or a 1x1 nn.Conv2d; it adds `scale` times its output."""

    name: str
    layer: DecisionLayer
    scale: float = 1.0

    @property
    def neurons(self) -> int:
        """How many features it reads."""
        return self.layer.weight.shape[1]

    def features(self, inputs: Sequence[Tensor]) -> Tensor:
        """Reduce the inputs of its calls, [B,D], [B,…,D] or (convolution) [B,D,h,w], to their mean [B,D]."""
        means = [pooled(one, isinstance(self.layer, nn.Conv2d)).float() for one in inputs]
        return means[0] if len(means) == 1 else torch.stack(means).mean(0)

    @property
    def head(self) -> Head:
        """The layer alone, float32 on the CPU."""
        weight = self.layer.weight.detach().float().cpu().flatten(1).clone()
        bias = self.layer.bias
        own = torch.zeros(len(weight)) if bias is None else bias.detach().float().cpu().clone()
        return Head(weight, own)


@dataclass(frozen=True)
class HeadSite:
    """Where a module decides: the `parts` whose weighted sum is the logits, and their `head` in float32.

    A layer that runs at each position or token before a mean has that mean of its input as features; one
    that is called several times has the mean over its calls. The features of several layers are joined.
    `path` is where the answer stands in what the module returns, `answer` what was made of the logits.
    With `single` the module returns one logit, the second class's; the first class's is 0. `eps` is the
    rounding of the type that the module computes them in.
    """

    parts: tuple[DecisionPart, ...]
    head: Head
    path: Path = ()
    answer: Answer = "logits"
    single: bool = False
    eps: float = torch.finfo(torch.float32).eps

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
        return answer_at(output, self.path)

    def gap(self, output: Any, logits: Tensor) -> Tensor:
        """Return [B]: how far what the module returned is from what `logits` [B,C] would make it return."""
        own = logits[:, 1:] - logits[:, :1] if self.single else logits
        return (self.logits_in(output) - answered(own, self.answer)).abs().amax(1)

    def within(self, module: nn.Module) -> HeadSite:
        """Return the same site in a copy of the module."""
        found: list[Any] = [module.get_submodule(part.name) for part in self.parts]
        parts = tuple(replace(part, layer=layer) for part, layer in zip(self.parts, found, strict=True))
        return replace(self, parts=parts)

    def split(self, head: Head) -> list[Head]:
        """Return what each layer must hold so that together they decide as `head`.

        A change of the bias is shared by the layers that have one.
        """
        weight, bias = head.weight, head.bias - self.head.bias
        if self.single:
            weight, bias = weight[1:] - weight[:1], bias[1:] - bias[:1]
        biased = sum(part.layer.bias is not None for part in self.parts)
        columns = weight.split([part.neurons for part in self.parts], dim=1)
        shares = [bias / (part.scale * biased) if part.layer.bias is not None else 0 for part in self.parts]
        return [
            Head(own / part.scale, part.head.bias + share)
            for part, own, share in zip(self.parts, columns, shares, strict=True)
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
    handles = [
        part.layer.register_forward_pre_hook(_keep_input(inputs))
        for part, inputs in zip(site.parts, captured.inputs, strict=True)
    ]
    try:
        yield captured
    finally:
        for handle in handles:
            handle.remove()


def _keep_input(inputs: list[Tensor]) -> Callable[[nn.Module, tuple[Any, ...]], None]:
    def keep(module: nn.Module, arguments: tuple[Any, ...]) -> None:
        inputs.append(arguments[0])

    return keep


def pooled(tensor: Tensor, channels_first: bool) -> Tensor:
    """Mean of [B,C,…] or [B,…,C] over all but the first axis and the channels: [B,C]."""
    if channels_first:
        return tensor.flatten(2).mean(2)
    return tensor.reshape(len(tensor), -1, tensor.shape[-1]).mean(1)


def locate_head(module: nn.Module, images: Tensor, classes: int | None = None) -> HeadSite:
    """Find the decision layer of `module` (eval mode) by running it on `images` [B,c,H,W], B ≥ 2.

    A module that returns several tensors is asked for the one that its layers make; of several such ones,
    that with as many columns as there are `classes`, or else the last in the flow of data. Raises InputError,
    with the reason, when no nn.Linear or 1x1 convolution gives the logits as `W·z + b` to `TOLERANCE` of the
    largest one (and what rounding adds).
    """
    with _calls(module) as calls, torch.no_grad():
        output = module(images)
    found = find_answers(output, len(images))
    _require_answers(output, found, len(images))
    sites = [site for path, tensor in found if (site := _explain(path, tensor, calls)) is not None]
    if not sites:
        last = f"the last one, {calls[-1].part.name!r}, does not" if calls else "it has none"
        message = f"no nn.Linear or 1x1 convolution of the model gives its logits as W·z + b: {last}"
        raise InputError(message, "let it return the raw output of its last linear layer")
    fitting = [site for site in sites if classes in (None, site.head.classes)] or sites
    if "logits" in fitting[0].path:
        return fitting[0]
    return next((site for site in fitting if not _leads_on(module, images, site, fitting)), fitting[0])


def _require_answers(output: Any, found: list[tuple[Path, Tensor]], images: int) -> None:
    """Raise InputError unless the model returned finite logits."""
    if not found:
        shape = f"shape {list(output.shape)} for {images} images" if isinstance(output, Tensor) else None
        message = f"the model returns {shape or type(output).__name__}"
        raise InputError(message, "let it return logits [images, classes]")
    if not torch.isfinite(found[0][1]).all():
        raise InputError("the model's logits are not finite numbers", "check its weights for NaN")


@dataclass(frozen=True)
class _Calls:
    """A layer that could decide, and the inputs of all its calls."""

    part: DecisionPart
    inputs: list[Tensor]

    def logits(self) -> Tensor:
        """Return the mean output [B,C] float64 by its weights, lest a later step changed it in place."""
        head = self.part.head
        return head.logits(self.part.features(self.inputs)).double()


@contextlib.contextmanager
def _calls(module: nn.Module) -> Iterator[list[_Calls]]:
    """Keep the calls of each layer that could decide, in the order of their last ones; always unhooks."""
    calls: list[_Calls] = []

    def recorder(part: DecisionPart, inputs: list[Tensor]) -> Callable[..., None]:
        def record(layer: Any, arguments: tuple[Any, ...], output: Tensor) -> None:
            inputs.append(arguments[0])
            calls[:] = [call for call in calls if call.part.name != part.name]
            calls.append(_Calls(part, inputs))

        return record

    handles = [
        layer.register_forward_hook(recorder(DecisionPart(name, layer), []))
        for name, layer in module.named_modules()
        if isinstance(layer, (nn.Linear, nn.Conv2d)) and _could_decide(layer)
    ]
    try:
        yield calls
    finally:
        for handle in handles:
            handle.remove()


def _could_decide(layer: DecisionLayer) -> bool:
    if isinstance(layer, nn.Conv2d):
        return layer.kernel_size == (1, 1) and layer.groups == 1 and layer.stride == (1, 1)
    return True


def _explain(path: Path, tensor: Tensor, calls: Sequence[_Calls]) -> HeadSite | None:
    """Return the decision that makes `tensor` [B,C] or [B], or None."""
    eps = torch.finfo(tensor.dtype).eps
    tensor = answer_at(tensor, ())
    usable = [call for call in calls if len(call.part.layer.weight) == tensor.shape[1]][-_MOST_LAYERS:]
    usable = [call for call in usable if all(len(one) == len(tensor) for one in call.inputs)]
    if not usable:
        return None
    for answer, wanted in readings(tensor.cpu()):
        logits = [comparable(call.logits().cpu(), answer) for call in usable]
        own = 4 * eps * float(wanted.abs().max() if answer == "logits" else wanted.abs().max() + 1)
        scales = _weights_of(logits, wanted, [_rounding(call) + own for call in usable])
        if scales is not None:
            parts = [
                replace(call.part, scale=scale) for call, scale in zip(usable, scales, strict=True) if scale
            ]
            coarsest = max(eps, *(torch.finfo(one.dtype).eps for call in usable for one in call.inputs))
            return replace(_joined(parts, path, answer, tensor.shape[1] == 1), eps=coarsest)
    return None


def _rounding(call: _Calls) -> float:
    """Bound what rounding adds to `W·z + b`: where features are large and cancel, more than the tolerance."""
    head, features = call.part.head, call.part.features(call.inputs).cpu()
    kind = call.inputs[0].dtype
    size = float((features.abs() @ head.weight.abs().T + head.bias.abs()).max())
    return 4 * torch.finfo(kind).eps * size


def _weights_of(logits: list[Tensor], wanted: Tensor, rounding: list[float]) -> list[float] | None:
    """Return s with `wanted` = Σ s_k logits_k: one layer as it is, from the last on, or a mixture."""
    largest = float(wanted.abs().max())
    for index in reversed(range(len(logits))):
        if float((logits[index] - wanted).abs().max()) <= TOLERANCE * largest + rounding[index]:
            return [float(place == index) for place in range(len(logits))]
    for count in range(1, len(logits) + 1):
        columns = torch.stack([one.flatten() for one in logits[-count:]], dim=1)
        if len(columns) <= 2 * count:
            break
        solution = torch.linalg.lstsq(columns, wanted.flatten()[:, None], driver="gelsd").solution[:, 0]
        error = float((columns @ solution - wanted.flatten()).abs().max())
        if error <= TOLERANCE * largest + max(rounding[-count:]) and bool((solution > 1e-6).all()):
            return [0.0] * (len(logits) - count) + [_round_scale(float(value)) for value in solution]
    return None


def _round_scale(scale: float) -> float:
    """Return a mean's or sum's share exactly, which the fit gives up to rounding."""
    for exact in (1.0, 0.5, 1 / 3, 0.25, 2.0):
        if abs(scale - exact) <= TOLERANCE * exact:
            return exact
    return scale


def _joined(parts: Sequence[DecisionPart], path: Path, answer: Answer, single: bool) -> HeadSite:
    weight = torch.cat([part.scale * part.head.weight for part in parts], dim=1)
    bias = sum((part.scale * part.head.bias for part in parts), torch.zeros(len(weight)))
    if single:
        weight = torch.cat([torch.zeros_like(weight), weight])
        bias = torch.cat([torch.zeros_like(bias), bias])
    has_bias = any(part.layer.bias is not None for part in parts)
    return HeadSite(tuple(parts), Head(weight, bias, has_bias), path, answer, single)


def _leads_on(module: nn.Module, images: Tensor, site: HeadSite, others: Sequence[HeadSite]) -> bool:
    """Tell whether another site's answer changes when this one's layers answer something else."""

    def change(layer: nn.Module, arguments: Any, output: Tensor) -> Tensor:
        return output + torch.randn(output.shape, generator=torch.Generator().manual_seed(0)).to(output)

    rest = [other for other in others if other is not site]
    if not rest:
        return False
    with torch.no_grad():
        before = module(images)
        handles = [part.layer.register_forward_hook(change) for part in site.parts]
        try:
            after = module(images)
        finally:
            for handle in handles:
                handle.remove()
    return any(not torch.equal(other.logits_in(before), other.logits_in(after)) for other in rest)
