"""A busy machine: a network on two threads beside other processes, against its fair share of the cores.

The fair share is what threads that never wait for each other get: as many processes, each multiplying matrices on
its own. Everything is taken in turns, so that whatever else runs on the machine hits all alike.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from neuroinspect_tui.runtime.cpu import WAITING, choose_threads, usable_cores

from .table import Row, Table
from .timing import Time

NEIGHBOURS = 2
SHARE, IDLE = 1 / 1.2, 0.9
NETWORK = """
import time, torch, torchvision_of
module = torchvision_of.plain_resnet()
images = torch.rand(8, 3, 112, 112)
with torch.inference_mode():
    module(images)
    began = time.perf_counter()
    for _ in range({passes}):
        module(images)
print(time.perf_counter() - began)
""".replace(
    "import time, torch, torchvision_of", "import time, torch, tests.benchmarks.networks as torchvision_of"
)
ALONE = """
import time, torch
torch.set_num_threads(1)
left, right = torch.rand(2, 768, 768).unbind()
torch.mm(left, right)
began = time.perf_counter()
for _ in range(10 * {passes}):
    torch.mm(left, right)
print(time.perf_counter() - began)
"""
SPIN = "while True: pass"


def run(table: Table, quick: bool) -> None:
    """Fill the rows of the busy machine."""
    rounds, passes = (1, 6) if quick else (3, 12)
    ours: dict[str, str] = {}
    choose_threads(ours)
    library = {"OMP_NUM_THREADS": ours["OMP_NUM_THREADS"]}
    ways = {"ours": (ours, NETWORK), "library": (library, NETWORK), "alone": (library, ALONE)}
    idle = _medians(ways, rounds, passes)
    with busy_neighbours(NEIGHBOURS):
        busy = _medians(ways, rounds, passes)
    size = f"ResNet-18, {usable_cores()} cores"
    fair = busy["alone"].wall / idle["alone"].wall * idle["ours"].wall
    table.add(
        Row(
            f"a network beside {NEIGHBOURS} busy processes",
            size,
            busy["ours"],
            published=busy["library"],
            pick=Time(fair, fair),
            pick_name="fair share",
            goal=SHARE,
            goal_of="pick",
            basis="wall",
            note=f"{busy['ours'].wall / idle['ours'].wall:.1f} times as long as idle; published: spinning threads",
        )
    )
    table.add(
        Row(
            "a network on an idle machine",
            size,
            idle["ours"],
            pick=idle["library"],
            pick_name="spinning threads",
            goal=IDLE,
            goal_of="pick",
            basis="wall",
        )
    )


def _medians(ways: dict[str, tuple[dict[str, str], str]], rounds: int, passes: int) -> dict[str, Time]:
    taken: dict[str, list[Time]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, (environment, program) in ways.items():
            count = usable_cores() if program is ALONE else 1
            seconds = statistics.median(_seconds(environment, program.format(passes=passes), count))
            taken[name].append(Time(seconds, seconds))
    return {name: Time.of(times) for name, times in taken.items()}


def _seconds(environment: dict[str, str], program: str, count: int) -> list[float]:
    """Return the seconds that each of `count` processes running a program at once says it took."""
    kept = {name: value for name, value in os.environ.items() if name not in (*WAITING, "OMP_NUM_THREADS")}
    command = [sys.executable, "-c", program]
    started = [
        subprocess.Popen(command, env=kept | environment, stdout=subprocess.PIPE, text=True)
        for _ in range(count)
    ]
    return [float(one.communicate()[0]) for one in started]


@contextmanager
def busy_neighbours(count: int) -> Iterator[None]:
    """Keep `count` processes busy meanwhile."""
    started = [subprocess.Popen([sys.executable, "-c", SPIN]) for _ in range(count)]
    try:
        yield
    finally:
        for one in started:
            one.kill()
            one.wait()
