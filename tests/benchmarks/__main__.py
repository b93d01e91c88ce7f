"""`python -m tests.benchmarks [--quick] [--out FILE] [name …]`: time every stage, print one table, write JSON."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import torch

from . import attribution_speed, evaluation_speed, heads_speed, illusion_speed, interactive_speed, modes_speed
from .table import Table
from .timing import Machine

BENCHMARKS = {
    "attribution": attribution_speed.run,
    "evaluation": evaluation_speed.run,
    "interactive": interactive_speed.run,
    "illusion": illusion_speed.run,
    "heads": heads_speed.run,
    "modes": modes_speed.run,
}


def main() -> None:
    """Run the benchmarks that are named, or all."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[[], *BENCHMARKS], help="which (default: all)")
    parser.add_argument("--quick", action="store_true", help="small sizes: a check that everything runs")
    parser.add_argument(
        "--threads", type=int, default=1, help="of PyTorch; 1 is disturbed least by other load"
    )
    parser.add_argument("--device", default="cpu", help="of the classifier and CLIP: cpu, cuda")
    parser.add_argument("--out", type=Path, default=Path("out/bench.json"))
    chosen = parser.parse_args()
    began = time.monotonic()
    torch.set_num_threads(chosen.threads)
    table = Table(Machine.measured(chosen.device))
    for name, run in BENCHMARKS.items():
        if not chosen.names or name in chosen.names:
            run(table, chosen.quick)
    table.write(chosen.out)
    machine = table.machine
    print(f"\n{machine.threads} threads, {machine.flops / 1e9:.0f} GFLOP/s, {machine.bytes / 1e9:.1f} GB/s")
    print(f"{time.monotonic() - began:.0f} s\n\n{table.text()}")


if __name__ == "__main__":
    main()
