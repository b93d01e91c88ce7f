"""In words: what to train with, and what more images of a rare kind would bring."""

from __future__ import annotations

from collections.abc import Sequence

from ..results import MoreImages, Prescription
from .numbers import class_name, number, plural, signed


def kind_words(label: int, column: str, value: str, names: Sequence[str]) -> str:
    """Return the images of a cell: `cat with patch`, or `bird, tint green` of a column of the data."""
    name = class_name(names, label)
    return (
        f"{name} {'with' if value == 'has' else 'without'} {column}"
        if value in ("has", "not")
        else (f"{name}, {column} {value}")
    )


def more_words(found: MoreImages, names: Sequence[str]) -> str:
    """Return what more images would bring: `100 more images of cat without patch: +9 ± 4 points`."""
    kind = kind_words(found.label, found.column, found.value, names)
    head = f"{plural(found.added, 'more image')} of {kind}"
    counts = f"{number(found.present)} fitted on, {number(found.judged)} judged"
    if found.gain is None or found.interval is None:
        return f"{head}: too few to tell ({counts})"
    half = 100 * max(found.gain - found.interval[0], found.interval[1] - found.gain)
    return (
        f"{head}: {signed(found.gain, 0)} ± {half:.0f} points, estimated from refits of the decision layer "
        f"with fewer of them ({counts})"
    )


def sampler_words(found: Prescription) -> str:
    """Return where the sampler weights are and how far they reach."""
    images = sum(cell.images for cell in found.cells)
    most = max((cell.weight for cell in found.cells), default=1.0)
    return (
        f"{found.folder}/weights.csv: sampler weights for the {plural(images, 'image')} of {found.split}, "
        f"up to {most:.1f} on average for a rare kind, none above {found.cap:.0f}"
    )
