"""kitty → tmux → app: whoever looks anew gets the pictures, for tmux keeps none and tells a pane nothing."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY
from tests.tmux import TMUX

from .line import KITTY, PLAYGROUND, XTERM, Line
from .test_streams import READY

pytestmark = [pytest.mark.slow, pytest.mark.skipif(TMUX is None, reason="tmux is not installed")]
SETTINGS = """
set -g allow-passthrough on
set -as terminal-features ',*:RGB'
set -g default-terminal tmux-256color
"""
ON_SCREEN = 9
"""Pictures that the first screen has room for."""
ATTACH = "import os, sys; os.execvp(sys.argv[1], sys.argv[1:])"


class Server:
    """A tmux server whose first window runs the app, and terminals that attach to it."""

    def __init__(self, folder: Path, settings: str) -> None:
        file = folder / "tmux.conf"
        file.write_text(settings)
        self._tmux = [TMUX or "tmux", "-u", "-S", str(folder / "socket"), "-f", str(file)]
        app = shlex.join([sys.executable, *PLAYGROUND])
        kept = {name: value for name, value in os.environ.items() if name not in ("TMUX", "TMUX_PANE")}
        self._environment = {**kept, "LC_ALL": "C.UTF-8", "PYTHONPATH": str(REPOSITORY)}
        self.tell("new-session", "-d", "-x", "120", "-y", "40", "-s", "app", app)

    def tell(self, *words: str) -> None:
        subprocess.run([*self._tmux, *words], check=True, env=self._environment, cwd=REPOSITORY)

    def attach(self, answers: dict[bytes, bytes]) -> Line:
        """Return a terminal that looks."""
        return Line(answers, "-c", ATTACH, *self._tmux, "attach", LC_ALL="C.UTF-8")


@pytest.fixture
def server(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Server]:
    started = Server(tmp_path_factory.mktemp("t"), getattr(request, "param", SETTINGS))
    yield started
    started.tell("kill-server")


def pictures(line: Line, since: int = 0) -> set[bytes]:
    """Return the numbers of the pictures that the terminal was sent."""
    return set(re.findall(rb"\x1b_Ga=T,U=1,i=(\d+)", bytes(line.seen[since:])))


def all_shown(line: Line) -> None:
    """Wait until the first screen has all its pictures: nothing is under way any more."""
    line.until(lambda: len(pictures(line)) >= ON_SCREEN, 90)
    line.quiet(3.0, 60.0)
    assert READY in line.text


def test_a_terminal_that_attaches_later_gets_the_pictures(server: Server) -> None:
    with server.attach(KITTY) as first:
        all_shown(first)
        server.tell("detach-client", "-s", "app")
    with server.attach(KITTY) as second:
        all_shown(second)


def test_back_from_another_window_the_pictures_come_again(server: Server) -> None:
    with server.attach(KITTY) as line:
        all_shown(line)
        server.tell("new-window", "-t", "app", "cat")
        line.until(lambda: READY not in line.text)
        line.quiet(3.0)
        before, shown = len(line.seen), pictures(line)
        server.tell("select-window", "-t", "app:0")
        line.until(lambda: len(pictures(line, before) & shown) >= ON_SCREEN, 90)


def test_for_another_terminal_pictures_are_drawn_as_that_one_can(server: Server) -> None:
    with server.attach(KITTY) as kitty:
        all_shown(kitty)
        server.tell("detach-client", "-s", "app")
    with server.attach(XTERM) as xterm:
        xterm.until(lambda: "▀▀▀▀" in xterm.text, 90)
        assert not pictures(xterm)


@pytest.mark.parametrize("server", ["set -g allow-passthrough on\n"], indirect=True)
def test_where_tmux_keeps_24_bit_colours_back_pictures_are_half_blocks(server: Server) -> None:
    with server.attach(KITTY) as line:
        line.until(lambda: "▀▀▀▀" in line.text, 90)
        assert not pictures(line)
        line.press(b"L")
        line.until(lambda: "terminal-features" in line.text)
