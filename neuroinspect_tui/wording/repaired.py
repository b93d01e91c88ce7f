"""In words: what a repaired decision layer does to a failure mode or a class, on the judged images."""

from __future__ import annotations

from collections.abc import Sequence

from ..results import ClassChange, ModeChange, RepairedImage, RepairedLayer
from .numbers import bare_percent, number, percent, plural


def mode_change_words(
    change: ModeChange | None, images: Sequence[RepairedImage], layer: RepairedLayer
) -> list[str]:
    """Return lines on the images of a failure mode; `change` is None where no judged image is of it."""
    if change is None:
        return [f"No judged image of {layer.split} carries this cause."]
    return _lines("that carry it are right", change.count, change.before, change.after, images, layer)


def class_change_words(
    change: ClassChange, images: Sequence[RepairedImage], layer: RepairedLayer
) -> list[str]:
    """Return lines on the images of a class."""
    if change.before is None or change.after is None:
        return [f"No image of {change.name} was judged."]
    return _lines(f"of {change.name} are right", change.count, change.before, change.after, images, layer)


def _lines(
    which: str,
    count: int,
    before: float,
    after: float,
    images: Sequence[RepairedImage],
    layer: RepairedLayer,
) -> list[str]:
    fixed, broken, still = (
        sum(image.flip == flip for image in images) for flip in ("fixed", "broken", "still")
    )
    judged = f"{plural(count, 'judged image')} of {layer.split}"
    return [
        f"{bare_percent(before)} ▸ {percent(after)} of the {judged} {which}.",
        f"Repair {layer.number} fixed {number(fixed)} and broke {number(broken)}; "
        f"{number(still)} {'is' if still == 1 else 'are'} wrong still.",
        "b shows the untouched layer again, m repairs on top of this one.",
    ]
