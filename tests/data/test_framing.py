"""Hand-computed frames; that they equal torchvision's and timm's is in `test_transforms`."""

import numpy as np
import pytest
from PIL import Image

from neuroinspect_tui.data.framing import Framing
from neuroinspect_tui.data.images import UnreadableImage


def columns(width: int, height: int) -> Image.Image:
    """An image whose red is the column, whose green is the row."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[..., 0], pixels[..., 1] = np.arange(width), np.arange(height)[:, None]
    return Image.fromarray(pixels)


def test_the_middle_is_kept_of_an_image_of_the_asked_height() -> None:
    frame = np.asarray(Framing(side=8, crop=4, interpolation="bilinear", crop_mode="center")(columns(12, 8)))
    assert frame[0, :, 0].tolist() == [4, 5, 6, 7]
    assert frame[:, 0, 1].tolist() == [2, 3, 4, 5]


def test_half_the_size_averages_four_pixels_with_a_box() -> None:
    frame = np.asarray(Framing(side=4, crop=4, interpolation="box", crop_mode="center")(columns(8, 8)))
    assert frame[0, :, 0].tolist() == [1, 3, 5, 7], "0.5, 2.5, 4.5 and 6.5, rounded half up"


def test_squash_keeps_the_borders() -> None:
    frame = np.asarray(Framing(side=4, crop=4, interpolation="nearest", crop_mode="squash")(columns(8, 4)))
    assert frame[0, :, 0].tolist() == [1, 3, 5, 7]
    assert frame[:, 0, 1].tolist() == [0, 1, 2, 3]


def test_an_endless_strip_is_refused() -> None:
    with pytest.raises(UnreadableImage, match="too narrow: 1 x 65000 pixels cannot be resized to 64"):
        Framing(64, 64, "bilinear", False)(Image.new("RGB", (1, 65_000)))
