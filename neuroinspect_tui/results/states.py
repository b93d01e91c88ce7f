"""Parts of the names under which a session keeps results; `jobs` says which job's answer has which name.

A name holds the settings that the result depends on: nothing found with another seed, mode or CLIP guide is
taken for it.
"""

from __future__ import annotations

import hashlib
import re

from ..config import RunConfig

TAGS = "tags"
CUES = "cues"

_PLAIN = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,63}")


def settings(*values: object) -> str:
    """Return a hash of the settings that a result depends on, for its name."""
    return hashlib.sha256(repr(values).encode()).hexdigest()[:8]


def split_folder(split: str) -> str:
    """The directory of a split's files: its own name where that is a plain one, else one made from it."""
    if _PLAIN.fullmatch(split):
        return split
    return f"{re.sub('[^A-Za-z0-9_-]+', '_', split)[:40]}-{settings(split)}"


def failure_modes(config: RunConfig, k: int | None = None) -> str:
    """At most `k` failure modes (None: as configured) of the debugged split, and their directions' file."""
    most = config.debug.modes if k is None else k
    return f"failure_modes/{settings(most, config.compute.seed, config.data.split)}"


def repair(number: int) -> str:
    """`results.Repair` by its number."""
    return f"repairs/{number}"


def verification(number: int) -> str:
    """`results.Verification` of the exported weights of a repair."""
    return f"verifications/{number}"


def prescription(number: int) -> str:
    """`results.Prescription` of a repair."""
    return f"prescriptions/{number}"


def repair_request(config: RunConfig, target: int, method: str, neurons: tuple[int, ...], tags: str) -> str:
    """What a repair was asked for: the same request finds its `results.Repair` again."""
    chosen = (config.data.split, config.data.groups, config.compute.seed, config.repair.propagate)
    return settings(target, method, neurons, tags, *chosen)
