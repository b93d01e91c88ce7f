"""The processes of one run, working on one session: what they share out, wait for and add up.

Only small things travel between them (counts, failures, results without pixels), through gloo on the CPU
whatever the device; images, features and pictures go through the session directory.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TypeVar, cast

import torch
import torch.distributed as dist
from torch import Tensor

from ..errors import Cancelled, InputError
from ..session.lock import Holder
from .ranks import ADDRESS, Ranks

T = TypeVar("T")
JOIN_TIMEOUT = timedelta(minutes=2)
"""How long the ranks wait for each other at the start."""
COLLECTIVE_TIMEOUT = timedelta(days=1)
"""How long a rank waits for a slower one; one that is gone is noticed at once."""
LOSS_TIMEOUT = 1.0
PORT = "29500"


@dataclass
class RankGroup:
    """This process among its peers. Alone (the usual case) every method is free and sends nothing."""

    ranks: Ranks = field(default_factory=Ranks)
    peers: list[Holder] = field(default_factory=list)
    group: dist.ProcessGroup | None = None
    _solo: bool = False

    @classmethod
    def join(cls, ranks: Ranks) -> RankGroup:
        """Meet the other ranks; raises InputError when they do not come."""
        if ranks.size == 1:
            return cls(ranks)
        os.environ.setdefault("MASTER_PORT", PORT)
        try:
            dist.init_process_group("gloo", rank=ranks.rank, world_size=ranks.size, timeout=JOIN_TIMEOUT)
            group = dist.new_group(backend="gloo", timeout=COLLECTIVE_TIMEOUT)
        except (RuntimeError, ValueError) as error:
            place = f"{os.environ.get(ADDRESS)}:{os.environ['MASTER_PORT']}"
            reason = str(error).splitlines()[0][:200]
            raise InputError(
                f"{ranks.name(ranks.rank)}of {ranks.size} did not meet the others at {place} ({reason})",
                "start every rank within two minutes, with torchrun or srun",
            ) from error
        group = cls(ranks, group=group)
        group.peers = group._collect(Holder.current())
        return group

    @property
    def size(self) -> int:
        """How many processes share the work that is being done now."""
        return 1 if self._solo else self.ranks.size

    @property
    def part(self) -> slice:
        """This rank's part of any sequence: every item has exactly one rank."""
        return slice(self.ranks.rank, None, self.size) if self.size > 1 else slice(None)

    @contextmanager
    def synchronized(self) -> Iterator[None]:
        """Wait at the end of the block for every rank; when one fails in it, all fail alike."""
        if self.size == 1:
            yield
            return
        own: Exception | None = None
        try:
            yield
        except Exception as error:
            own = error
        failures = self._collect(_describe(own), own)
        if own is not None and not isinstance(own, Cancelled):
            raise own
        if Cancelled.__name__ in failures:
            raise Cancelled
        for rank, failure in enumerate(failures):
            if failure:
                raise InputError(f"{self.ranks.name(rank)}failed, {failure}") from own

    def on_rank_zero(self, make: Callable[[], T]) -> T:
        """Let rank 0 make a value and give it to all; what it calls sees a group of one."""
        if self.size == 1:
            return make()
        made: list[T | None] = [None]
        with self.synchronized():
            if self.ranks.leads:
                self._solo = True
                try:
                    made[0] = make()
                finally:
                    self._solo = False
        self._send(lambda: dist.broadcast_object_list(made, group=self.group, group_src=0))
        return cast(T, made[0])  # what rank 0 made, of whatever type, None included

    def gather(self, values: Sequence[T]) -> list[T]:
        """Return the values of all ranks, in the order of the ranks."""
        return list(values) if self.size == 1 else [value for part in self._collect(values) for value in part]

    def sum(self, counts: Tensor) -> Tensor:
        """Return `counts` (dense or sparse, of one shape everywhere) added up over the ranks."""
        if self.size > 1:
            self._send(lambda: dist.all_reduce(counts, group=self.group))
        return counts.coalesce() if counts.is_sparse else counts

    def device(self, name: str) -> str:
        """Return the device for this rank: its own GPU where `auto` or `cuda` leave the choice."""
        count = torch.cuda.device_count()
        if self.ranks.size > 1 and name in ("auto", "cuda") and count:
            return f"cuda:{self.ranks.local % count}"
        return name

    def close(self) -> None:
        """Leave the others."""
        if self.group is not None:
            dist.destroy_process_group()
            self.group = None

    def _collect(self, value: T, own: Exception | None = None) -> list[T]:
        """Return every rank's `value`; where one is lost, `own` failure is raised before the loss."""
        values: list[T | None] = [None] * self.ranks.size
        try:
            self._send(lambda: dist.all_gather_object(values, value, group=self.group))
        except InputError:
            if own is None or isinstance(own, Cancelled):
                raise
            raise own from None
        return cast("list[T]", values)

    def _send(self, collective: Callable[[], object]) -> None:
        try:
            collective()
        except RuntimeError as error:
            raise self._lost(error) from error

    def _lost(self, error: RuntimeError) -> InputError:
        """Return what to tell the user about a connection that broke."""
        until = time.monotonic() + LOSS_TIMEOUT
        while not (gone := [rank for rank, peer in enumerate(self.peers) if peer.stale]):
            if time.monotonic() > until:
                reason = str(error).splitlines()[0][:200]
                return InputError(f"the connection to another rank broke ({reason})", GO_ON)
            time.sleep(0.05)
        peer = self.peers[gone[0]]
        others = f" (and {len(gone) - 1} more)" if len(gone) > 1 else ""
        return InputError(
            f"{self.ranks.name(gone[0])}of {self.ranks.size}, process {peer.pid}, is gone{others}", GO_ON
        )


GO_ON = "finished work is kept, give the same command again to go on"


def _describe(error: Exception | None) -> str:
    """Return what the other ranks should know of a failure, "" for none."""
    if error is None:
        return ""
    if isinstance(error, Cancelled):
        return Cancelled.__name__
    return str(error) if isinstance(error, InputError) else f"{type(error).__name__}: {error}"
