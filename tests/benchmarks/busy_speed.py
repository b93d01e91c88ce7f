"""A busy machine: a network on two threads beside other processes, against its fair share of the cores.

The fair share is what threads that never wait for each other get: as many processes, each multiplying matrices on
its own. Everything is taken in turns, so that whatever else runs on the machine hits all alike.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
from contextlib import ExitStack
from typing import Any

from neuroinspect_tui.runtime.cpu import WAITING, choose_threads, usable_cores

from .table import Row, Table
from .timing import Time

Worker = subprocess.Popen[Any]
NEIGHBOURS = 2
SHARE, IDLE = 1 / 1.2, 0.9
PROGRAM = """
import sys, time, torch
{prepare}
for line in sys.stdin:
    began = time.perf_counter()
    for _ in range(int(line)):
        work()
    print(time.perf_counter() - began, flush=True)
"""
NETWORK = """
from tests.benchmarks.networks import plain_resnet
module, images = plain_resnet(), torch.rand(8, 3, 112, 112)
work = torch.inference_mode()(lambda: module(images))
"""
ALONE = """
torch.set_num_threads(1)
left, right = torch.rand(2, 1536, 1536).unbind()
work = lambda: torch.mm(left, right)
"""
SPIN = "while True: pass"


def run(table: Table, quick: bool) -> None:
    """Fill the rows of the busy machine."""
    rounds, passes = (3, 3) if quick else (7, 12)
    chosen: dict[str, str] = {}
    choose_threads(chosen)
    library = {"OMP_NUM_THREADS": chosen["OMP_NUM_THREADS"]}
    with ExitStack() as stack:
        ways = {
            "ours": [_started(stack, chosen, NETWORK)],
            "library": [_started(stack, library, NETWORK)],
            "alone": [_started(stack, library, ALONE) for _ in range(usable_cores())],
        }
        _medians(ways, 1, 1)
        idle = _medians(ways, rounds, passes)
        for _ in range(NEIGHBOURS):
            _kept(stack, subprocess.Popen([sys.executable, "-c", SPIN]))
        busy = _medians(ways, rounds, passes)
    _add(table, idle, busy)


def _add(table: Table, idle: dict[str, Time], busy: dict[str, Time]) -> None:
    size = f"ResNet-18, {usable_cores()} cores"
    fair = busy["alone"].wall / idle["alone"].wall * idle["ours"].wall
    shared = f"a network beside {NEIGHBOURS} busy processes"
    slower = f"{busy['ours'].wall / idle['ours'].wall:.1f} times as long as without"
    goals = {"goal": SHARE, "goal_of": "pick", "basis": "wall"}
    pick = Time(fair, fair, busy["alone"].spread)
    table.add(Row(shared, size, busy["ours"], pick=pick, pick_name="fair share", note=slower, **goals))
    rows = ((f"{shared}, its waiting threads asleep", busy), ("the same without neighbours", idle))
    for stage, taken in rows:
        goals["goal"] = IDLE
        table.add(
            Row(stage, size, taken["ours"], pick=taken["library"], pick_name="spinning threads", **goals)
        )


def _medians(ways: dict[str, list[Worker]], rounds: int, passes: int) -> dict[str, Time]:
    """Let each way work in turn; the processes of one way work at once."""
    taken: dict[str, list[Time]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, workers in ways.items():
            for worker in workers:
                assert worker.stdin is not None
                print(passes, file=worker.stdin, flush=True)
            seconds = statistics.median(
                float(worker.stdout.readline()) for worker in workers if worker.stdout
            )
            taken[name].append(Time(seconds, seconds))
    return {name: Time.of(times) for name, times in taken.items()}


def _started(stack: ExitStack, environment: dict[str, str], prepare: str) -> Worker:
    """Start a process that works when it is told how often."""
    kept = {name: value for name, value in os.environ.items() if name not in (*WAITING, "OMP_NUM_THREADS")}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    command = [sys.executable, "-c", PROGRAM.format(prepare=prepare)]
    return _kept(stack, subprocess.Popen(command, env=kept | environment, text=True, **pipes))


def _kept(stack: ExitStack, process: Worker) -> Worker:
    """End a process with the stack."""
    stack.callback(process.wait)
    stack.callback(process.kill)
    return process
