"""While the app runs, standard output and error lead into its log: others would write over the screen."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import IO

LONGEST = 4000


def open_terminal() -> IO[str]:
    """Open the terminal to write on, in UTF-8 whatever the locale; raises OSError where there is none."""
    try:
        descriptor = os.open("/dev/tty", os.O_WRONLY | os.O_NOCTTY)
    except OSError:
        ours = next((number for number in (2, 1, 0) if os.isatty(number)), None)
        if ours is None:
            raise
        descriptor = os.dup(ours)
    return os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace", newline="")


@contextlib.contextmanager
def own_terminal() -> Iterator[IO[str]]:
    """Open the terminal to write on for the length of the block; it may be gone at the end."""
    output = open_terminal()
    try:
        yield output
    finally:
        with contextlib.suppress(OSError):
            output.close()


def has_terminal() -> bool:
    """Whether there is a terminal to read keys from and to draw on; `2>file` does not matter."""
    if sys.stdin is None or not sys.stdin.isatty():
        return False
    try:
        open_terminal().close()
    except OSError:
        return False
    return True


class Streams:
    """For the length of the block, lines written to descriptors 1 and 2 go to `on_line` on a thread."""

    def __init__(self, on_line: Callable[[str], None]) -> None:
        self._on_line = on_line
        self._saved: dict[int, int] = {}
        self._reader = -1

    def __enter__(self) -> Streams:
        self._reader, writer = os.pipe()
        for descriptor in (1, 2):
            self._saved[descriptor] = os.dup(descriptor)
            os.dup2(writer, descriptor)
        os.close(writer)
        threading.Thread(target=self._read, name="neuroinspect-streams", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for stream in (sys.__stdout__, sys.__stderr__):
            with contextlib.suppress(OSError, ValueError, AttributeError):
                stream.flush()  # type: ignore[union-attr]
        for descriptor, saved in self._saved.items():
            os.dup2(saved, descriptor)
            os.close(saved)

    def _read(self) -> None:
        """Pass on lines until the last writer is gone; children may outlive the block."""
        rest = b""
        while data := os.read(self._reader, 65536):
            *lines, rest = (rest + data).replace(b"\r", b"\n").split(b"\n")
            for line in [*lines, rest[:LONGEST]] if len(rest) > LONGEST else lines:
                if line.strip():
                    self._on_line(line.decode("utf-8", "backslashreplace"))
            rest = b"" if len(rest) > LONGEST else rest
        os.close(self._reader)
