"""Lets freed memory be used again instead of going back to the kernel, which hands it out page by page.

A network's activations are freed and allocated anew at every layer and batch. By default glibc maps blocks
of this size one by one: the kernel clears each page again, a third of the time of an evaluation on a CPU
(docs/benchmarks.md).
"""

from __future__ import annotations

import contextlib
import ctypes
import sys

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8
_LARGEST_BLOCK = 1 << 29
_KEPT = 1 << 30


def keep_freed_memory() -> None:
    """Keep up to a gigabyte of freed blocks, of up to half a gigabyte each; only glibc has such settings.

    To be called before other threads begin: they must use the one arena that can grow, the main thread's.
    """
    if not sys.platform.startswith("linux"):
        return
    with contextlib.suppress(OSError, AttributeError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_ARENA_MAX, 1)
        mallopt(_MMAP_THRESHOLD, _LARGEST_BLOCK)
        mallopt(_TRIM_THRESHOLD, _KEPT)
