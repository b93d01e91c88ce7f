"""Cues, tags and copies between splits in words."""

from __future__ import annotations

from ..results import CueOrigin, SplitDuplicates
from .numbers import number, percent, plural

ORIGINS: dict[CueOrigin, str] = {
    "mode": "from a failure mode",
    "neuron": "from a neuron",
    "column": "from a column of the data",
    "hand": "by hand",
}


def tag_words(has: int, lacks: int) -> str:
    """Return how many images were tagged by hand."""
    return f"{plural(has, 'image')} tagged with it, {number(lacks)} without"


def probe_words(accuracy: float | None, has: int, lacks: int, unclear: int, enough: bool) -> str:
    """Return how far the probe carries the tags: always an estimate."""
    counts = f"{number(has)} with it, {number(lacks)} without, {number(unclear)} unclear"
    carried = f"estimated over all images: {counts}"
    if accuracy is None:
        return f"{carried}; the probe could not be checked"
    right = f"the probe gets {percent(accuracy, 0)} of left-out tags right"
    return f"{carried}; {right}" if enough else f"{carried}; {right}, more tags are needed"


def duplicate_words(found: SplitDuplicates) -> str:
    """Return how many images of one split have a copy in another."""
    verb = "has" if found.count == 1 else "have"
    return f"{plural(found.count, 'image')} of {found.b} {verb} a copy in {found.a}"
