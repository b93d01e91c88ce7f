"""What was opened, in words."""

from __future__ import annotations

from ..results import Preprocessing


def preprocessing_words(found: Preprocessing | None) -> str:
    """Return what is done to an image before the classifier sees it."""
    if found is None:
        return ""
    side = "both sides" if found.squash else "longer side" if found.border else "shorter side"
    shape = f"{side} to {found.resize}, middle {found.size} × {found.size}"
    mean, std = (", ".join(f"{value:g}" for value in values) for values in (found.mean, found.std))
    return f"{shape} ({found.interpolation}), pixels 0…1, mean {mean}, std {std}"
