"""Images that stand in two splits, exactly or nearly."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class SplitDuplicates:
    """`count` images of split `b` have a copy in split `a`; `examples` are pairs of paths (in a, in b)."""

    a: str
    b: str
    count: int
    examples: tuple[tuple[str, str], ...] = ()
