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
CROP_MODES = ("center", "squash", "border")
MODES = {1: "L", 3: "RGB", 4: "RGBA"}
"""The mode of an image with as many channels."""


@dataclass(frozen=True)
class Framing:
    """Resize the shorter side to `side` pixels, keep the middle `crop` x `crop`.

    `crop_mode` "squash" resizes both sides; "border" resizes the longer one and pads with `fill`, one value
    for each channel of `mode`. Equals torchvision's Resize + CenterCrop and timm's evaluation transform bit
    for bit. An image stored at the asked size is not resampled.
    """

    side: int
    crop: int
    interpolation: str
    crop_mode: str = "center"
    mode: str = "RGB"
    fill: tuple[int, ...] = (0, 0, 0)

    @property
    def channels(self) -> int:
        """How many channels an image of `mode` has."""
        return len(self.mode)

    def __call__(self, image: Image.Image) -> Image.Image:
        """Return the image [S,S] that the classifier sees; raises UnreadableImage on an endless strip."""
        image = image if image.mode == self.mode else image.convert(self.mode)
        size, crop = self._resized(image.size), self.crop
        if size != image.size:
            image = image.resize(size, RESAMPLING[self.interpolation])
        if min(size) < crop:
            image = self._padded(image)
        width, height = image.size
        left, top = round((width - crop) / 2), round((height - crop) / 2)
        whole = image.size == (crop, crop)
        return image if whole else image.crop((left, top, left + crop, top + crop))

    def _resized(self, size: tuple[int, int]) -> tuple[int, int]:
        side, (width, height) = self.side, size
        if self.crop_mode == "squash":
            return side, side
        if self.crop_mode == "border":
            ratio = max(size) / side
            return max(1, round(width / ratio)), max(1, round(height / ratio))
        long = int(side * max(size) / min(size))
        if long * side > PIXEL_LIMIT:
            raise UnreadableImage(f"too narrow: {width} x {height} pixels cannot be resized to {side}")
        return (side, long) if width <= height else (long, side)

    def _padded(self, image: Image.Image) -> Image.Image:
        """Pad the sides that are shorter than the crop, the odd pixel at the right and below."""
        if self.crop_mode != "border":
            return image
        width, height = max(image.width, self.crop), max(image.height, self.crop)
        fill = self.fill if len(self.fill) > 1 else self.fill[0]
        canvas = Image.new(self.mode, (width, height), fill)
        canvas.paste(image, ((width - image.width) // 2, (height - image.height) // 2))
        return canvas
