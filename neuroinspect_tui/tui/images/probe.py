"""What the terminal can do, asked in one round trip before the app starts. Imports nothing of Textual."""

from __future__ import annotations

import contextlib
import os
import re
import select
import time
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace

from .viewers import Viewer, tmux, viewers

TIMEOUT = 2.0
GRAPHICS_QUERY = "\x1b_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA\x1b\\"
VERSION_QUERY = "\x1b[>q"
CELL_QUERY = "\x1b[16t"
END_QUERY = "\x1b[c"
_END = re.compile(rb"\x1b\[\?([0-9;]*)c")
_GRAPHICS = re.compile(rb"\x1b_Gi=31;OK")
_VERSION = re.compile(rb"\x1bP>\|([^\x1b\x07]*)")
_CELL = re.compile(rb"\x1b\[6;(\d+);(\d+)t")
_TRUE_COLOUR = re.compile(
    r"kitty|ghostty|wezterm|iterm2|foot|konsole|contour|mintty|alacritty|vte|xterm\(|xterm\.js|windows",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Terminal:
    """`name` as the terminal calls itself (XTVERSION); `cell` in pixels, width × height, if it told."""

    name: str = ""
    graphics: bool = False
    sixel: bool = False
    cell: tuple[int, int] | None = None
    true_colour: bool = False
    tmux: bool = False
    passthrough: bool = False
    answered: bool = False

    def __str__(self) -> str:
        """One line for `doctor` and the log."""
        if not self.answered:
            return "the terminal does not answer questions"
        facts = [self.name or "a terminal without a name"]
        facts += ["inside tmux" + (", passthrough on" if self.passthrough else "")] if self.tmux else []
        facts += [word for word, there in (("Kitty graphics", self.graphics), ("Sixel", self.sixel)) if there]
        facts += [f"cells of {self.cell[0]}×{self.cell[1]} pixels"] if self.cell else []
        return ", ".join(facts)


def read_answer(data: bytes) -> Terminal:
    """Return what the terminal's answers to the queries say; missing ones count as "no"."""
    end, name, cell = _END.search(data), _VERSION.search(data), _CELL.search(data)
    called = name[1].decode("ascii", "replace") if name else ""
    size = (int(cell[2]), int(cell[1])) if cell else None
    return Terminal(
        name=called,
        graphics=bool(_GRAPHICS.search(data)),
        sixel=bool(end and b"4" in end[1].split(b";")),
        cell=size if size and min(size) > 0 else None,
        true_colour=bool(_TRUE_COLOUR.search(called)),
        answered=bool(end),
    )


def with_late_answer(before: Terminal, data: bytes) -> Terminal:
    """Return the terminal as it is now known: its answers in `data` came after the probe had given up."""
    late = read_answer(data)
    found = replace(before, cell=late.cell or before.cell, answered=late.answered)
    if before.tmux:
        return found
    return replace(
        found,
        name=late.name or before.name,
        graphics=late.graphics or before.graphics,
        sixel=late.sixel,
        true_colour=late.true_colour or before.true_colour,
    )


def probe_terminal(environment: Mapping[str, str] | None = None, timeout: float = TIMEOUT) -> Terminal:
    """Ask the terminal; one that does not answer within `timeout` seconds gets plain cells until it does."""
    environment = os.environ if environment is None else environment
    if environment.get("TERM", "dumb") in ("dumb", "") or os.name != "posix":
        return Terminal()
    inside = "TMUX" in environment
    queries = CELL_QUERY + END_QUERY if inside else GRAPHICS_QUERY + VERSION_QUERY + CELL_QUERY + END_QUERY
    if environment["TERM"].startswith("screen") and not inside:
        queries = END_QUERY
    try:
        answer, window = _ask(queries, timeout)
    except OSError:
        return Terminal()
    asked = read_answer(answer)
    if asked.cell is None:
        asked = replace(asked, cell=window)
    return in_tmux(asked) if inside else asked


def cell_of_window(terminal: int) -> tuple[int, int] | None:
    """Return the cell size that the terminal's driver knows (ssh hands it on), for those without `16t`."""
    import fcntl
    import struct
    import termios

    packed = fcntl.ioctl(terminal, termios.TIOCGWINSZ, b"\0" * 8)
    rows, columns, width, height = struct.unpack("HHHH", packed)
    if not (rows and columns and width and height):
        return None
    return max(1, width // columns), max(1, height // rows)


def measured_cell() -> tuple[int, int] | None:
    """Return the cell size now, as the driver of the terminal knows it or tmux does."""
    if "TMUX" in os.environ:
        return seen_by(Terminal(), viewers()).cell
    try:
        terminal = os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY)
    except OSError:
        return None
    try:
        return cell_of_window(terminal)
    except OSError:
        return None
    finally:
        os.close(terminal)


def in_tmux(asked: Terminal) -> Terminal:
    """Add what tmux knows of the terminals around it, and whether it lets us through."""
    passes = tmux("show-options", "-Apv", "allow-passthrough") in ("on", "all")
    return seen_by(replace(asked, tmux=True, passthrough=passes), viewers())


def seen_by(terminal: Terminal, looking: Collection[Viewer]) -> Terminal:
    """Return the terminal inside tmux as far as all who are `looking` are the same."""
    names, cells = {viewer.name for viewer in looking}, {viewer.cell for viewer in looking}
    name = names.pop() if len(names) == 1 else ""
    cell = cells.pop() if len(cells) == 1 else None
    colour = bool(looking) and all(viewer.true_colour for viewer in looking)
    return replace(terminal, name=name, graphics=bool(name), cell=cell or terminal.cell, true_colour=colour)


def _ask(queries: str, timeout: float) -> tuple[bytes, tuple[int, int] | None]:
    with _raw_terminal() as terminal:
        os.write(terminal, queries.encode())
        deadline, answer = time.monotonic() + timeout, b""
        while not _END.search(answer) and (left := deadline - time.monotonic()) > 0:
            if select.select([terminal], [], [], left)[0]:
                answer += os.read(terminal, 4096)
        window = cell_of_window(terminal)
    return answer, window


@contextlib.contextmanager
def _raw_terminal() -> Iterator[int]:
    import termios
    import tty

    terminal = os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY)
    try:
        before = termios.tcgetattr(terminal)
        try:
            tty.setcbreak(terminal, termios.TCSANOW)
            yield terminal
        finally:
            termios.tcsetattr(terminal, termios.TCSANOW, before)
    except termios.error as error:
        raise OSError(str(error)) from error
    finally:
        os.close(terminal)
