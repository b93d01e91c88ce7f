"""Cores that this process may use, and how its threads wait: chosen before torch is loaded.

A thread of OpenMP that waits spins for milliseconds by default. On a machine with other work it takes the
time of those who have something to do: two busy neighbours on two cores made an evaluation twice as long.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, MutableMapping
from pathlib import Path

SYSTEM = Path("/sys/fs/cgroup")
WAITING = {"OMP_WAIT_POLICY": "PASSIVE", "GOMP_SPINCOUNT": "10000", "KMP_BLOCKTIME": "1"}
"""Spin some microseconds, for the next small kernel, and then sleep (libgomp; milliseconds for libomp)."""


def usable_cores() -> int:
    """Return how many cores this process may use: the least of the machine, its affinity and its quota."""
    count = getattr(os, "process_cpu_count", os.cpu_count)() or 1
    if hasattr(os, "sched_getaffinity"):
        count = min(count, len(os.sched_getaffinity(0)))
    quota = cpu_quota()
    return max(1, count if quota is None else min(count, math.ceil(quota)))


def cpu_quota(groups: str | None = None, system: Path = SYSTEM) -> float | None:
    """Return the cores that control groups (v2 or v1) allow, or None; `groups` is `/proc/self/cgroup`."""
    if groups is None:
        try:
            groups = Path("/proc/self/cgroup").read_text()
        except OSError:
            return None
    return min(_quotas(groups, system), default=None)


def _quotas(groups: str, system: Path) -> Iterator[float]:
    for line in groups.splitlines():
        _, controllers, path = [*line.split(":", 2), "", ""][:3]
        if not controllers or "cpu" in controllers.split(","):
            root = system / "cpu" if controllers else system
            place = root / path.lstrip("/")
            for folder in (place, *place.parents):
                if folder.is_relative_to(root):
                    yield from _quota_of(folder)


def _quota_of(folder: Path) -> Iterator[float]:
    try:
        if (folder / "cpu.max").exists():
            quota, period = (folder / "cpu.max").read_text().split()
        else:
            quota = (folder / "cpu.cfs_quota_us").read_text().strip()
            period = (folder / "cpu.cfs_period_us").read_text().strip()
        if quota not in ("max", "-1"):
            yield int(quota) / int(period)
    except (OSError, ValueError):
        return


def choose_threads(environment: MutableMapping[str, str], spared: int = 0) -> None:
    """Set how many threads OpenMP starts (all cores but `spared`) and how they wait, if the user has not."""
    environment.setdefault("OMP_NUM_THREADS", str(max(1, usable_cores() - spared)))
    if not any(name in environment for name in WAITING):
        environment.update(WAITING)
