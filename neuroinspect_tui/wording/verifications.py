"""In words: whether the exported weights do what the verdict of their repair counted."""

from __future__ import annotations

from collections.abc import Sequence

from ..results.verifications import DifferingImage, Verification
from .numbers import class_name, number, percent, plural

LISTED = 10


def verification_sentence(found: Verification) -> str:
    """Return what was loaded and run, and whether it agrees with the verdict image by image."""
    who = "A fresh process" if found.fresh else "A copy of the model"
    ran = f"{who} loaded {found.weights} and ran the {plural(found.images, 'judged image')} of {found.split}:"
    if found.holds:
        every = "it gets" if found.images == 1 else "each gets"
        return f"{ran} {every} the class that the verdict counted, accuracy {percent(found.found)}."
    return (
        f"{ran} {number(found.equal)} of {number(found.images)} get the class that the verdict counted, "
        f"{number(found.images - found.equal)} do not; accuracy {percent(found.found)}, "
        f"by the verdict {percent(found.counted)}."
    )


def differing_lines(found: Verification, names: Sequence[str]) -> list[str]:
    """Return a line for each of the first images that differ, and how many more there are."""
    lines = [_difference(row, names) for row in found.differing[:LISTED]]
    more = found.images - found.equal - len(lines)
    return [*lines, *([f"and {plural(more, 'more image')}"] if more > 0 else [])]


def _difference(row: DifferingImage, names: Sequence[str]) -> str:
    counted = class_name(names, row.counted)
    if row.found is None:
        return f"{row.path}: cannot be read, counted as {counted}"
    return f"{row.path}: {class_name(names, row.found)}, counted as {counted}"
