"""A program in a terminal of its own, whose other end the test holds: reads, types, hangs up."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyte

from tests.conftest import REPOSITORY

ANSWERS = {b"\x1b[c": b"\x1b[?62;22c"}
"""What this terminal answers: it is one without graphics."""


def _surroundings() -> dict[str, str]:
    """The environment but for another terminal's size, which pytest's own processes carry."""
    return {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}


class Terminal:
    """Runs `python -m neuroinspect_tui ARGUMENTS` as the leader of its own session on a new pseudo-terminal.

    It starts in `folder`.
    """

    def __init__(
        self, *arguments: str, nohup: bool = False, folder: Path = REPOSITORY, **environment: str
    ) -> None:
        columns, rows = 120, 40
        self.screen = pyte.Screen(columns, rows)
        self.master, self.slave = pty.openpty()
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.attributes = termios.tcgetattr(self.slave)
        self.output = bytearray()
        self.open = True
        self.drawing = True

        def lead() -> None:
            os.setsid()
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)
            if nohup:
                signal.signal(signal.SIGHUP, signal.SIG_IGN)

        self.process = subprocess.Popen(
            [sys.executable, "-m", "neuroinspect_tui", *arguments],
            stdin=self.slave,
            stdout=self.slave,
            stderr=self.slave,
            cwd=folder,
            env={
                **_surroundings(),
                "PYTHONPATH": str(REPOSITORY),
                "TERM": "xterm-256color",
                "OMP_NUM_THREADS": "1",
                **environment,
            },
            preexec_fn=lead,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *details: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.hang_up()

    def _read(self) -> None:
        stream, undrawn = pyte.ByteStream(self.screen), bytearray()
        while self.open:
            if not select.select([self.master], [], [], 0.05)[0]:
                continue
            try:
                data = os.read(self.master, 65536)
            except OSError:
                return
            self.output += data
            undrawn += data
            if self.drawing:
                stream.feed(bytes(undrawn))
                undrawn.clear()
            for question, answer in ANSWERS.items():
                if question in data:
                    os.write(self.master, answer)

    @property
    def text(self) -> str:
        """What the screen shows."""
        return "\n".join(self.screen.display)

    def type(self, keys: str) -> None:
        """Press keys."""
        os.write(self.master, keys.encode())

    def hang_up(self) -> None:
        """Close the terminal, as sshd does when the connection drops."""
        self.open = False
        self._reader.join()
        for descriptor in (self.slave, self.master):
            with contextlib.suppress(OSError):
                os.close(descriptor)

    def signal(self, number: int) -> None:
        """Send a signal."""
        os.kill(self.process.pid, number)

    def stands_on(self) -> str:
        """Where the program's standard input leads to."""
        return str(Path(f"/proc/{self.process.pid}/fd/0").readlink())

    def wait_for(self, what: Callable[[], Any], seconds: float = 60.0) -> float:
        """Wait until `what()` is true; return how long that took; fails with the output when it never is."""
        began = time.monotonic()
        while not what():
            assert time.monotonic() - began < seconds, self.text
            time.sleep(0.02)
        return time.monotonic() - began

    def ended(self) -> bool:
        """Whether the program has ended."""
        return self.process.poll() is not None
