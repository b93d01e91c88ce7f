"""Which way to draw pictures: the sharpest that this terminal is known to do right, or the one asked for."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...config import require_choice
from .probe import Terminal

if TYPE_CHECKING:
    from .encoder import Encoder

WAYS = ("auto", "kitty", "sixel", "iterm2", "block", "none")
PLACEHOLDERS = {"kitty": (0, 28), "ghostty": (1, 0)}
PASSTHROUGH = "tmux set -g allow-passthrough on"
TRUE_COLOUR = "tmux set -as terminal-features ',*:RGB'"
"""Pictures have their numbers in the colour of their cells: 24 bits have to pass."""
INLINE_FILES = ("iterm2", "wezterm")


@dataclass(frozen=True)
class Choice:
    """The way to draw, why, and the ways that the `i` key goes through."""

    way: str
    reason: str
    ways: tuple[str, ...]


def version_of(name: str, program: str) -> tuple[int, int] | None:
    """Return (major, minor) if the terminal is `program`: `kitty(0.41.1)`, `ghostty 1.1.3`."""
    found = re.match(rf"{program}\W*(\d+)\.(\d+)", name, re.IGNORECASE)
    return (int(found[1]), int(found[2])) if found else None


def repeats_characters(terminal: Terminal) -> bool:
    """Whether the terminal is known to repeat the last character (REP), placeholders included.

    tmux keeps each cell: where a menu covers the beginning of a picture's line, its rest must know its place.
    """
    return version_of(terminal.name, "kitty") is not None and not terminal.tmux


def possible(terminal: Terminal, colour: bool = True) -> list[tuple[str, str]]:
    """Return the ways that work here, best first, each with its reason."""
    ways: list[tuple[str, str]] = []
    for program, least in PLACEHOLDERS.items():
        version = version_of(terminal.name, program)
        if version and version >= least and terminal.graphics and colour:
            if not terminal.tmux:
                ways.append(("kitty", f"{terminal.name} draws Kitty placeholders"))
            elif terminal.passthrough and terminal.true_colour:
                ways.append(("kitty", f"tmux lets pictures through to {terminal.name}"))
    if not terminal.tmux and terminal.name.lower().startswith(INLINE_FILES):
        ways.append(("iterm2", f"{terminal.name} draws inline files"))
    if terminal.sixel and terminal.cell:
        ways.append(("sixel", "the terminal says that it draws Sixel"))
    ways.append(("block", _remedy(terminal, colour) or "half blocks work everywhere"))
    return ways


def _remedy(terminal: Terminal, colour: bool) -> str:
    """Return what kitty's pictures lack inside tmux, and how to get it; "" where nothing does."""
    able = any(version_of(terminal.name, program) for program in PLACEHOLDERS)
    if not (terminal.tmux and able and colour):
        return ""
    if not terminal.passthrough:
        return f"for sharp pictures: {PASSTHROUGH}"
    return f"for sharp pictures: {TRUE_COLOUR}, then reattach" if not terminal.true_colour else ""


def choose(asked: str, terminal: Terminal, colour: bool = True) -> Choice:
    """Return how to draw; raises InputError when `asked` is no way of drawing."""
    require_choice("--images", asked, WAYS)
    found = possible(terminal, colour)
    names = tuple(name for name, _ in found)
    if asked == "auto":
        return Choice(*found[0], names)
    ways = names if asked == "none" or asked in names else (asked, *names)
    return Choice(asked, "asked for with --images", ways)


def make_encoders(choice: Choice, terminal: Terminal) -> dict[str, Encoder]:
    """Return an encoder for each way of `choice`."""
    from .blocks import BlockEncoder
    from .iterm2 import ITermEncoder
    from .kitty import KittyEncoder
    from .sixel import SixelEncoder

    makers: dict[str, Callable[[], Encoder]] = {
        "kitty": lambda: KittyEncoder(tmux=terminal.tmux),
        "sixel": SixelEncoder,
        "iterm2": ITermEncoder,
        "block": BlockEncoder,
    }
    return {way: makers[way]() for way in choice.ways if way in makers}
