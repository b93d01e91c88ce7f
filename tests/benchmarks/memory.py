"""`python -m tests.benchmarks.memory [--rows N …]`: peak memory of every stage but the backbone.

Anonymous memory (RssAnon) is what a process cannot give back: the pages of the memory-mapped features come and
go as the machine pleases. It is watched by a thread while each stage runs on synthetic features of N rows x
2048 neurons x 1000 classes, with the allocator set as the program sets it; each N has its own process. The goal is 3 GB at any N.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from neuroinspect_tui.runtime.allocator import keep_freed_memory

GOAL = 3.0
ROWS = (10_000, 100_000, 1_000_000)
NEURONS, CLASSES = 2048, 1000
TARGET = 3


def anonymous() -> float:
    """Return the anonymous memory of this process in GB."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("RssAnon"):
            return int(line.split()[1]) * 1024 / 1e9
    raise OSError("/proc/self/status has no RssAnon")


@contextmanager
def watched(peaks: dict[str, tuple[float, float]], name: str) -> Iterator[None]:
    """Put the peak of the block, in GB, and its seconds under `name`."""
    highest, ended = [anonymous()], threading.Event()

    def look() -> None:
        while not ended.wait(0.005):
            highest[0] = max(highest[0], anonymous())

    thread, began = threading.Thread(target=look), time.perf_counter()
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        peaks[name] = (max(highest[0], anonymous()), time.perf_counter() - began)
        print(f"{name}: {peaks[name][0]:.2f} GB, {peaks[name][1]:.1f} s", file=sys.stderr, flush=True)


def measure(rows: int, folder: Path, neurons: int, classes: int, only: str) -> dict[str, tuple[float, float]]:
    """Run the stages whose names match `only` on `rows` rows in this process; return peak GB and seconds."""
    keep_freed_memory()
    import torch

    torch.set_num_threads(1)
    peaks: dict[str, tuple[float, float]] = {}
    with watched(peaks, "imports"):
        from .memory_stages import Synthetic
    with watched(peaks, "features into shards, then merged"):
        world = Synthetic(folder, rows, neurons, classes, TARGET)
    for name, stage in world.stages().items():
        if re.search(only, name):
            with watched(peaks, name):
                stage()
    return peaks


def main() -> None:
    """Measure each number of rows in its own process and print one table."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.memory", description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=list(ROWS))
    parser.add_argument("--neurons", type=int, default=NEURONS)
    parser.add_argument("--classes", type=int, default=CLASSES)
    parser.add_argument("--only", default="", help="regular expression: names of the stages to run")
    parser.add_argument("--keep", type=Path, help="folder for the features, which a later call finds there")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.child:
        kept = contextlib.nullcontext(chosen.keep) if chosen.keep else tempfile.TemporaryDirectory()
        with kept as folder:
            print(json.dumps(_measured(chosen, Path(folder))))
        return
    found = [_in_process(chosen, rows) for rows in chosen.rows]
    print(table(chosen.rows, found))
    sys.exit(int(max(peak for peaks in found for peak, _ in peaks.values()) > GOAL))


def _measured(chosen: argparse.Namespace, folder: Path) -> dict[str, tuple[float, float]]:
    return measure(chosen.rows[0], folder, chosen.neurons, chosen.classes, chosen.only)


def _in_process(chosen: argparse.Namespace, rows: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.benchmarks.memory", "--child", "--rows", str(rows)]
    command += ["--neurons", str(chosen.neurons), "--classes", str(chosen.classes), "--only", chosen.only]
    command += ["--keep", str(chosen.keep / str(rows))] if chosen.keep else []
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout)


def table(rows: list[int], found: list[dict[str, Any]]) -> str:
    """Return the peaks in Markdown: a line for each stage, a column for each number of rows."""
    heads = [f"{count:,} rows".replace(",", " ") for count in rows]
    lines = [f"| stage | {' | '.join(heads)} |", f"| --- |{' --- |' * len(rows)}"]
    for name in found[0]:
        cells = [f"{peaks[name][0]:.2f} GB, {peaks[name][1]:.1f} s" for peaks in found]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    highest = [f"**{max(peak for peak, _ in peaks.values()):.2f} GB**" for peaks in found]
    return "\n".join([*lines, f"| highest | {' | '.join(highest)} |"])


if __name__ == "__main__":
    main()
