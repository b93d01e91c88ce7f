"""From a stored image to the tensor that the classifier sees: one preprocessing for every stage."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from ..config import ModelPreprocess, PreprocessConfig, require_choice
from ..errors import InputError
from ..results import Preprocessing
from .framing import CROP_MODES, MODES, RESAMPLING, Framing

Values = tuple[float, ...]


@dataclass(frozen=True)
class Preprocess:
    """Resize, centre crop, scale to 0…1, normalise.

    The shorter side becomes `image_size / crop_pct` (both with `crop_mode` "squash", the longer one with
    "border", which pads with the mean), the middle `image_size` x `image_size` pixels are kept. Equals
    torchvision's Resize + CenterCrop + ToTensor + Normalize and timm's evaluation transform bit for bit. An
    image stored at the asked size is not resampled. `mean` and `std` have one value for each of the C
    `channels`: 1 (grey), 3 (RGB) or 4 (RGB and alpha).
    """

    image_size: int = 224
    crop_pct: float = 0.875
    mean: Values = (0.485, 0.456, 0.406)
    std: Values = (0.229, 0.224, 0.225)
    interpolation: str = "bilinear"
    crop_mode: str = "center"
    channels: int = 3

    @property
    def resize_size(self) -> int:
        """Length in pixels of the shorter side before the crop."""
        return int(self.image_size / self.crop_pct + 1e-6)

    def described(self) -> Preprocessing:
        """Return the same as plain values."""
        squash, border = self.crop_mode == "squash", self.crop_mode == "border"
        return Preprocessing(
            self.resize_size, self.image_size, squash, self.interpolation, self.mean, self.std, border
        )

    @property
    def framing(self) -> Framing:
        """The part that works on stored images."""
        fill = tuple(round(255 * value) for value in self.mean)
        mode = MODES[self.channels]
        return Framing(self.resize_size, self.image_size, self.interpolation, self.crop_mode, mode, fill)

    def frame(self, image: Image.Image) -> Image.Image:
        """Return the image [S,S] that the classifier sees; raises UnreadableImage on an endless strip."""
        return self.framing(image)

    def pixels(self, image: Image.Image) -> Tensor:
        """Return [C,S,S] float32 in 0…1, before normalisation."""
        return as_pixels(to_bytes(self.frame(image))[None])[0]

    def __call__(self, image: Image.Image) -> Tensor:
        """Return [C,S,S] float32, normalised."""
        return self.normalise(self.pixels(image))

    def normalise(self, pixels: Tensor) -> Tensor:
        """Return (pixels - mean) / std for pixels [...,C,H,W] in 0…1, differentiable."""
        return (pixels - _channels(self.mean, pixels)) / _channels(self.std, pixels)

    def normalise_bytes(self, frame: np.ndarray) -> None:
        """Turn one frame's values 0…255, float32 [H,W,C], into what `__call__` returns, in place.

        Whole rows at once: much faster than broadcasting over three channels.
        """
        rows, width = frame.reshape(frame.shape[0], -1), frame.shape[1]
        rows /= np.float32(255)
        rows -= np.tile(np.array(self.mean, np.float32), width)
        rows /= np.tile(np.array(self.std, np.float32), width)


def preprocess_of(described: Preprocessing) -> Preprocess:
    """Return the preprocessing that `Preprocess.described` wrote down."""
    return Preprocess(
        image_size=described.size,
        crop_pct=described.size / described.resize,
        mean=described.mean,
        std=described.std,
        interpolation=described.interpolation,
        crop_mode="squash" if described.squash else "border" if described.border else "center",
        channels=len(described.mean),
    )


def frame_bytes(image: Image.Image) -> np.ndarray:
    """Return an image's own bytes as an array [H,W,C] of uint8."""
    return np.array(image, dtype=np.uint8).reshape(image.height, image.width, -1)


def to_bytes(image: Image.Image) -> Tensor:
    """Return an image's own bytes as [H,W,C] uint8."""
    return torch.from_numpy(frame_bytes(image))


def as_pixels(images: Tensor) -> Tensor:
    """Return uint8 [B,H,W,C] as float32 [B,C,H,W] in 0…1, channels last in memory."""
    return images.permute(0, 3, 1, 2).to(torch.float32).div_(255)


def _channels(values: Values, like: Tensor) -> Tensor:
    return torch.tensor(values, dtype=like.dtype, device=like.device).view(-1, 1, 1)


def resolve_preprocess(
    options: PreprocessConfig, facts: ModelPreprocess | None = None, channels: int = 3
) -> Preprocess:
    """Combine, field by field, the user's options over the model's facts over the usual ImageNet values.

    `channels` is how many the model reads; means and deviations of colours are averaged for grey.

    Raises InputError when the model asks for an interpolation or crop mode that is not known here.
    """
    chosen: dict[str, Any] = {
        name: value
        for source in (facts, options)
        if source is not None
        for name, value in vars(source).items()
        if value is not None
    }
    require_channels(channels)
    chosen["channels"] = channels
    for name in ("mean", "std"):
        chosen[name] = _per_channel(name, chosen.get(name, getattr(Preprocess, name)), channels)
    preprocess = Preprocess(**chosen)
    require_choice("the model's interpolation", preprocess.interpolation, RESAMPLING)
    require_choice("the model's crop mode", preprocess.crop_mode, CROP_MODES)
    return preprocess


def require_channels(channels: int) -> None:
    """Raise InputError for a number of channels that no image here has."""
    if channels not in MODES:
        line = f"the classifier takes images of {channels} channels"
        raise InputError(line, "give one for 1 (grey), 3 (RGB) or 4 (RGB and alpha) channels")


def _per_channel(name: str, values: Values, channels: int) -> Values:
    """Return one value for each channel: the average of three for grey, alpha as it is."""
    if len(values) == channels:
        return values
    if len(values) == 1:
        return values * channels
    if len(values) == 3 and channels == 1:
        return (sum(values) / 3,)
    if len(values) == 3 and channels == 4:
        return (*values, 0.0 if name == "mean" else 1.0)
    raise InputError(f"--{name} has {len(values)} values", f"give {channels}, one for each channel")
