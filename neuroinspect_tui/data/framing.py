"""Which pixels of a stored image the classifier sees. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass

from PIL import Image

from .images import PIXEL_LIMIT, UnreadableImage

RESAMPLING = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
    "box": Image.Resampling.BOX,
    "hamming": Image.Resampling.HAMMING,
}


@dataclass(frozen=True)
class Framing:
    """Resize the shorter side to `side` pixels (`squash`: both), keep the middle `crop` x `crop`.

    Equals torchvision's Resize + CenterCrop and timm's evaluation transform bit for bit. An image stored at
    the asked size is not resampled.
    """

    side: int
    crop: int
    interpolation: str
    squash: bool

    def __call__(self, image: Image.Image) -> Image.Image:
        """Return the RGB image [S,S] that the classifier sees; raises UnreadableImage on an endless strip."""
        size, crop = self._resized(image.size), self.crop
        if size != image.size:
            image = image.resize(size, RESAMPLING[self.interpolation])
        left, top = round((size[0] - crop) / 2), round((size[1] - crop) / 2)
        return image if size == (crop, crop) else image.crop((left, top, left + crop, top + crop))

    def _resized(self, size: tuple[int, int]) -> tuple[int, int]:
        side, (width, height) = self.side, size
        if self.squash:
            return side, side
        long = int(side * max(size) / min(size))
        if long * side > PIXEL_LIMIT:
            raise UnreadableImage(f"too narrow: {width} x {height} pixels cannot be resized to {side}")
        return (side, long) if width <= height else (long, side)
