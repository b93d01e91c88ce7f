"""How much may be written before the terminal has taken it: so that nothing stale waits in line.

ssh and the kernel swallow megabytes at once and deliver them seconds later. Now and then the terminal is
asked what it is (DA1); its answer tells that all before the question has arrived.
"""

from __future__ import annotations

import time
from collections.abc import Callable

ARRIVAL_QUERY = "\x1b[c"
EVERY = 2048
"""Bytes after which the terminal is asked anew."""
SMALLEST, LARGEST = 4096, 1 << 18
QUICK, SLOW = 0.4, 1.0
"""Seconds to an answer that widen and narrow the window of bytes under way."""
PATIENCE, PATIENCE_AT_FIRST = 5.0, 2.0
"""Seconds after which a question counts as unanswered: of a terminal that has answered before, and else."""


class Pace:
    """Counts what is under way to a terminal that `answers`. `now` is the clock, in seconds."""

    def __init__(self, answers: bool = True, now: Callable[[], float] = time.monotonic) -> None:
        self.answers = answers
        self._now = now
        self._written = self._arrived = 0
        self.window = 4 * SMALLEST
        self._mark: int | None = None
        self._asked = 0.0
        self._known = False

    @property
    def clear(self) -> bool:
        """Whether more may be written."""
        self._give_up_waiting()
        return not self.answers or self._written - self._arrived < self.window

    def wrote(self, count: int) -> bool:
        """Count `count` bytes; returns whether to write `ARRIVAL_QUERY` behind them."""
        self._written += count
        return self.asks()

    def asks(self) -> bool:
        """Whether to write `ARRIVAL_QUERY` now: also for what was written behind the last question.

        Without it a full window would stay full: nothing is written, so nothing would ask.
        """
        self._give_up_waiting()
        if not self.answers or self._mark is not None or self._written - self._arrived < EVERY:
            return False
        self._mark, self._asked = self._written, self._now()
        return True

    def answered(self) -> None:
        """The terminal has answered."""
        self.answers = self._known = True
        if self._mark is None:
            return
        took = self._now() - self._asked
        if took < QUICK:
            self.window = min(2 * self.window, LARGEST)
        elif took > SLOW:
            self.window = max(self.window // 2, SMALLEST)
        self._arrived, self._mark = self._mark, None

    def _give_up_waiting(self) -> None:
        patience = PATIENCE if self._known else PATIENCE_AT_FIRST
        if self._mark is not None and self._now() - self._asked > patience:
            self._arrived, self._mark = self._mark, None
            self.answers = self._known
