"""Cues, tags and copies between splits in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from ..results import CueOrigin, ProbeQuality, RareCell, SplitDuplicates, TagCounts
from .numbers import number, percent, plural
from .prescriptions import kind_words

REPORTED = 3
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


class Probed(Protocol):
    """How well a cue's tags carry, as results and as the report have it."""

    accuracy: float | None
    enough: bool
    has: int
    not_: int
    unclear: int
    cells: tuple[RareCell, ...]


def carried_sentence(cue: str, probe: Probed, names: Sequence[str]) -> str:
    """Return how far the probe carries the tags, and what is known of the rarest cells."""
    carried = probe_words(probe.accuracy, probe.has, probe.not_, probe.unclear, probe.enough)
    return "; ".join([carried, *(cell_words(cell, cue, names) for cell in probe.cells[:REPORTED])])


def cell_words(cell: RareCell, cue: str, names: Sequence[str]) -> str:
    """Return what is known of a rare cell: `of 94 images counted as cat without patch about 81 are (…)`."""
    counted = f"{plural(cell.images, 'image')} counted as {kind_words(cell.label, cue, cell.value, names)}"
    if not cell.confirmed:
        return f"{counted}, none confirmed by a tag: repairs leave them out"
    low, high = (f"{bound:.0f}" for bound in cell.interval)
    right = f"about {cell.right:.0f} {'is' if round(cell.right) == 1 else 'are'}"
    least, most = (f"{100 * bound:.0f}" for bound in cell.recall_interval)
    found = f"about {percent(cell.recall, 0)} of all are found ({least}–{most} %)"
    found = "too few tags to tell how many are missed" if cell.recall_unknown else found
    return f"of {counted} {right} ({low}–{high}, from {plural(cell.tagged, 'tag')}); {found}"


def rare_words(probe: ProbeQuality, cue: str, names: Sequence[str]) -> list[str]:
    """Return a line for each of the rarest cells."""
    lines = (cell_words(cell, cue, names) for cell in probe.cells[:REPORTED])
    return [f"{line[0].upper()}{line[1:]}." for line in lines]


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
