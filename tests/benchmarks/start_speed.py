"""Time to the first answer: the app on the demo, a session opened again, the demo in a batch; beside `import torch`.

All are processes of their own, taken in turns, by the clock. The app runs on a pseudo-terminal; its journal tells
when each answer was there.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.terminal import Terminal

from .table import Row, Table
from .timing import Time

PATIENCE = 60.0
ANSWERS = {
    "Evaluate": "the class table",
    "FindFailureModes": "the failure modes",
    "FindCulprits": "the culprits",
}
GOALS = {"Evaluate": None, "FindFailureModes": 0.5, "FindCulprits": None}
REOPENED = 1.0


def run(table: Table, quick: bool) -> None:
    """Fill the rows of the start."""
    rounds = 1 if quick else 3
    taken: dict[str, list[Time]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for turn in range(rounds):
            session = Path(folder) / str(turn)
            found = {"torch": import_torch(), **answers(session), "reopened": reopened(session)}
            if not quick:
                found["batch"] = batch(session.with_suffix(".batch"))
            for name, seconds in found.items():
                taken.setdefault(name, []).append(Time(seconds, seconds))
    times = {name: Time.of(of_name) for name, of_name in taken.items()}
    for job, answer in ANSWERS.items():
        table.add(_row(f"the app, from its start to {answer}", times[job], times["torch"], GOALS[job]))
    again = _row(
        "the app, from its start to a session's class table", times["reopened"], times["torch"], None
    )
    table.add(again)
    if "batch" in times:
        table.add(_row("the demo in a batch, 3 classes repaired", times["batch"], times["torch"], None))


def _row(stage: str, ours: Time, torch: Time, goal: float | None) -> Row:
    return Row(
        stage,
        "the demo, 480 images",
        ours,
        pick=torch,
        pick_name="import torch",
        goal=goal,
        goal_of="pick" if goal else "",
        basis="wall",
        least=0.25,
    )


def import_torch() -> float:
    """Return the seconds of a process that imports torch and ends."""
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import torch"], check=True)
    return time.perf_counter() - began


def answers(session: Path) -> dict[str, float]:
    """Return the seconds from the app's start to each of `ANSWERS`, in a new session."""
    began = time.time()
    with Terminal("--demo", "-o", str(session)) as terminal:
        _wait(lambda: ANSWERS.keys() <= finished(session).keys(), terminal)
        return {job: when - began for job, when in finished(session).items() if job in ANSWERS}


def finished(session: Path) -> dict[str, float]:
    """Return when each kind of job was first finished, by the journal."""
    journal, found = session / "journal.jsonl", dict[str, float]()
    for line in journal.read_text().splitlines() if journal.exists() else ():
        event = json.loads(line) if line.endswith("}") else {}
        if event.get("event") == "finished":
            found.setdefault(event["job"], event["time"])
    return found


def reopened(session: Path) -> float:
    """Return the seconds until the app shows the class table that the session holds."""
    began = time.perf_counter()
    with Terminal("-o", str(session)) as terminal:
        _wait(lambda: b"43.3" in terminal.output or b"43 %" in terminal.output, terminal)
        return time.perf_counter() - began


def batch(session: Path) -> float:
    """Return the seconds of the demo in a batch."""
    command = [sys.executable, "-m", "neuroinspect_tui", "--batch", "--demo", "-o", str(session)]
    began = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - began


def _wait(until: Callable[[], bool], terminal: Terminal) -> None:
    deadline = time.monotonic() + PATIENCE
    while not until():
        time.sleep(0.005)
        if time.monotonic() > deadline or terminal.process.poll() is not None:
            raise AssertionError(terminal.text)
