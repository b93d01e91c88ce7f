"""The sentences that a class name is put into before CLIP reads it: their mean is the class's embedding."""

from __future__ import annotations

from collections.abc import Callable, Sequence

Template = str | Callable[[str], str]
"""A sentence with `{}` in the place of the name, or a function of the name, as open_clip has them."""

TEMPLATES = (
    "a photo of a {}.",
    "a photo of the {}.",
    "a photo of one {}.",
    "a photo of some {}.",
    "a picture of a {}.",
    "an image of a {}.",
    "a good photo of a {}.",
    "a poor photo of a {}.",
    "a clear photo of a {}.",
    "a blurry photo of a {}.",
    "a bright photo of a {}.",
    "a dark photo of a {}.",
    "a large {} in a photo.",
    "a small {} in a photo.",
    "a close-up of a {}.",
    "a photo of a {} from afar.",
    "a photo of a {} from the side.",
    "a photo of a {} from above.",
    "a cropped photo of a {}.",
    "a photo of part of a {}.",
    "a photo of a {} in its usual place.",
    "a photo of a {} in an unusual place.",
    "a photo of a {} outdoors.",
    "a photo of a {} indoors.",
    "a snapshot of my {}.",
    "a black and white photo of a {}.",
    "a drawing of a {}.",
    "a painting of a {}.",
    "a rendering of a {}.",
    "a toy {}.",
)


def prompts(name: str, templates: Sequence[Template] = TEMPLATES) -> list[str]:
    """Return the ensemble of sentences about the class `name` (underscores read as spaces)."""
    words = " ".join(name.replace("_", " ").split())
    return [one.format(words) if isinstance(one, str) else one(words) for one in templates]
