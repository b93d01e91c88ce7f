"""The decision layer, found by data flow: the layers whose outputs make the logits as W·z + b."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from ..errors import InputError
from ..tensors import Head
from .answers import Answer, Path, answer_at, comparable, find_answers, readings
from .decision import DecisionLayer, DecisionPart, HeadSite
from .products import Product, watch_products

TOLERANCE = 1e-4
SMALLEST_SHARE = 1e-3
_MOST_LAYERS = 8
_WAYS = (("as it is", "by shares", "mixture"), ("some rows",), ("by class",))
"""How layers may make the logits: W·z + b of one, a mixture (by what arrives of a change in each, or by their
values); some rows of one; each class moved and scaled. The ways of a group are tried answer by answer."""


def locate_head(module: nn.Module, images: Tensor, classes: int | None = None) -> HeadSite:
    """Find the decision layer of `module` (eval mode) by running it on `images` [B,c,H,W], B ≥ 2.

    A module that returns several tensors is asked for the one that its layers make; of several such ones,
    that with as many columns as there are `classes`, or else the last in the flow of data. Where no layer
    makes it, products in the model's own code are tried. Raises InputError, with the reason, when no
    nn.Linear, 1x1 convolution or product gives the logits as `W·z + b` to `TOLERANCE` of the largest one (and
    what rounding adds).
    """
    with _calls(module) as calls, torch.no_grad():
        output = module(images)
    found = find_answers(output, len(images))
    _require_answers(output, found, len(images))
    calls = [replace(call, share=partial(_share, module, images)) for call in calls]
    sites, products = _explained(found, calls, _WAYS[0]), list[_Calls]()
    if not sites:
        products = _products(module, images)
        tried = ((each, ways) for ways in _WAYS for each in (calls, products))
        sites = next((sites for each, ways in tried if (sites := _explained(found, each, ways))), [])
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
    share: Callable[[DecisionPart, Path, Tensor], float] | None = None

    def logits(self) -> Tensor:
        """Return the mean output [B,C] float64 by its weights, lest a later step changed it in place."""
        head = self.part.head
        return head.logits(self.part.features(self.inputs)).double().cpu()

    def of(self, rows: Sequence[int]) -> _Calls:
        """Return some of its outputs."""
        return replace(self, part=replace(self.part, rows=tuple(rows)))


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


def _products(module: nn.Module, images: Tensor) -> list[_Calls]:
    """Return the products that the module makes with some weight, in the order of their last calls."""
    calls: list[_Calls] = []
    with watch_products(module) as made, torch.no_grad():
        module(images)
    for product, features in made:
        known = next((call for call in calls if _is_same(call.part.layer, product)), None)
        calls = [call for call in calls if call is not known]
        part, before = (known.part, known.inputs) if known else (DecisionPart(product.name, product), [])
        calls.append(_Calls(part, [*before, features]))
    return calls


def _is_same(layer: DecisionLayer, product: Product) -> bool:
    return isinstance(layer, Product) and layer.is_made_of(product.weight)


def _could_decide(layer: nn.Linear | nn.Conv2d) -> bool:
    if isinstance(layer, nn.Conv2d):
        return layer.kernel_size == (1, 1) and layer.groups == 1 and layer.stride == (1, 1)
    return True


def _explained(
    found: Sequence[tuple[Path, Tensor]], calls: Sequence[_Calls], ways: Sequence[str]
) -> list[HeadSite]:
    """Return a site for each answer that the calls make in one of these ways, the first that does."""
    tried = ((_explain(path, tensor, calls, way) for way in ways) for path, tensor in found)
    return [site for sites in tried if (site := next(filter(None, sites), None)) is not None]


def _explain(path: Path, tensor: Tensor, calls: Sequence[_Calls], way: str) -> HeadSite | None:
    """Return the decision that makes `tensor` [B,C] or [B], or None."""
    eps = torch.finfo(tensor.dtype).eps
    tensor = answer_at(tensor, ())
    classes = tensor.shape[1]
    whole = [call for call in calls if all(len(one) == len(tensor) for one in call.inputs)]
    for answer, wanted in readings(tensor.cpu()):
        usable = [call for call in whole if len(call.part.layer.weight) == classes]
        if way == "some rows":
            wider = [call for call in whole if len(call.part.layer.weight) > classes]
            usable = [cut for call in wider for cut in _cuts(call, wanted, answer)]
        usable = usable[-_MOST_LAYERS:]
        if not usable:
            continue
        own = 4 * eps * float(wanted.abs().max() if answer == "logits" else wanted.abs().max() + 1)
        if way == "by class":
            parts = _by_class(usable, wanted, own) if answer == "logits" else []
        else:
            logits = [comparable(call.logits(), answer) for call in usable]
            rounding = [_rounding(call) + own for call in usable]
            if way == "by shares":
                scales = _shares(usable, path, tensor, logits, rounding) if answer == "logits" else []
            else:
                scales = [] if way == "mixture" else _one(logits, wanted, rounding)
                scales = scales or ([] if way == "as it is" else _mixture(logits, wanted, rounding))
            parts = [replace(call.part, scale=s) for call, s in zip(usable, scales, strict=bool(scales)) if s]
        if parts:
            coarsest = max(eps, *(torch.finfo(one.dtype).eps for call in usable for one in call.inputs))
            return replace(_joined(parts, path, answer, classes == 1), eps=coarsest)
    return None


def _cuts(call: _Calls, wanted: Tensor, answer: Answer) -> list[_Calls]:
    """Return a call with those of its outputs that may be the answer's: the nearest ones, the first ones."""
    classes = wanted.shape[1]
    first = call.of(range(classes))
    if answer != "logits":
        return [first]
    nearest = torch.cdist(wanted.T, call.logits().T).argmin(1).tolist()
    return [call.of(nearest), first] if len(set(nearest)) == classes else [first]


