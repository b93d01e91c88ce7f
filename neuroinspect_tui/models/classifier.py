"""The classifier as the stages see it: features, logits and maps from images; a head that can be replaced."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import cast

import torch
from torch import Tensor, nn

from ..config import ModelConfig, ModelPreprocess, PreprocessConfig
from ..errors import InputError
from ..tensors import Head
from .device import autocast, by_halves, is_out_of_memory
from .folding import folded
from .head import DecisionLayer, HeadSite, capture, locate_head, logits_of
from .maps import MapSite, gradient_maps, locate_map, read_maps, watch
from .preactivation import Preactivation, RectifierSite, locate_rectifier
from .sources import ModelSource, open_model
from .weights import StateFile, tensor_hash, write_state_dict


@dataclass(frozen=True)
class Activations:
    """`features` z [B,D] and `logits` [B,C], both float32 on the classifier's device.

    `drive` [B,D] is, for images with a gradient, what the ReLU that makes z received, pooled as z is:
    it has a gradient where z is silent. It is z itself in a network without such a ReLU.
    """

    features: Tensor
    logits: Tensor
    drive: Tensor


@dataclass(frozen=True, eq=False)
class Classifier:
    """A frozen module in eval mode whose decision layer is known; made by `load_classifier` or `prepare`.

    `image_size` is the side in pixels of the images that it was found to run on.
    """

    name: str
    module: nn.Module
    site: HeadSite
    image_size: int
    device: torch.device
    dtype: torch.dtype
    preprocess_facts: ModelPreprocess | None = None
    state: StateFile | None = None

    @property
    def head(self) -> Head:
        """The decision layer as trained, float32 on the CPU."""
        return self.site.head

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

        How the map is found is told in `maps`; where nothing spatial leads to z it is one position of zeros.
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
        layer = cast(DecisionLayer, module.get_submodule(self.site.name))
        return replace(self, module=module, site=replace(self.site, layer=layer), state=None)

    def repaired_state(self, head: Head) -> dict[str, Tensor]:
        """Return the full state dict by the names and types it came in, with `head` in the decision layer.

        Raises InputError when the layer's weight is not a tensor of the state dict but computed.
        """
        held = self.module.state_dict(keep_vars=True)
        state = self.state or StateFile("", "safetensors", {name: held[name].detach() for name in held})
        stored, tensors = state.stored_names, dict(state.tensors)
        for part, value in (("weight", head.weight), ("bias", head.bias)):
            own = getattr(self.site.layer, part)
            names = [stored[name] for name, tensor in held.items() if tensor is own]
            if own is not None and not names:
                message = f"the {part} of layer {self.site.name!r} is computed from others"
                raise InputError(message, "remove its parametrization before repairing")
            for name in names:
                tensors[name] = value.to(tensors[name].dtype).reshape(tensors[name].shape)
        if self.site.layer.bias is None and head.bias.any():
            bias = f"{state.prefix}{self.site.name}.bias"
            tensors[bias] = head.bias.clone()
        return tensors

    def write_repaired(self, path: Path, head: Head) -> None:
        """Write `repaired_state` in the format and wrapper it came in (safetensors without `-w`)."""
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

    @cached_property
    def _head(self) -> Head:
        return Head(self.head.weight.to(self.device), self.head.bias.to(self.device))

    @cached_property
    def _map(self) -> MapSite | None:
        return locate_map(self.module, lambda: self._run(self._probe().requires_grad_(), True).features)

    @cached_property
    def _rectifier(self) -> RectifierSite | None:
        return locate_rectifier(lambda: self._run(self._probe(), False).features)

    def _probe(self) -> Tensor:
        return probe(self.image_size, self.device)

    def _run(self, images: Tensor, gradient: bool) -> Activations:
        images = images.to(self.device, memory_format=torch.channels_last)
        with (
            torch.set_grad_enabled(gradient),
            autocast(self.device, self.dtype),
            capture(self.site.layer) as captured,
        ):
            output = logits_of(self.module(images))
        with torch.set_grad_enabled(gradient):
            features = self.site.features(captured.input)
            logits = output.float() if self.dtype == torch.float32 else self._head.logits(features)
        return Activations(features, logits, features)


def probe(image_size: int, device: torch.device) -> Tensor:
    """Return two images [2,3,S,S] of noise, always the same, to see how data flows through a module."""
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(2, 3, image_size, image_size, generator=generator)
    return images.to(device, memory_format=torch.channels_last)


def prepare(
    source: ModelSource,
    num_classes: int,
    image_size: int,
    device: torch.device,
    dtype: torch.dtype = torch.float32,
) -> Classifier:
    """Freeze the module, move it to `device`, find its decision layer on `image_size` pixels square.

    Raises InputError when it does not run on such images, has not `num_classes` outputs, or its decision
    layer cannot be found.
    """
    module = source.module.float().eval().requires_grad_(False)
    module = module.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    try:
        site = locate_head(module, probe(image_size, device))
    except (RuntimeError, ValueError, TypeError, AssertionError, IndexError) as error:
        if is_out_of_memory(error):
            raise
        reason = " ".join(str(error).split())[:300]
        message = f"-m {source.name} does not run on images of {image_size} pixels: {reason}"
        raise InputError(message, "give the --image-size it was made for") from error
    except InputError as error:
        raise InputError(f"-m {source.name}: {error.message}", error.remedy) from error
    if site.head.classes != num_classes:
        message = f"-m {source.name} has {site.head.classes} outputs, the data {num_classes} classes"
        raise InputError(message, "pass -w FILE trained on these classes, or the data it was trained on")
    return Classifier(source.name, module, site, image_size, device, dtype, source.preprocess, source.state)


def load_classifier(
    config: ModelConfig,
    preprocess: PreprocessConfig,
    num_classes: int,
    device: torch.device,
    dtype: torch.dtype = torch.float32,
) -> Classifier:
    """Open and prepare in one go, on images of the size that is asked for, or the model's own, or 224 pixels.

    Raises InputError as `open_model` and `prepare` do.
    """
    source = open_model(config, num_classes)
    own = source.preprocess.image_size if source.preprocess else None
    return prepare(source, num_classes, preprocess.image_size or own or 224, device, dtype)
