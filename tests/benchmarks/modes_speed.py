"""Failure modes on cached features, against one float32 product of the features with the decision layer."""

from __future__ import annotations

import tempfile
from pathlib import Path

from neuroinspect_tui.stages.failure_modes import find_failure_modes

from .table import Row, Table
from .timing import take_turns
from .worlds import make_head, make_split

NOISE = 1.5


def run(table: Table, quick: bool) -> None:
    """Fill the rows of failure modes: the size of the goal, and how time grows below it."""
    sizes = [(1_000, 64, 10)] if quick else [(12_500, 2048, 1000), (25_000, 2048, 1000), (50_000, 2048, 1000)]
    for images, neurons, classes in sizes:
        head, means = make_head(neurons, classes)
        with tempfile.TemporaryDirectory() as folder:
            data = make_split(Path(folder), images, head, means, NOISE)

            def product(features=data.features, head=head) -> None:
                for block in features.split(4096):
                    head.logits(block)

            taken = take_turns(
                {"ours": lambda data=data, head=head: find_failure_modes(data, head), "product": product},
                rounds=1,
                warm=quick,
            )
            table.add(
                Row(
                    "failure modes",
                    f"{images} × {neurons} × {classes}, {int(data.mistakes.sum())} mistakes",
                    taken["ours"],
                    pick=taken["product"],
                    pick_name="logits once",
                    floor=table.machine.floor(moved=2 * images * neurons),
                    goal=5.0 if (images, classes) == (50_000, 1000) else None,
                )
            )
