"""In words: what the images nearest to one say of its label."""

from __future__ import annotations

from collections.abc import Sequence

from ..results import ImageNeighbours, Sample
from .numbers import class_name, percent


def label_words(sample: Sample, found: ImageNeighbours, names: Sequence[str]) -> str:
    """Return how many of the nearest images have the image's label, and whether that makes it doubtful."""
    own, count = found.labels.count(sample.label), len(found.labels)
    label, predicted = (class_name(names, index) for index in (sample.label, sample.predicted))
    words = f"Of the {count} nearest images {own} are labelled {label}"
    if sample.label == sample.predicted:
        return f"{words}."
    other = found.labels.count(sample.predicted)
    rest = f"{other} {predicted}; the model gives {label} {percent(found.self_confidence)}"
    doubt = "the label is doubtful" if 2 * other > count else "no sign of a wrong label"
    return f"{words}, {rest}: {doubt}."
