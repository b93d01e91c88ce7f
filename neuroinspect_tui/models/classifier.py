"""The classifier as the stages see it: features, logits and maps from images; a head that can be replaced."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ..config import ModelConfig, ModelPreprocess, PreprocessConfig
from ..errors import InputError
from ..tensors import Head
from .device import autocast
from .head import HeadSite, capture, locate_head, logits_of
from .sources import ModelSource, open_model
from .weights import StateFile, tensor_hash


@dataclass(frozen=True)
class Activations:
    """`features` z [B,D] and `logits` [B,C], both float32 on the classifier's device."""

    features: Tensor
    logits: Tensor


@dataclass(frozen=True)
class Classifier:
    """A frozen module in eval mode whose decision layer is known; made by `prepare` or `load_classifier`."""

    name: str
    module: nn.Module
    site: HeadSite
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
        """Return features and logits of normalised images [B,3,H,W], with their graph if `images` has one.

        In half precision the logits are `W·z + b` in float32, which `locate_head` proved equal.
        """
        images = images.to(self.device, memory_format=torch.channels_last)
        with (
            torch.set_grad_enabled(images.requires_grad),
            autocast(self.device, self.dtype),
            capture(self.site.layer) as captured,
        ):
            output = logits_of(self.module(images))
        features = self.site.features(captured.input)
        logits = output.float() if self.dtype == torch.float32 else self.head.logits(features)
        return Activations(features, logits)

    def fingerprint(self) -> str:
        """Return a SHA-256 over the architecture and every tensor of the module."""
        digest = hashlib.sha256(re.sub(r" at 0x[0-9a-f]+", "", str(self.module)).encode())
        for name, tensor in self.module.state_dict().items():
            digest.update(f"{name}={tensor_hash(tensor)};".encode())
        return digest.hexdigest()


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
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(2, 3, image_size, image_size, generator=generator)
    try:
        site = locate_head(module, images.to(device, memory_format=torch.channels_last))
    except (RuntimeError, ValueError, TypeError, AssertionError, IndexError) as error:
        reason = " ".join(str(error).split())[:300]
        message = f"-m {source.name} does not run on images of {image_size} pixels: {reason}"
        raise InputError(message, "give the --image-size it was made for") from error
    except InputError as error:
        raise InputError(f"-m {source.name}: {error.message}", error.remedy) from error
    if site.head.classes != num_classes:
        message = f"-m {source.name} has {site.head.classes} outputs, the data {num_classes} classes"
        raise InputError(message, "pass -w FILE trained on these classes, or the data it was trained on")
    return Classifier(source.name, module, site, device, dtype, source.preprocess, source.state)


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
