"""The classifier as the stages see it: features, logits and maps from images; a head that can be replaced."""

from __future__ import annotations

import contextlib
import hashlib
import io
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import torch
from torch import Tensor, nn

from ..config import ModelConfig, ModelPreprocess, PreprocessConfig
from ..errors import InputError
from ..tensors import Head
from .answers import find_answers
from .decision import HeadSite, capture
from .device import autocast, by_halves, is_out_of_memory
from .folding import folded
from .gradients import gradients_kept
from .head import TOLERANCE, locate_head
from .imagenet import imagenet_classes
from .layers import rewritten, unwritable
from .maps import MapSite, gradient_maps, locate_map, read_maps, watch
from .preactivation import Preactivation, RectifierSite, locate_rectifier
from .source import ClassNames, Exporter, ModelSource
from .sources import open_model
from .weights import StateDict, StateFile, tensor_hash, write_state_dict

PROBES = 4


@dataclass(frozen=True)
class Activations:
    """`features` z [B,D] and `logits` [B,C], both float32 on the classifier's device.

    `drive` [B,D] is, for images with a gradient, what the ReLU that makes z received, pooled as z is:
    it has a gradient where z is silent. It is z itself in a network without such a ReLU.
    `gap` [B] is how far what the model returned is from what `W·z + b` would make it return (0 where that is
    not measured: in half precision, and for images with a gradient).
    """

    features: Tensor
    logits: Tensor
    drive: Tensor
    gap: Tensor


