"""Two ranks of one thread against one: the evaluation of the demo's 1600 training images, by the journal."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from tests.ranks import start_ranks

from .table import Row, Table
from .timing import Time

OPTIONS = ("--demo", "--split", "train", "--worst", "0", "--modes", "0", "--illusions", "0")
GOAL = 1.6


def run(table: Table, quick: bool) -> None:
    """Fill the row of the ranks."""
    taken: dict[int, list[Time]] = {1: [], 2: []}
    with tempfile.TemporaryDirectory() as folder:
        for turn in range(1 if quick else 3):
            for size, times in taken.items():
                seconds = evaluation(size, Path(folder) / f"{size}-{turn}")
                times.append(Time(seconds, seconds))
    table.add(
        Row(
            "evaluation over 2 ranks of one thread",
            "the demo, 1600 images",
            Time.of(taken[2]),
            pick=Time.of(taken[1]),
            pick_name="1 rank",
            goal=GOAL,
            goal_of="pick",
            basis="wall",
            least=1.0,
        )
    )


def evaluation(ranks: int, session: Path) -> float:
    """Return the seconds from the start of the evaluation to its class table."""
    started = start_ranks(ranks, *OPTIONS, "-o", str(session))
    for rank in started:
        _, errors = rank.communicate()
        assert rank.returncode == 0, errors
    events = [json.loads(line) for line in (session / "journal.jsonl").read_text().splitlines()]
    times = {event["event"]: event["time"] for event in events if event.get("job") == "Evaluate"}
    return float(times["finished"] - times["started"])
