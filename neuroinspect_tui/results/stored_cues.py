"""Cues with their tags, as a session keeps them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from .cues import Cue, CueOrigin, ProbeQuality, TagCounts

HAS, NOT, MISLABELLED = "has", "not", "mislabelled"
LONGEST_NAME = 80
_HAS = frozenset({"has", "cue", "yes", "true", "1"})
_NOT = frozenset({"not", "no cue", "no", "false", "0"})


@dataclass(frozen=True)
class StoredCue:
    """A cue as the session keeps it: `tags` by split and path, `left_out` of repairs or not."""

    name: str
    origin: CueOrigin = "hand"
    source: str = ""
    left_out: bool = False
    tags: dict[str, dict[str, str]] = field(default_factory=dict)
    probe: ProbeQuality | None = None

    def counts(self) -> Counter[str]:
        """Return how many images have which tag."""
        return Counter(tag for tags in self.tags.values() for tag in tags.values())

    @property
    def divides(self) -> bool:
        """Whether there are images of both tags, which make groups."""
        counts = self.counts()
        return bool(counts[HAS] and counts[NOT])

    def shown(self) -> Cue:
        """Return the cue as the faces know it."""
        counts = self.counts()
        tags = TagCounts(counts[HAS], counts[NOT], counts[MISLABELLED])
        return Cue(self.name, tags, self.origin, self.source, self.probe, self.left_out)


def from_first_version(tags: dict[str, dict[str, str]]) -> tuple[StoredCue, ...]:
    """Return the cue that tags of version 0.1 make, which were any words.

    Of two words the rarer one names the cue, of equals the later one; of more each is a cue that the images
    of the others have not.
    """
    counts = Counter(tag for tagged in tags.values() for tag in tagged.values() if tag != MISLABELLED)
    if not counts:
        return (StoredCue("cue", tags=tags),) if any(tags.values()) else ()
    if set(counts) <= _HAS | _NOT:
        return (StoredCue("cue", tags=_reworded(tags, _HAS)),)
    chosen = sorted(counts)
    if len(counts) <= 2:
        chosen = sorted(sorted(counts, reverse=True), key=counts.__getitem__)[:1]
    return tuple(StoredCue(name[:LONGEST_NAME], tags=_reworded(tags, {name})) for name in chosen)


def _reworded(tags: dict[str, dict[str, str]], has: Iterable[str]) -> dict[str, dict[str, str]]:
    def reworded(tag: str) -> str:
        return tag if tag == MISLABELLED else HAS if tag in has else NOT

    return {split: {path: reworded(tag) for path, tag in tagged.items()} for split, tagged in tags.items()}
