"""Settings of the whole process that belong to the program, not to those who import the library."""

from __future__ import annotations

import gc


def settle() -> None:
    """Spare the collector what was imported.

    A full collection of all that torch brings is the longest pause that a key press would meet.
    """
    gc.collect()
    gc.freeze()