def _by_class(usable: Sequence[_Calls], wanted: Tensor, own: float) -> list[DecisionPart]:
    """Return the last call whose logits, each class scaled and moved, are `wanted` [B,C]; [] where none is.

    So it is with a batch norm after the layer, or with logits that are adjusted to how frequent classes are.
    """
    for call in reversed(usable):
        logits, rounding = call.logits(), _rounding(call) + own
        spread, centred = logits - logits.mean(0), wanted - wanted.mean(0)
        scale = (spread * centred).sum(0) / spread.square().sum(0)
        if bool(((scale - 1).abs() < TOLERANCE).all()):
            scale = torch.ones_like(scale)
        error = float((spread * scale - centred).abs().max())
        if bool((scale > 1e-6).all()) and error <= TOLERANCE * float(spread.abs().amax(0).min()) + rounding:
            shift = (wanted - scale * logits).mean(0)
            return [replace(call.part, scale=scale.float(), shift=shift.float())]
    return []


def _rounding(call: _Calls) -> float:
    """Bound what rounding adds to `W·z + b`: where features are large and cancel, more than the tolerance."""
    head, features = call.part.head, call.part.features(call.inputs).cpu()
    kind = call.inputs[0].dtype
    size = float((features.abs() @ head.weight.abs().T + head.bias.abs()).max())
    return 4 * torch.finfo(kind).eps * size


def _one(logits: list[Tensor], wanted: Tensor, rounding: list[float]) -> list[float]:
    """Return 1 for the last layer whose logits are `wanted` [B,C] and 0 for the others; [] where none is."""
    largest = float(wanted.abs().max())
    for index in reversed(range(len(logits))):
        if float((logits[index] - wanted).abs().max()) <= TOLERANCE * largest + rounding[index]:
            return [float(place == index) for place in range(len(logits))]
    return []