@dataclass(frozen=True, eq=False)
class Classifier:
    """A frozen module in eval mode whose decision layer is known; made by `load_classifier` or `prepare`.

    `image_size` is the side in pixels of the images that it was found to run on, `memory_format` how these
    lie in memory. `classes` are those of its outputs, as far as it knows them. `unfrozen` says that gradients
    reach the image only when the model's own `no_grad` and `detach` are undone, `differentiable_through` that
    they do reach it. `unrepairable` says why no file could hold another decision layer, `notes` what the
    user should know. `labels` is the decision layer of all labels, where `site` is that of one.
    """

    name: str
    module: nn.Module
    site: HeadSite
    image_size: int
    device: torch.device
    dtype: torch.dtype
    preprocess_facts: ModelPreprocess | None = None
    state: StateFile | None = None
    classes: ClassNames = field(default_factory=ClassNames)
    channels: int = 3
    memory_format: torch.memory_format = torch.channels_last
    unfrozen: bool = False
    differentiable_through: bool = True
    unrepairable: str | None = None
    notes: tuple[str, ...] = ()
    exporter: Exporter | None = None
    labels: Head | None = None

    @property
    def head(self) -> Head:
        """The decision layer as trained, float32 on the CPU."""
        return self.site.head

    @property
    def outputs(self) -> int:
        """How many numbers it returns for an image."""
        return 1 if self.site.single and self.labels is None else (self.labels or self.head).classes

    def of_label(self, output: int, threshold: float) -> Classifier:
        """Return the same as two classes: whether an image has the label of `output`, by its probability.

        Raises InputError for a classifier whose outputs exclude one another.
        """
        if self.exporter is not None or "softmax" in self.site.answer:
            message = f"-m {self.name} gives an image one of its classes, the data several labels"
            raise InputError(message, "give a classifier with a sigmoid for each label, or --no-manifest")
        site = self.site.of_output(output, math.log(threshold / (1 - threshold)))
        return replace(self, site=site, classes=ClassNames(), labels=self.head)

    @property
    def parameters(self) -> int:
        """Number of parameters."""
        return sum(parameter.numel() for parameter in self.module.parameters())

    def forward(self, images: Tensor) -> Activations:
        """Return the activations of normalised images [B,3,H,W], with their graph if `images` has one.

        In half precision the logits are `W·z + b` in float32, which `locate_head` proved equal.
        """
        rectifier = self._rectifier if images.requires_grad else None
        if rectifier is None:
            return self._run(images, images.requires_grad)
        with Preactivation(rectifier.index) as before:
            found = self._run(images, True)
        assert before.input is not None
        return replace(found, drive=rectifier.read(before.input).float())

    def maps_and_activations(self, images: Tensor, neurons: Tensor) -> tuple[Tensor, Activations]:
        """Return the maps [B,K,h,w] float32 of `neurons`, [K] or each image's own [B,K], and the rest.

        How the map is found: see `maps`; where nothing spatial leads to z it is one position of zeros.
        """
        own = neurons.to(self.device).expand(len(images), -1)
        maps, *found = by_halves(self._mapped, images.detach(), own)
        return maps, Activations(*found)

    def direction_maps(self, images: Tensor, directions: Tensor) -> tuple[Tensor, Activations]:
        """Return the maps [B,K,h,w] float32 of `directions` [K,D]: Σ_n d_n f_n, in one pass; and the rest."""
        own = directions.to(self.device, torch.float32).expand(len(images), -1, -1)
        maps, *found = by_halves(self._mapped, images.detach(), own)
        return maps, Activations(*found)

    def _mapped(self, images: Tensor, wanted: Tensor) -> tuple[Tensor, ...]:
        """Return the maps of each image's `wanted`, neurons [B,K] or directions [B,K,D], and the rest."""
        site = self._map
        if site is None:
            maps = torch.zeros(*wanted.shape[:2], 1, 1, device=self.device)
            return maps, *vars(self._run(images, False)).values()
        watched = {site.name: self.module.get_submodule(site.name)}
        if site.pooled:
            with watch(watched) as outputs:
                found = self._run(images, False)
            spatial = site.spatial(outputs.last[site.name]).float()
            return read_maps(spatial, wanted), *vars(found).values()
        leaves: list[Tensor] = []

        def cut(output: Tensor) -> Tensor:
            leaves.append(output.detach().requires_grad_())
            return leaves[-1].clone()

        with watch(watched, cut):
            found = self._run(images, True)
        maps = gradient_maps(leaves[-1], site, found.features, wanted)
        return maps, *(value.detach() for value in vars(found).values())

    def feature_map(self, images: Tensor, neurons: Tensor) -> Tensor:
        """Return where `neurons`, [K] or each image's own [B,K], fire: [B,K,h,w] float32."""
        return self.maps_and_activations(images, neurons)[0]

    def differentiable(self) -> Classifier:
        """Return a frozen copy for gradients to the input, batch norms folded where that changes nothing."""
        module = folded(self.module, self._probe())
        return replace(self, module=module, site=self.site.within(module), state=None)

    def repaired_state(self, head: Head) -> dict[str, Tensor]:
        """Return the full state dict by the names and types it came in, with `head` in the decision layers.

        Raises InputError when no stored tensors make up the layer's weight, or it has no bias to change.
        """
        if self.unrepairable:
            raise InputError(self.unrepairable, "remove its parametrization before repairing")
        if not self.head.has_bias and not torch.equal(head.bias, self.head.bias):
            raise InputError(f"layer {self.site.name!r} has no bias to change", "repair it without one")
        held = self.module.state_dict(keep_vars=True)
        state = self.state or _as_file(held)
        stored, tensors = state.chosen.stored_names, dict(state.tensors)
        for name, value in (rewritten(self.module, self.site, head) or {}).items():
            kept = tensors[stored[name]]
            tensors[stored[name]] = value.to(kept.dtype).reshape(kept.shape).contiguous()
        return tensors

    def write_repaired(self, path: Path, head: Head) -> None:
        """Write `repaired_state` in the format and wrapper it came in (safetensors without `-w`)."""
        if self.exporter is not None:
            tensors, metadata = self.exporter(head)
            own = StateFile("", "safetensors", StateDict(tensors), metadata=metadata)
            write_state_dict(path, tensors, own)
        else:
            write_state_dict(path, self.repaired_state(head), self.state)

    @property
    def weights_suffix(self) -> str:
        """The file name ending that `write_repaired` deserves."""
        return self.state.suffix if self.state else ".safetensors"

    def fingerprint(self) -> str:
        """Return a SHA-256 over the architecture and every tensor of the module."""
        digest = hashlib.sha256(re.sub(r" at 0x[0-9a-f]+", "", str(self.module)).encode())
        for name, tensor in self.module.state_dict().items():
            digest.update(f"{name}={tensor_hash(tensor)};".encode())
        return digest.hexdigest()

    @property
    def tolerance(self) -> float:
        """The `gap` up to which `W·z + b` counts as the model's logits, for logits of about 1."""
        return TOLERANCE if self.device.type == "cpu" else 10 * TOLERANCE

    def rounding(self, features: Tensor) -> Tensor:
        """Return [N]: what rounding may add to `gap`, in units of `tolerance`, for z [N,D] far from 0."""
        size = (features.float().abs() @ self.head.weight.abs().T + self.head.bias.abs()).amax(1)
        return 4 * self.site.eps * size / self.tolerance

    @cached_property
    def _head(self) -> Head:
        return replace(
            self.head, weight=self.head.weight.to(self.device), bias=self.head.bias.to(self.device)
        )

    @cached_property
    def _map(self) -> MapSite | None:
        images = self._probe().requires_grad_(self.differentiable_through)
        return locate_map(self.module, lambda: self._run(images, self.differentiable_through).features)

    @cached_property
    def _rectifier(self) -> RectifierSite | None:
        return locate_rectifier(lambda: self._run(self._probe(), False).features)

    def _probe(self) -> Tensor:
        return probe(self.image_size, self.device, self.channels).contiguous(memory_format=self.memory_format)

    def _run(self, images: Tensor, gradient: bool) -> Activations:
        images = images.to(self.device, memory_format=self.memory_format)
        with (
            torch.set_grad_enabled(gradient),
            autocast(self.device, self.dtype),
            gradients_kept(gradient and self.unfrozen),
            capture(self.site) as captured,
        ):
            output = self.module(images)
        with torch.set_grad_enabled(gradient):
            features = captured.features()
            exact = self.dtype == torch.float32
            own = exact and self.site.gives_logits
            logits = self.site.logits_in(output) if own else self._head.logits(features)
        with torch.no_grad():
            measured = exact and not gradient
            proof = self._head.logits(features) if own and measured else logits
            gap = self.site.gap(output, proof) if measured else torch.zeros(len(features))
        return Activations(features, logits, features, gap.to(features.device))


