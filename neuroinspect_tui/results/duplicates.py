"""Images that stand in two splits, as plain values."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class SplitDuplicates:
    """How many images of split `b` are copies of one of split `a`, and the paths (in a, in b) of some."""

    a: str
    b: str
    count: int
    examples: tuple[tuple[str, str], ...] = ()
