"""A small shell beside the app: killed hard, the app cannot give the terminal back, so the shell does."""

from __future__ import annotations

import contextlib
import os
import subprocess
from types import TracebackType
from typing import IO

_MODES = (1000, 1002, 1003, 1006, 1015, 1016, 1004, 2004, 2026, 2048)
RESTORE = "".join(f"\x1b[?{mode}l" for mode in _MODES) + "\x1b[<u\x1b[?7h\x1b[m\x1b[?1049l\x1b[?25h"
"""All reports off; keyboard, wrapping, screen and cursor as before."""
_SCRIPT = """trap '' HUP INT QUIT TERM TSTP TTIN TTOU
modes=$(stty -g </dev/tty)
read -r done && exit
stty "$modes" </dev/tty
printf %s "$1" >/dev/tty
"""


class Guard:
    """For the length of the block, the terminal is restored even if this process is killed."""

    def __enter__(self) -> Guard:
        self._shell: subprocess.Popen[bytes] | None = None
        with contextlib.suppress(OSError):
            self._shell = subprocess.Popen(
                ["/bin/sh", "-c", _SCRIPT, "sh", RESTORE],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                process_group=0,
            )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._shell is None:
            return
        pipe: IO[bytes] | None = self._shell.stdin
        with contextlib.suppress(OSError):
            if pipe is not None:
                os.write(pipe.fileno(), b"done\n")
                pipe.close()
        self._shell.wait()
