"""Several processes of one run, as torchrun starts them."""

from __future__ import annotations

import os
import socket
import subprocess
import sys


def free_port() -> int:
    """Return a port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start_ranks(
    size: int, *arguments: str, slurm: bool = False, last: tuple[str, ...] = ()
) -> list[subprocess.Popen[str]]:
    """Start `size` ranks of `neuroinspect`, with torchrun's variables or Slurm's; `last` are options of the last."""
    names = (
        ("SLURM_PROCID", "SLURM_NTASKS", "SLURM_LOCALID") if slurm else ("RANK", "WORLD_SIZE", "LOCAL_RANK")
    )
    common = {
        **os.environ,
        "OMP_NUM_THREADS": "1",
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(free_port()),
    }
    started = []
    for rank in range(size):
        own = dict(zip(names, map(str, (rank, size, rank)), strict=True))
        command = [
            sys.executable,
            "-m",
            "neuroinspect_tui",
            "--batch",
            *arguments,
            *(last if rank == size - 1 else ()),
        ]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        started.append(subprocess.Popen(command, text=True, env={**common, **own}, **pipes))
    return started
