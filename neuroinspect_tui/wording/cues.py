"""Cues, tags and copies between splits in words."""

from __future__ import annotations

from ..results import CueOrigin, ProbeQuality, SplitDuplicates, TagCounts
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


def probe_advice(tags: TagCounts, probe: ProbeQuality) -> str:
    """Return whether there are enough tags, or what to tag next."""
    if not (tags.has and tags.not_):
        lacking = "have the cue" if not tags.has else "do not have it"
        return f"Tag images that {lacking} as well."
    if probe.accuracy is None:
        return f"The tags are not carried to other images yet: tag about {probe.more} more."
    right = f"{100 * probe.accuracy:.0f} %"
    if probe.enough:
        return f"Enough tags: the probe is right on about {right} of the images it decides."
    if probe.rarest is not None:
        return f"Tag {probe.more} more images as “{probe.rarest}”."
    return f"Tag about {probe.more} more images: the probe is right on about {right} so far."


def count_words(tags: TagCounts) -> str:
    """Return how many images were tagged by hand: `12 have it, 20 have not`."""
    wrong = f", {number(tags.mislabelled)} mislabelled (left out)" if tags.mislabelled else ""
    return f"By hand: {number(tags.has)} have it, {number(tags.not_)} have not{wrong}."


def carried_words(probe: ProbeQuality) -> str:
    """Return what the probe makes of all images: an estimate."""
    counts = f"{number(probe.has)} have it, {number(probe.not_)} have not, {number(probe.unclear)} unclear"
    return f"Estimated over all images: {counts}."