def _mixture(logits: list[Tensor], wanted: Tensor, rounding: list[float]) -> list[float]:
    """Return s with `wanted` = Σ s_k logits_k of the fewest last layers; [] where there is none."""
    largest = float(wanted.abs().max())
    for count in range(1, len(logits) + 1):
        columns = torch.stack([one.flatten() for one in logits[-count:]], dim=1)
        if len(columns) <= count + 2:
            break
        solution = torch.linalg.lstsq(columns, wanted.flatten()[:, None], driver="gelsd").solution[:, 0]
        error = float((columns @ solution - wanted.flatten()).abs().max())
        if error <= TOLERANCE * largest + max(rounding[-count:]) and bool((solution > 1e-6).all()):
            return [0.0] * (len(logits) - count) + [_round_scale(float(value)) for value in solution]
    return []


def _share(module: nn.Module, images: Tensor, part: DecisionPart, path: Path, answer: Tensor) -> float:
    """Return how much of what is added to all outputs of a layer arrives in the answer [B,C], class by class.

    0 where something else arrives. So shares are read also of layers whose own logits are next to 0.
    """
    generator = torch.Generator().manual_seed(0)
    added = torch.randn(answer.shape[1], generator=generator).to(answer) * (1 + answer.abs().max())
    shape = (-1, 1, 1) if isinstance(part.layer, nn.Conv2d) else (-1,)

    def change(layer: nn.Module, arguments: Any, output: Tensor) -> Tensor:
        return output + added.reshape(shape).to(output)

    handle = part.layer.register_forward_hook(change) if isinstance(part.layer, nn.Module) else None
    try:
        with torch.no_grad():
            arrived = (answer_at(module(images), path) - answer).mean(0)
    finally:
        if handle is not None:
            handle.remove()
    share = float(arrived @ added / added.square().sum())
    exact = (arrived - share * added).abs().max() <= TOLERANCE * added.abs().max()
    return _round_scale(share) if exact and share > SMALLEST_SHARE else 0.0


def _shares(
    usable: Sequence[_Calls], path: Path, answer: Tensor, logits: list[Tensor], rounding: list[float]
) -> list[float]:
    """Return the share of each layer where they make the answer [B,C] so; else []."""
    shares = [0.0 if call.share is None else call.share(call.part, path, answer) for call in usable]
    wanted = answer.double().cpu()
    made = sum((share * one for share, one in zip(shares, logits, strict=True)), torch.zeros_like(wanted))
    error = float((made - wanted).abs().max())
    return shares if error <= TOLERANCE * float(wanted.abs().max()) + max(rounding) else []


def _round_scale(scale: float) -> float:
    """Return a mean's or sum's share exactly, which the fit gives up to rounding."""
    for exact in (1.0, 0.5, 1 / 3, 0.25, 2.0):
        if abs(scale - exact) <= TOLERANCE * exact:
            return exact
    return scale


def _joined(parts: Sequence[DecisionPart], path: Path, answer: Answer, single: bool) -> HeadSite:
    heads = [part.head for part in parts]
    weight = torch.cat([head.weight for head in heads], dim=1)
    bias = torch.stack([head.bias for head in heads]).sum(0)
    if single:
        weight = torch.cat([torch.zeros_like(weight), weight])
        bias = torch.cat([torch.zeros_like(bias), bias])
    has_bias = any(part.has_bias for part in parts)
    return HeadSite(tuple(parts), Head(weight, bias, has_bias), path, answer, single)


def _leads_on(module: nn.Module, images: Tensor, site: HeadSite, others: Sequence[HeadSite]) -> bool:
    """Tell whether another site's answer changes when this one's layers answer something else."""

    def change(layer: nn.Module, arguments: Any, output: Tensor) -> Tensor:
        return output + torch.randn(output.shape, generator=torch.Generator().manual_seed(0)).to(output)

    rest = [other for other in others if other is not site]
    layers = [part.layer for part in site.parts if not isinstance(part.layer, Product)]
    if not rest or not layers:
        return False
    with torch.no_grad():
        before = module(images)
        handles = [layer.register_forward_hook(change) for layer in layers]
        try:
            after = module(images)
        finally:
            for handle in handles:
                handle.remove()
    return any(not torch.equal(other.logits_in(before), other.logits_in(after)) for other in rest)
