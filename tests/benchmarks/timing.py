"""Times of several ways to do one thing, taken in turns, and what the machine can do at most."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch


@dataclass(frozen=True)
class Time:
    """Seconds of one call: on the clock, and of all cores together.

    `spread` is half the range of the middle half of all calls, as a share of their median: the noise.
    """

    wall: float
    cpu: float
    spread: float = 0.0

    @classmethod
    def of(cls, times: Sequence[Time]) -> Time:
        """Return the medians of several calls; the spread is that of the CPU seconds."""
        cpu = [one.cpu for one in times]
        middle = statistics.median(cpu)
        spread = 0.0
        if len(cpu) > 1 and middle > 0:
            low, _, high = statistics.quantiles(cpu, n=4)
            spread = (high - low) / 2 / middle
        return cls(statistics.median(one.wall for one in times), middle, spread)


def take_turns(ways: dict[Any, Callable[[], object]], rounds: int = 5, warm: bool = True) -> dict[Any, Time]:
    """Return the median of `rounds` calls of each way, interleaved so that other load hits all alike."""
    for way in ways.values() if warm else ():
        _finished(way)
    taken: dict[Any, list[Time]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            wall, cpu = time.perf_counter(), time.process_time()
            _finished(way)
            taken[name].append(Time(time.perf_counter() - wall, time.process_time() - cpu))
    return {name: Time.of(times) for name, times in taken.items()}


def _finished(way: Callable[[], object]) -> None:
    """Call `way` and wait for what it left to the GPU."""
    way()
    if torch.cuda.is_initialized():
        torch.cuda.synchronize()


def once(way: Callable[[], object]) -> Time:
    """Return the time of a single call."""
    return take_turns({"": way}, rounds=1, warm=False)[""]


@dataclass(frozen=True)
class Machine:
    """Measured peaks of the CPU: operations a second (float32 matrix product), bytes a second (copy).

    `device` is where the classifier and CLIP run, in the precision that the product takes there.
    """

    threads: int
    flops: float
    bytes: float
    device: str = "cpu"

    @classmethod
    def measured(cls, device: str = "cpu") -> Machine:
        """Measure the best of a few runs on all threads."""
        side = 1536
        left, right, out = torch.rand(3, side, side).unbind()
        source = torch.rand(16 << 20)
        target = torch.empty_like(source)
        threads = torch.get_num_threads()
        product = min(once(lambda: torch.mm(left, right, out=out)).cpu for _ in range(8)) / threads
        copy = min(once(lambda: target.copy_(source)).cpu for _ in range(8)) / threads
        return cls(threads, 2 * side**3 / product, 2 * source.numel() * 4 / copy, device)

    @property
    def on_gpu(self) -> bool:
        """Whether the classifier and CLIP run on a GPU."""
        return self.device != "cpu"

    @property
    def basis(self) -> str:
        """What ratios of the classifier's work are of: CPU seconds, or the clock where a GPU does it."""
        return "wall" if self.on_gpu else "cpu"

    def floor(self, flops: float = 0, moved: float = 0) -> float:
        """Return the least seconds for so many operations and bytes."""
        return max(flops / self.flops, moved / self.bytes)
