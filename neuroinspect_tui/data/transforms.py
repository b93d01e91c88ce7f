"""From a stored image to the tensor that the classifier sees: one preprocessing for every stage."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from ..config import ModelPreprocess, PreprocessConfig, require_choice
from ..results import Preprocessing
from .framing import RESAMPLING, Framing

Triple = tuple[float, float, float]


@dataclass(frozen=True)
class Preprocess:
    """Resize, centre crop, scale to 0…1, normalise.

    The shorter side becomes `image_size / crop_pct` (both sides with `crop_mode` "squash"), the middle
    `image_size` x `image_size` pixels are kept. Equals torchvision's Resize + CenterCrop + ToTensor +
    Normalize and timm's evaluation transform bit for bit. An image stored at the asked size is not resampled.
    """

    image_size: int = 224
    crop_pct: float = 0.875
    mean: Triple = (0.485, 0.456, 0.406)
    std: Triple = (0.229, 0.224, 0.225)
    interpolation: str = "bilinear"
    crop_mode: str = "center"

    @property
    def resize_size(self) -> int:
        """Length in pixels of the shorter side before the crop."""
        return int(self.image_size / self.crop_pct + 1e-6)

    def described(self) -> Preprocessing:
        """Return the same as plain values."""
        squash = self.crop_mode == "squash"
        return Preprocessing(
            self.resize_size, self.image_size, squash, self.interpolation, self.mean, self.std
        )

    @property
    def framing(self) -> Framing:
        """The part that works on stored images."""
        squash = self.crop_mode == "squash"
        return Framing(self.resize_size, self.image_size, self.interpolation, squash)

    def frame(self, image: Image.Image) -> Image.Image:
        """Return the RGB image [S,S] that the classifier sees; raises UnreadableImage on an endless strip."""
        return self.framing(image)

    def pixels(self, image: Image.Image) -> Tensor:
        """Return [3,S,S] float32 in 0…1, before normalisation."""
        return as_pixels(to_bytes(self.frame(image))[None])[0]

    def __call__(self, image: Image.Image) -> Tensor:
        """Return [3,S,S] float32, normalised."""
        return self.normalise(self.pixels(image))

    def normalise(self, pixels: Tensor) -> Tensor:
        """Return (pixels - mean) / std for pixels [...,3,H,W] in 0…1, differentiable."""
        return (pixels - _channels(self.mean, pixels)) / _channels(self.std, pixels)

    def normalise_bytes(self, frame: np.ndarray) -> None:
        """Turn one frame's values 0…255, float32 [H,W,3], into what `__call__` returns, in place.

        Whole rows at once: much faster than broadcasting over three channels.
        """
        rows, width = frame.reshape(frame.shape[0], -1), frame.shape[1]
        rows /= np.float32(255)
        rows -= np.tile(np.array(self.mean, np.float32), width)
        rows /= np.tile(np.array(self.std, np.float32), width)


def to_bytes(image: Image.Image) -> Tensor:
    """Return an RGB image's own bytes as [H,W,3] uint8."""
    return torch.from_numpy(np.array(image, dtype=np.uint8))


def as_pixels(images: Tensor) -> Tensor:
    """Return uint8 [B,H,W,3] as float32 [B,3,H,W] in 0…1, channels last in memory."""
    return images.permute(0, 3, 1, 2).to(torch.float32).div_(255)


def _channels(values: Triple, like: Tensor) -> Tensor:
    return torch.tensor(values, dtype=like.dtype, device=like.device).view(3, 1, 1)


def resolve_preprocess(options: PreprocessConfig, facts: ModelPreprocess | None = None) -> Preprocess:
    """Combine, field by field, the user's options over the model's facts over the usual ImageNet values.

    Raises InputError when the model asks for an interpolation or crop mode that is not known here.
    """
    chosen: dict[str, Any] = {
        name: value
        for source in (facts, options)
        if source is not None
        for name, value in vars(source).items()
        if value is not None
    }
    preprocess = Preprocess(**chosen)
    require_choice("the model's interpolation", preprocess.interpolation, RESAMPLING)
    require_choice("the model's crop mode", preprocess.crop_mode, ("center", "squash"))
    return preprocess
