"""Whether the preprocessing is the one that the model's own library does."""

from __future__ import annotations

import numpy as np
from PIL import Image

from ..data.transforms import Preprocess
from ..models.sources import ModelSource

_ALIKE = 0.1


def unmatched(preprocess: Preprocess, source: ModelSource) -> str | None:
    """Return a remark where a picture of a few patches of colour comes out otherwise than in the library."""
    if source.own_picture is None:
        return None
    patches = np.random.default_rng(0).integers(0, 256, (6, 10, 3), np.uint8)
    picture = Image.fromarray(patches).resize((200, 120), Image.Resampling.BICUBIC)
    ours, theirs = preprocess(picture), source.own_picture(np.asarray(picture))
    if ours.shape != theirs.shape:
        return (
            f"the model's own preprocessing makes pictures of {theirs.shape[-1]} pixels, not {ours.shape[-1]}"
        )
    apart = min(float((ours - other).abs().mean()) for other in (theirs, theirs.flip(0)))
    if apart <= _ALIKE:
        return None
    return f"the model's own preprocessing differs, by {apart:.2g} standard deviations on average"
