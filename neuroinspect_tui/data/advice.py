"""What the user should know about the images before a long run."""

from __future__ import annotations

from .images import UnreadableImage
from .splits import Split
from .transforms import Preprocess

_LOOKED_AT = 16


def enlarged_note(split: Split, preprocess: Preprocess) -> str | None:
    """Return a remark when all images looked at are stored at one size that the preprocessing enlarges.

    Such images (CIFAR's 32 x 32, say) were most often trained on as they are.
    """
    sizes = set()
    for row in range(0, len(split), -(-len(split) // _LOOKED_AT)):
        try:
            sizes.add(split.open(row).size)
        except UnreadableImage:
            continue
    if len(sizes) != 1:
        return None
    (width, height) = sizes.pop()
    side = preprocess.resize_size
    if min(width, height) >= side:
        return None
    as_stored = f"--image-size {min(width, height)} --crop-pct 1 takes them as stored"
    return f"all images are {width} x {height} pixels and are enlarged to {side}: {as_stored}"
