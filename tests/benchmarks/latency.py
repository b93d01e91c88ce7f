"""`python -m tests.benchmarks.latency`: how long the terminal waits for the program.

The program runs on a pseudo-terminal as for a user. Start-up: from the start of the process to the answer of
`--help`, and to the app's first painted screen. Keys: from a key press to the bytes that show it, with the worker
idle and with pictures being painted; each key is a Cyrillic letter typed into the filter of the class list, so
that its bytes are on the screen for no other reason.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.terminal import Terminal
from tests.tiny import make_tiny

LETTERS = "абвгдежзиклмнопрсту"
TURNS = 2
PAUSE = 0.1
ENDLESS = ["--iters", "10000000", "--illusions", "1"]


def help_time() -> tuple[float, float]:
    """Return (wall, CPU) seconds of `neuroinspect --help`."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run([sys.executable, "-m", "neuroinspect_tui", "--help"], capture_output=True, check=True)
    wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def first_paint(arguments: list[str]) -> tuple[float, float]:
    """Return (wall, CPU) seconds until the class list's frame is on the screen."""
    began = time.perf_counter()
    with Terminal(*arguments) as terminal:
        while b"Classes" not in terminal.output:
            time.sleep(0.002)
            assert time.perf_counter() - began < 120, terminal.text
        wall = time.perf_counter() - began
        progress = Path(f"/proc/{terminal.process.pid}/stat").read_text().rpartition(")")[2].split()[11:13]
        return wall, sum(map(int, progress)) / os.sysconf("SC_CLK_TCK")


def key_times(terminal: Terminal) -> list[float]:
    """Return the seconds from each letter's key press to its paint; the filter of the class list is left again."""
    taken = []
    for _ in range(TURNS):
        terminal.type("1")
        time.sleep(0.5)
        terminal.type("/")
        terminal.wait_for(lambda: "━ /" in terminal.text)
        terminal.drawing = False  # drawing a picture here takes longer than the app took
        for letter in LETTERS:
            time.sleep(PAUSE)
            seen = len(terminal.output)
            began = time.perf_counter()
            terminal.type(letter)
            while letter.encode() not in terminal.output[seen:]:
                time.sleep(0.001)
                assert time.perf_counter() - began < 30, terminal.text
            taken.append(time.perf_counter() - began)
        terminal.drawing = True
        terminal.type("\x1b")
        terminal.wait_for(lambda: "━ /" not in terminal.text)
    return taken


def latencies(arguments: list[str], patience: float = 180) -> dict[str, list[float]]:
    """Return the key times with an idle worker and with a busy one."""
    with Terminal(*arguments, *ENDLESS) as terminal:
        terminal.wait_for(lambda: "insufficient" in terminal.text or "excessive" in terminal.text, patience)
        time.sleep(3)
        if "⏎ start" in terminal.text:
            terminal.type("\r")
        found = {"idle": key_times(terminal)}
        terminal.type("2v")
        terminal.wait_for(lambda: "visualising" in terminal.text, patience)
        found["painting"] = key_times(terminal)
        assert "visualising" in terminal.text
    return found


def centiles(times: list[float]) -> tuple[float, float]:
    """Return the median and the 95 % quantile."""
    return statistics.median(times), statistics.quantiles(times, n=20)[-1]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.latency", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as folder:
        tiny = make_tiny(Path(folder))
        options = [*tiny.options, "-o", f"{folder}/session"]
        helps = [help_time() for _ in range(rounds)]
        paints = [first_paint(options) for _ in range(rounds)]
        for name, times in (("--help", helps), ("first paint", paints)):
            wall, cpu = (statistics.median(column) for column in zip(*times, strict=True))
            print(f"| {name} | {wall:.2f} s | {cpu:.2f} s CPU |", flush=True)
        for project, arguments in (
            ("8 × 8 pixels", options),
            ("the demo", ["--demo", "-o", f"{folder}/demo"]),
        ):
            for state, times in latencies(arguments).items():
                middle, high = centiles(times)
                print(
                    f"| key → paint, {project}, {state} | p50 {1e3 * middle:.0f} ms | p95 {1e3 * high:.0f} ms |"
                )


if __name__ == "__main__":
    main()
