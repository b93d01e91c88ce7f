"""Settings of the whole process that belong to the program, not to those who import the library."""

from __future__ import annotations

import gc
import os

import torch

from .cpu import usable_cores


def settle(interactive: bool) -> None:
    """Spare the collector what was imported, and leave a core to the interface of an `interactive` program.

    A full collection of all that torch brings is the longest pause that a key press would meet.
    """
    if interactive and "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(max(1, usable_cores() - 1))
    gc.collect()
    gc.freeze()
