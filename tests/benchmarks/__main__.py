"""`python -m tests.benchmarks [--quick] [--out FILE] [name …]`: time every stage, print one table, write JSON.

Exit code 1: a ratio is below what it must reach in each of three tries. What is not begun within `--minutes`
is left out, and said to be.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch

from . import (
    attribution_speed,
    busy_speed,
    evaluation_speed,
    heads_speed,
    illusion_speed,
    interactive_speed,
    modes_speed,
    ranks_speed,
    start_speed,
)
from .table import Table
from .timing import Machine

Benchmark = Callable[[Table, bool], None]
BENCHMARKS: dict[str, Benchmark] = {
    "attribution": attribution_speed.run,
    "evaluation": evaluation_speed.run,
    "interactive": interactive_speed.run,
    "start": start_speed.run,
    "busy": busy_speed.run,
    "ranks": ranks_speed.run,
    "illusion": illusion_speed.run,
    "heads": heads_speed.run,
    "modes": modes_speed.run,
}
TRIES = 3
MINUTES, QUICK_MINUTES = 14.0, 2.5


def main() -> None:
    """Run the benchmarks that are named, or all."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[[], *BENCHMARKS], help="which (default: all)")
    parser.add_argument("--quick", action="store_true", help="small sizes, for CI: at most three minutes")
    parser.add_argument(
        "--threads", type=int, default=1, help="of PyTorch; 1 is disturbed least by other load"
    )
    parser.add_argument("--device", default="cpu", help="of the classifier and CLIP: cpu, cuda")
    parser.add_argument("--out", type=Path, default=Path("out/bench.json"))
    parser.add_argument("--minutes", type=float, help="after which nothing more is begun")
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    table = Table(Machine.measured(chosen.device))
    minutes = chosen.minutes or (QUICK_MINUTES if chosen.quick else MINUTES)
    wanted = {name: run for name, run in BENCHMARKS.items() if not chosen.names or name in chosen.names}
    left_out, failed = run_all(wanted, table, chosen.quick, time.monotonic() + 60 * minutes)
    table.write(chosen.out)
    machine = table.machine
    print(f"\n{machine.threads} threads, {machine.flops / 1e9:.0f} GFLOP/s, {machine.bytes / 1e9:.1f} GB/s")
    print(f"{time.strftime('%Y-%m-%d')}\n\n{table.text()}")
    if left_out:
        print(f"\nleft out, for {minutes:g} minutes were over: {', '.join(left_out)}")
    for stage, size in sorted(failed):
        print(f"too slow in {TRIES} of {TRIES} tries: {stage}, {size}")
    sys.exit(1 if failed else 0)


def run_all(
    benchmarks: dict[str, Benchmark], table: Table, quick: bool, until: float
) -> tuple[list[str], set[tuple[str, str]]]:
    """Fill `table`; return which benchmarks were left out, and the rows that failed in every one of three tries."""
    left_out: list[str] = []
    failed: set[tuple[str, str]] = set()
    for name, run in benchmarks.items():
        if time.monotonic() > until:
            left_out.append(name)
            continue
        found = attempt(run, table.machine, quick)
        still, tries = found.failed(), 1
        while still and tries < TRIES and time.monotonic() < until:
            print(
                f"once more, to see whether it is noise: {', '.join(stage for stage, _ in still)}", flush=True
            )
            again = attempt(run, table.machine, quick)
            still &= again.failed()
            missed = found.failed() - still
            found.replace(row for row in again.rows if row.name in missed)
            tries += 1
        failed |= still if tries == TRIES else set()
        table.rows += found.rows
    return left_out, failed


def attempt(run: Benchmark, machine: Machine, quick: bool) -> Table:
    """Run one benchmark into a table of its own."""
    table = Table(machine)
    run(table, quick)
    return table


if __name__ == "__main__":
    main()
