"""The app in a tmux server of its own, driven by keys alone."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from tests.conftest import REPOSITORY

TMUX = shutil.which("tmux")
PATIENCE = 180.0
"""Seconds to wait for a screen: a loaded machine of a CI service is slow."""
OUTSIDE = ("TMUX", "TMUX_PANE", "COLUMNS", "LINES", "NO_COLOR")


def _surroundings(home: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in OUTSIDE}
    own = {"HOME": str(home), "XDG_DATA_HOME": str(home / "data"), "LC_ALL": "C.UTF-8"}
    return {**kept, **own, "OMP_NUM_THREADS": "1", "SHELL": "/bin/sh"}


class Tmux:
    """Runs `python -m neuroinspect_tui ARGUMENTS` in a pane of 120 × 40 cells; its home is `home`."""

    def __init__(self, home: Path, *arguments: str) -> None:
        self._own = tempfile.TemporaryDirectory(prefix="ni-")  # a socket's path may not be long
        self._socket = Path(self._own.name) / "socket"
        self._code = Path(self._own.name) / "code"
        self._home, self._arguments = home, arguments
        self._last = ""

    def __enter__(self) -> Tmux:
        self._home.mkdir(parents=True, exist_ok=True)
        app = shlex.join([sys.executable, "-m", "neuroinspect_tui", *self._arguments])
        command = f"{app}; echo $? > {shlex.quote(str(self._code))}"
        self._tmux("new-session", "-d", "-x", "120", "-y", "40", command, check=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._tmux("kill-server")
        self._own.cleanup()

    def _tmux(self, *words: str, check: bool = False) -> str:
        done = subprocess.run(
            [TMUX or "tmux", "-u", "-S", str(self._socket), "-f", os.devnull, *words],
            cwd=REPOSITORY,
            env=_surroundings(self._home),
            capture_output=True,
            encoding="utf-8",
            check=check,
        )
        return done.stdout

    @property
    def text(self) -> str:
        """What the pane shows, or what it showed last."""
        shown = self._tmux("capture-pane", "-p")
        self._last = shown or self._last
        return self._last

    def press(self, *keys: str) -> None:
        """Press keys, by the names that tmux has for them."""
        self._tmux("send-keys", *keys, check=True)

    def wait_for(self, reached: Callable[[str], object]) -> str:
        """Wait until `reached` holds of the text on screen and return that text; fails with it when never."""
        began = time.monotonic()
        while not reached(text := self.text):
            assert time.monotonic() - began < PATIENCE, text
            assert not self._code.exists(), f"the app ended:\n{text}"
            time.sleep(0.1)
        return text

    def exit_code(self) -> int:
        """Wait until the app has ended; return its exit code."""
        began = time.monotonic()
        while not (self._code.exists() and self._code.read_text().strip()):
            assert time.monotonic() - began < PATIENCE, self.text
            time.sleep(0.1)
        return int(self._code.read_text())
