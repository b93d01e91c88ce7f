"""`python -m tests.benchmarks.far_latency [--keys KEYS COMMAND …]`: from a key to its paint at the far end of a link.

The app paints an illusion without end in a pseudo-terminal that answers as kitty does, a round trip later; beside
it another program of the terminal (COMMAND, for example `tl FILE`) runs in one of its own, after KEYS (`/`) in a field
for text. Both are sent letters in turns; a letter's time is until its bytes come back, and the round trip.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from tests.tui.wire.line import KITTY, Line

from .latency import ENDLESS, centiles

ROUND_TRIPS = (0.0, 0.05, 0.2)
LETTERS = "абвгдежзиклмнопрсту"
PAUSE = 0.15
PATIENCE = 90.0
RUN = "import os, sys; del os.environ['PYTHONPATH']; os.execvp(sys.argv[1], sys.argv[1:])"


def painting(session: Path) -> Line:
    """Return the app while it paints, with the filter of its list open."""
    line = Line(KITTY, "-m", "neuroinspect_tui", "--demo", "-o", str(session), *ENDLESS)
    line.until(lambda: "⏎ start" in line.text, PATIENCE)
    line.press(b"\r")
    line.until(lambda: "look spurious" in line.text, PATIENCE)
    line.press(b"c")
    line.until(lambda: "1 Classes" in line.text)
    line.press(b"2v")
    line.until(lambda: "visualising" in line.text, PATIENCE)
    line.press(b"1/")
    line.until(lambda: "━ /" in line.text)
    return line


def other(command: list[str], keys: str) -> Line:
    """Return another program, in a field for text."""
    line = Line(KITTY, "-c", RUN, *command)
    line.until(lambda: len(line.text.split()) > 10, PATIENCE)
    line.quiet(2.0, 60.0)
    line.press(keys.encode())
    time.sleep(2.0)
    return line


def key_time(line: Line, letter: str) -> float:
    """Return the seconds from a letter's key to the bytes that show it."""
    seen, began = len(line.seen), time.perf_counter()
    line.press(letter.encode())
    while letter.encode() not in line.seen[seen:]:
        time.sleep(0.0005)
        assert time.perf_counter() - began < 30, line.text
    return time.perf_counter() - began


def measure(lines: dict[str, Line], round_trip: float, turns: int) -> dict[str, list[float]]:
    """Return the times of each program over a link of `round_trip` seconds."""
    taken: dict[str, list[float]] = {name: [] for name in lines}
    for line in lines.values():
        line.delay = round_trip / 2
    for _ in range(turns):
        for letter in LETTERS:
            for name, line in lines.items():
                time.sleep(PAUSE)
                taken[name].append(round_trip + key_time(line, letter))
        for line in lines.values():
            line.press(b"\x7f" * len(LETTERS))
            time.sleep(1.0)
    return taken


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.far_latency", description=__doc__)
    parser.add_argument("command", nargs=argparse.REMAINDER)
    parser.add_argument("--keys", default="/", help="what leads to a field for text in COMMAND")
    parser.add_argument("--turns", type=int, default=2)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        lines = {"neuroinspect, painting": stack.enter_context(painting(Path(folder) / "session"))}
        if chosen.command:
            lines[chosen.command[0].rpartition("/")[2]] = stack.enter_context(
                other(chosen.command, chosen.keys)
            )
        for round_trip in ROUND_TRIPS:
            for name, times in measure(lines, round_trip, chosen.turns).items():
                middle, high = (1e3 * value for value in centiles(times))
                row = f"| {name} | {1e3 * round_trip:.0f} ms | {middle:.0f} ms | {high:.0f} ms |"
                print(row, flush=True)
        if "visualising" not in lines["neuroinspect, painting"].text:
            sys.exit("the painting had ended")


if __name__ == "__main__":
    main()
