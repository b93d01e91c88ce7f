"""Which classes of the data look as if they were none: for a refusal that names the culprit."""

from __future__ import annotations

import re
from collections import Counter

from .matching import normal
from .table import Table

_NO_NAMES = frozenset(("nan", "none", "null", "n/a", "na", "unknown", "unlabeled", "unlabelled", "-1", ""))
_SEVERAL = re.compile(r"[|;,]")
_MOST = 3


def suspicious_classes(table: Table) -> list[str]:
    """Return a few words about each class that is odd, the oddest first."""
    counts = Counter(table.labels)
    splits: dict[str, set[str]] = {}
    for label, split in zip(table.labels, table.splits or (), strict=False):
        splits.setdefault(label, set()).add(split)
    first: dict[str, str] = {}
    found = []
    for label in sorted({*table.labels, *table.classes}):
        twin = first.setdefault(normal(label), label)
        if label.strip().casefold() in _NO_NAMES:
            found.append((0, f'"{label}" looks like a missing label'))
        elif twin != label:
            found.append((1, f'"{twin}" and "{label}" differ in case or Unicode form alone'))
        elif _SEVERAL.search(label):
            found.append((2, f'"{label}" looks like several labels'))
        elif len(splits.get(label, ())) == 1 and len(set(table.splits or ())) > 1:
            found.append((3, f'"{label}" is in {next(iter(splits[label]))} alone'))
        elif counts[label] <= 1:
            found.append((4, f'"{label}" has {counts[label]} image' + ("s" if not counts[label] else "")))
    return [words for _, words in sorted(found)[:_MOST]]