def _as_file(held: Mapping[str, Tensor]) -> StateFile:
    return StateFile("", "safetensors", StateDict({name: tensor.detach() for name, tensor in held.items()}))


def probe(image_size: int, device: torch.device, channels: int = 3, count: int = 2) -> Tensor:
    """Return images [count,c,S,S] of noise, always the same, to see how data flows through a module."""
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(count, channels, image_size, image_size, generator=generator)
    return images.to(device, memory_format=torch.channels_last)


def prepare(
    source: ModelSource,
    num_classes: int | None,
    image_size: int,
    device: torch.device,
    dtype: torch.dtype = torch.float32,
) -> Classifier:
    """Freeze the module, move it to `device`, find its decision layer on `image_size` pixels square.

    Raises InputError when it does not run on such images, answers the same images differently, has not
    `num_classes` outputs (None: any number), or its decision layer cannot be found.
    """
    _require_plain(source)
    module = source.module.float().eval().requires_grad_(False).to(device)
    with contextlib.redirect_stdout(io.StringIO()):
        with _explained(source.name, image_size):
            images, memory_format = _runnable(module, probe(image_size, device, source.channels, PROBES))
            answers = _repeated_answers(module, images)
            site = locate_head(module, images, num_classes)
        if num_classes is not None and site.head.classes != num_classes:
            message = f"-m {source.name} has {site.head.classes} outputs, the data {num_classes} classes"
            raise InputError(message, "pass -w FILE trained on these classes, or the data it was trained on")
        found = Classifier(
            source.name,
            module,
            site,
            image_size,
            device,
            dtype,
            source.preprocess,
            source.state,
            _classes(source, site.head.classes),
            source.channels,
            memory_format,
            unrepairable=None if source.exporter else unwritable(module, site, images),
            notes=(*source.notes, *_remarks(answers)),
            exporter=source.exporter,
        )
        return _differentiable(found)


@contextlib.contextmanager
def _explained(name: str, image_size: int) -> Iterator[None]:
    """Turn what a module raises on noise of `image_size` pixels into an InputError that names it."""
    try:
        yield
    except (RuntimeError, ValueError, TypeError, AssertionError, IndexError) as error:
        if is_out_of_memory(error):
            raise
        reason = " ".join(str(error).split())[:300]
        message = f"-m {name} does not run on images of {image_size} pixels: {reason}"
        raise InputError(message, "give the --image-size it was made for") from error
    except InputError as error:
        raise InputError(f"-m {name}: {error.message}", error.remedy) from error


