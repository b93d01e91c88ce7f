"""When the connection drops or the process is terminated: the interface leaves, the terminal is restored."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import IO, Any, Literal

Ending = Literal["", "hung up", "terminated"]
_SIGNALS: dict[str, Ending] = {"SIGHUP": "hung up", "SIGTERM": "terminated"}
_PERIOD = 500
"""Milliseconds between two looks at a terminal that cannot be waited for."""


class Watch:
    """While the block runs: calls `leave` once, on its own thread, on SIGHUP, SIGTERM or a closed terminal.

    `ending` says afterwards which it was. A signal that was ignored before (nohup) stays ignored. Writes to
    a terminal that is gone are dropped, so that whoever writes can end in its own time.
    """

    def __init__(self, leave: Callable[[], object]) -> None:
        self.ending: Ending = ""
        self._leave = leave
        self._before: dict[int, Any] = {}
        self._reader, self._writer = os.pipe()
        self._stream = sys.__stderr__
        self._thread = threading.Thread(target=self._wait, name="neuroinspect-hangup", daemon=True)

    def __enter__(self) -> Watch:
        for name in _SIGNALS:
            number = getattr(signal, name, None)
            if number is not None and signal.getsignal(number) != signal.SIG_IGN:
                self._before[number] = signal.signal(number, self._signalled)
        if self._stream is not None:
            sys.__stderr__ = _Forgiving(self._stream)  # type: ignore[misc, assignment]
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.write(self._writer, b".")
        self._thread.join()
        for descriptor in (self._reader, self._writer):
            os.close(descriptor)
        sys.__stderr__ = self._stream  # type: ignore[misc]
        for number, handler in self._before.items():
            signal.signal(number, handler)
        if self.ending == "hung up":
            signal.signal(signal.SIGHUP, signal.SIG_IGN)

    def _signalled(self, number: int, frame: FrameType | None) -> None:
        self.ending = self.ending or _SIGNALS[signal.Signals(number).name]
        os.write(self._writer, b".")

    def _wait(self) -> None:
        """Wait for the terminal to go or for a byte in the pipe: a signal, or the end of the block."""
        terminal = sys.__stdin__.fileno() if sys.__stdin__ is not None else -1
        poll = select.poll()
        poll.register(self._reader, select.POLLIN)
        if terminal >= 0:
            poll.register(terminal, 0)
        while True:
            ready = dict(poll.poll(_PERIOD))
            if terminal in ready:
                self.ending = self.ending or "hung up"
            if ready:
                break
        if self.ending:
            self._leave()


def is_gone(descriptor: int) -> bool:
    """Whether the terminal behind `descriptor` was closed."""
    poll = select.poll()
    poll.register(descriptor, 0)
    return bool(poll.poll(0))


def let_go_of_terminal() -> None:
    """Point standard input, output and error to nowhere where they lead to a terminal that is gone."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in range(3):
        if is_gone(descriptor):
            os.dup2(nowhere, descriptor)
    os.close(nowhere)


class _Forgiving:
    """A stream to the terminal that drops what can no longer be written."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write `text` if there is still someone to read it."""
        with contextlib.suppress(OSError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Flush if there is still someone to read it."""
        with contextlib.suppress(OSError):
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
