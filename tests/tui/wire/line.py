"""A terminal at the far end of a line: it answers as the real ones do, after a delay, and takes bytes at a rate."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import threading
import time
from collections.abc import Callable

import pyte

KITTY = {
    b"\x1b[c": b"\x1b[?62;c",
    b"\x1b[>q": b"\x1bP>|kitty(0.41.1)\x1b\\",
    b"\x1b[16t": b"\x1b[6;20;10t",
    b"\x1b_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA\x1b\\": b"\x1b_Gi=31;OK\x1b\\",
}
XTERM = {
    b"\x1b[c": b"\x1b[?63;1;2;4;6;9;15;22c",
    b"\x1b[>q": b"\x1bP>|XTerm(379)\x1b\\",
    b"\x1b[16t": b"\x1b[6;20;10t",
}
PLAIN = {b"\x1b[c": b"\x1b[?62;22c"}
DEAF: dict[bytes, bytes] = {}
PICTURES = re.compile(
    rb"(?:\x1bPtmux;)?\x1b{1,2}_G.*?\x1b\\(?:\x1b\\)?|\x1bP0;1;0q.*?\x1b\\|\x1b\]1337.*?\x07", re.S
)
PLAYGROUND = ("-m", "tests.tui.playground", "--pause", "0.002")


class Line:
    """Runs a Python program behind a line of `rate` bytes a second (None: any) and `delay` seconds each way."""

    def __init__(
        self, answers: dict[bytes, bytes], *command: str, rate: float | None = None, delay: float = 0.0,
        closed: tuple[int, ...] = (), errors: str = "", size: tuple[int, int] = (120, 40), **environment: str,
    ) -> None:  # fmt: skip
        self.answers, self.rate, self.delay = answers, rate, delay
        self._questions = re.compile(b"|".join(map(re.escape, answers)) or b"(?!)")
        self.seen = bytearray()
        self.screen = pyte.Screen(*size)
        self._stream = pyte.ByteStream(self.screen)
        self._drawn = 0
        self._open = True
        self._last = time.monotonic()
        self._replies: list[tuple[float, bytes]] = []
        self.child, self.master = pty.fork()
        if self.child == 0:
            self._become(command or PLAYGROUND, closed, errors, size, environment)
        self._thread = threading.Thread(target=self._carry, daemon=True)
        self._thread.start()

    @staticmethod
    def _become(
        command: tuple[str, ...], closed: tuple[int, ...], errors: str, size: tuple[int, int],
        environment: dict[str, str],
    ) -> None:  # fmt: skip
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))
        if errors:
            os.dup2(os.open(errors, os.O_WRONLY | os.O_CREAT), 2)
        for descriptor in closed:
            os.close(descriptor)
        kept = {
            name: os.environ[name] for name in ("PATH", "HOME", "LANG", "PYTHONPATH") if name in os.environ
        }
        os.execve(
            sys.executable, [sys.executable, *command], {"TERM": "xterm-256color", **kept, **environment}
        )

    def __enter__(self) -> Line:
        return self

    def __exit__(self, *details: object) -> None:
        self._open = False
        self._thread.join()
        with contextlib.suppress(ProcessLookupError, ChildProcessError):
            os.kill(self.child, signal.SIGKILL)
            os.waitpid(self.child, 0)
        os.close(self.master)

    def _carry(self) -> None:
        while self._open:
            most = 65536 if self.rate is None else max(1, int(self.rate / 50))
            if select.select([self.master], [], [], 0.02)[0]:
                try:
                    data = os.read(self.master, most)
                except OSError:
                    return
                self._answer(data)
                self._last = time.monotonic()
                if self.rate is not None:
                    time.sleep(len(data) / self.rate)
            now = time.monotonic()
            while self._replies and self._replies[0][0] <= now:
                os.write(self.master, self._replies.pop(0)[1])

    def _answer(self, data: bytes) -> None:
        """Answer in the order of the questions, as terminals do: the last answer says that all have come."""
        before = max(0, len(self.seen) - 40)
        known = len(self.seen)
        self.seen += data
        for found in self._questions.finditer(bytes(self.seen[before:])):
            if before + found.end() > known:
                self._replies.append((time.monotonic() + 2 * self.delay, self.answers[found[0]]))

    @property
    def text(self) -> str:
        """What the screen shows."""
        data = bytes(self.seen[self._drawn :])
        self._drawn += len(data)
        self._stream.feed(PICTURES.sub(b"", data))
        return "\n".join(self.screen.display)

    def press(self, keys: bytes) -> None:
        os.write(self.master, keys)

    def until(self, reached: Callable[[], object], seconds: float = 40.0) -> float:
        """Wait until `reached` holds and return how long that took."""
        began = time.monotonic()
        while not reached():
            assert time.monotonic() - began < seconds, self.text
            time.sleep(0.02)
        return time.monotonic() - began

    def quiet(self, seconds: float = 1.0, at_most: float = 30.0) -> float:
        """Wait until nothing has come for `seconds`; return how long it had come."""
        began = time.monotonic()
        while time.monotonic() - max(self._last, began) < seconds:
            assert time.monotonic() - began < at_most, "never quiet"
            time.sleep(0.02)
        return max(0.0, self._last - began)

    def cost(self, keys: bytes) -> tuple[int, int]:
        """Press `keys`; return the bytes of text and of pictures that came until all was quiet."""
        before = len(self.seen)
        self.press(keys)
        time.sleep(0.3)
        self.quiet(2.0)
        data = bytes(self.seen[before:])
        pictures = sum(len(found) for found in PICTURES.findall(data))
        return len(data) - pictures, pictures

    def resize(self, columns: int, rows: int, width: int = 0, height: int = 0) -> None:
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, width, height))
        self.screen.resize(rows, columns)

    def code(self, seconds: float = 20.0) -> int:
        """Wait until the program has ended; return its exit code."""
        status: list[int] = []

        def ended() -> bool:
            done, code = os.waitpid(self.child, os.WNOHANG)
            status.append(code)
            return bool(done)

        self.until(ended, seconds)
        return os.waitstatus_to_exitcode(status[-1])