def _require_plain(source: ModelSource) -> None:
    """Raise InputError for a module whose layers cannot be watched, or whose weights are no real numbers."""
    parts = list(source.module.modules())
    if any(isinstance(part, torch.jit.ScriptModule) for part in parts):
        message = f"-m {source.name} is a TorchScript module, whose layers cannot be looked into"
        remedy = "give the function that builds the network itself, and its weights with -w"
        raise InputError(message, remedy)
    whole = all(one.is_floating_point() or one.is_complex() for one in source.module.parameters())
    if not whole or any(".quantized." in type(part).__module__ for part in parts):
        message = f"-m {source.name} is quantized: its weights are whole numbers, which no gradient moves"
        raise InputError(message, "give the model as it was before it was quantized")


def _classes(source: ModelSource, outputs: int) -> ClassNames:
    """Return the classes that the source knows, or those of ImageNet if there are as many outputs."""
    known = source.classes
    return known if len(known.names) == outputs else imagenet_classes(outputs, certain=False)


def _runnable(module: nn.Module, images: Tensor) -> tuple[Tensor, torch.memory_format]:
    """Bring module and images to channels-last, the faster way, if the module runs in it.

    Modules that `view` a map as a row of numbers do not.
    """
    before = {name: tensor.data for name, tensor in module.state_dict(keep_vars=True).items()}
    parts = [tensor for tensor in (*module.parameters(), *module.buffers()) if tensor.dim() == 4]
    for tensor in parts:
        tensor.data = tensor.data.contiguous(memory_format=torch.channels_last)
    try:
        with torch.no_grad():
            module(images)
    except RuntimeError as error:
        if is_out_of_memory(error):
            raise
        for name, tensor in module.state_dict(keep_vars=True).items():
            tensor.data = before[name]
        return images.contiguous(), torch.contiguous_format
    return images, torch.channels_last


def _repeated_answers(module: nn.Module, images: Tensor) -> list[Tensor]:
    """Return what may be the answers; raises InputError when a second pass over the images gives others."""
    with torch.no_grad():
        first, second = (find_answers(module(images), len(images)) for _ in range(2))
    for (_, one), (_, other) in zip(first, second, strict=True):
        apart = float((one.float() - other.float()).abs().max())
        if apart > 1e-3 * max(1e-6, float(one.float().abs().max())):
            message = f"two passes over the same images differ by up to {apart:.2g}: something in it is drawn"
            raise InputError(message, "write F.dropout(x, p, training=self.training), and the like")
    return [tensor for _, tensor in first]


def _remarks(answers: Sequence[Tensor]) -> tuple[str, ...]:
    """Say what a model computes in half precision of its own accord."""
    kinds = {str(tensor.dtype).removeprefix("torch.") for tensor in answers}
    low = sorted(kinds & {"float16", "bfloat16"})
    return (
        (f"the model's own forward computes in {low[0]} (autocast): logits are that coarse",) if low else ()
    )


def _differentiable(found: Classifier) -> Classifier:
    """Find out whether gradients of z reach the image, if need be by undoing the model's own `no_grad`."""
    for unfrozen in (False, True):
        tried = replace(found, unfrozen=unfrozen)
        images = tried._probe().requires_grad_()
        try:
            features = tried._run(images, True).features
            weights = torch.linspace(-1, 1, features.shape[1], device=features.device) ** 3 + 0.1
            if features.requires_grad and bool(
                torch.autograd.grad((features @ weights).sum(), images)[0].any()
            ):
                return tried
        except RuntimeError as error:
            if is_out_of_memory(error):
                raise
    note = "no gradient reaches the image in this model: no illusions, and maps only where they are read off"
    return replace(found, differentiable_through=False, notes=(*found.notes, note))


def load_classifier(
    config: ModelConfig,
    preprocess: PreprocessConfig,
    num_classes: int | None,
    device: torch.device,
    dtype: torch.dtype = torch.float32,
) -> Classifier:
    """Open and prepare in one go, on images of the size that is asked for, or the model's own, or 224 pixels.

    Raises InputError as `open_model` and `prepare` do.
    """
    names = None if num_classes is None else [str(index) for index in range(num_classes)]
    source = open_model(config, None if names is None else lambda: names, preprocess.image_size)
    own = source.preprocess.image_size if source.preprocess else None
    return prepare(source, num_classes, preprocess.image_size or own or 224, device, dtype)
