"""Who looks at the app through tmux: what was sent while nobody did, or to another one, is not there."""

from __future__ import annotations

import os
import re
import subprocess
import threading
from collections.abc import Callable
from dataclasses import dataclass

PERIOD = 2.0
"""Seconds between two looks at tmux's clients: it tells a pane nothing of them."""
_FIELDS = (
    "#{client_tty}", "#{client_pid}", "#{window_id}", "#{client_termtype}", "#{client_cell_width}",
    "#{client_cell_height}", "#{client_termfeatures}",
)  # fmt: skip
_PANE = "PANE|#{window_id}|#{?window_zoomed_flag,#{pane_active},1}|#{allow-passthrough}"
_TERMINAL = re.compile(r"^Terminal \d+: \S+ for (\S+),", re.MULTILINE)
_TRUE_COLOUR = re.compile(r"\b(?:RGB|Tc): \(flag\) true")


@dataclass(frozen=True)
class Viewer:
    """A client of tmux that shows this pane; `cell` in pixels, width × height, if it told."""

    tty: str
    process: str
    name: str
    cell: tuple[int, int] | None
    true_colour: bool


def tmux(*words: str) -> str:
    """Return what tmux prints, or "" where it fails or does not answer."""
    try:
        done = subprocess.run(["tmux", *words], capture_output=True, text=True, timeout=1, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def viewers() -> frozenset[Viewer]:
    """Return the clients that show this pane now."""
    pane = os.environ.get("TMUX_PANE", "")
    told = tmux("display-message", "-p", "-t", pane, _PANE, ";", "list-clients", "-F", "|".join(_FIELDS))
    return read_viewers(told, lambda: tmux("show-messages", "-T"))


def read_viewers(told: str, terminals: Callable[[], str]) -> frozenset[Viewer]:
    """Return the viewers that tmux told of; `terminals` asks it for their capabilities."""
    first, *lines = told.splitlines() or [""]
    _, window, visible, *_ = [*first.split("|"), "", "", ""]
    found = set()
    for line in lines if visible == "1" else ():
        tty, process, own, name, width, height, features = [*line.split("|"), *[""] * 7][:7]
        if own == window:
            cell = (int(width), int(height)) if width.isdigit() and height.isdigit() else None
            colour = "RGB" in features.split(",") or _passes_true_colour(tty, terminals())
            found.add(Viewer(tty, process, name, cell if cell and min(cell) > 0 else None, colour))
    return frozenset(found)


def _passes_true_colour(tty: str, terminals: str) -> bool:
    """Whether tmux writes 24-bit colours to `tty` because of `terminal-overrides` (RGB, Tc)."""
    starts = [(found[1], found.start()) for found in _TERMINAL.finditer(terminals)]
    for place, (name, start) in enumerate(starts):
        if name == tty:
            end = starts[place + 1][1] if place + 1 < len(starts) else len(terminals)
            return bool(_TRUE_COLOUR.search(terminals, start, end))
    return False


class ViewerWatch:
    """Calls `changed` on its own thread with who looks first, and whenever others look than before."""

    def __init__(self, changed: Callable[[frozenset[Viewer]], None], period: float = PERIOD) -> None:
        self._changed, self._period = changed, period
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="neuroinspect-viewers", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the thread."""
        self._ended.set()

    def _watch(self) -> None:
        before: frozenset[Viewer] | None = None
        while not self._ended.is_set():
            now = viewers()
            if now != before:
                before = now
                self._changed(now)
            self._ended.wait(self._period)
