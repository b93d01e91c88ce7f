"""What the user should know about the images before a long run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from .images import SCALED, UnreadableImage
from .splits import Split
from .transforms import Preprocess

_LOOKED_AT = 16
_SQUARE = 1.1


class Seen(NamedTuple):
    """The width and height in pixels of an image, and which deep greyscale was scaled in it ("": none)."""

    size: tuple[int, int]
    scaled: str


def look_at(split: Split) -> list[Seen]:
    """Return what some images of a split are like, spread over all of it."""
    found = []
    for row in range(0, len(split), -(-len(split) // _LOOKED_AT)):
        try:
            image = split.open(row)
        except UnreadableImage:
            continue
        found.append(Seen(image.size, image.info.get(SCALED, "")))
    return found


def enlarged_note(images: Sequence[Seen], preprocess: Preprocess) -> str | None:
    """Return a remark when all images looked at are stored at one size that the preprocessing enlarges.

    Such images (CIFAR's 32 x 32, say) were most often trained on as they are.
    """
    sizes = {image.size for image in images}
    if len(sizes) != 1:
        return None
    (width, height) = sizes.pop()
    side = preprocess.resize_size
    if min(width, height) >= side:
        return None
    as_stored = f"--image-size {min(width, height)} --crop-pct 1 takes them as stored"
    return f"all images are {width} x {height} pixels and are enlarged to {side}: {as_stored}"


def cut_note(images: Sequence[Seen], preprocess: Preprocess) -> str | None:
    """Return a remark when most images looked at are not square and lose their sides to the crop."""
    if preprocess.crop_mode != "center":
        return None
    oblong = [image.size for image in images if max(image.size) >= _SQUARE * min(image.size)]
    if 2 * len(oblong) <= len(images):
        return None
    width, height = oblong[0]
    return (
        f"images are not square (for example {width} x {height} pixels): the crop cuts their sides off; "
        "--crop-mode squash or border keeps them, if the classifier was trained so"
    )


def scaled_note(images: Sequence[Seen]) -> str | None:
    """Return a remark when images have deep greyscale, which is scaled to 8 bits."""
    kinds = sorted({image.scaled for image in images} - {""})
    if not kinds:
        return None
    return f"{' and '.join(kinds)} greyscale is scaled to 0…255, where Pillow alone would clip it"
