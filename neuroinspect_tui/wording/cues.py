"""How far a cue's tags carry, in words."""

from __future__ import annotations

from ..results import ProbeQuality, TagCounts


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
