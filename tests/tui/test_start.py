"""From an empty terminal to the first screen and back: what is imported, written, and left behind."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pyte
import pytest

from neuroinspect_tui.tui.images.probe import Terminal
from neuroinspect_tui.tui.start import prepare_colours

from .images.test_probe import KITTY, XTERM

ARRIVED = b"\x1b[?62;22c"
HEAVY = ("torch", "numpy", "PIL", "term_image", "scipy", "sklearn", "jinja2", "open_clip")


def test_the_first_screen_imports_nothing_heavy() -> None:
    code = (
        "import sys\n"
        "import neuroinspect_tui.tui.start, neuroinspect_tui.tui.app\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_true_colour_is_told_only_where_it_is_known() -> None:
    environment: dict[str, str] = {}
    prepare_colours(Terminal(), environment)
    assert environment == {}
    prepare_colours(Terminal(true_colour=True), environment)
    assert environment == {"COLORTERM": "truecolor"}
    environment = {"COLORTERM": "24bit"}
    prepare_colours(Terminal(true_colour=True), environment)
    assert environment == {"COLORTERM": "24bit"}


@dataclass
class Session:
    """The playground in a pseudo-terminal that answers as `answer` and shows what it gets."""

    master: int
    child: int
    answer: bytes
    seen: bytes = b""
    answered: bool = False
    screen: pyte.Screen = field(default_factory=lambda: pyte.Screen(120, 40))

    def __post_init__(self) -> None:
        self.stream = pyte.ByteStream(self.screen)

    def read(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            if not select.select([self.master], [], [], left)[0]:
                return
            try:
                data = os.read(self.master, 65536)
            except OSError:
                return
            self.seen += data
            self.stream.feed(
                re.sub(rb"\x1b_G[^\x1b]*\x1b\\|\x1bP[^\x1b]*\x1b\\|\x1b\]1337[^\x07]*\x07", b"", data)
            )
            if b"\x1b[c" in data:
                os.write(self.master, self.answer if not self.answered else ARRIVED)
                self.answered = True

    def until(self, reached: Callable[[], object], seconds: float = 40.0) -> None:
        deadline = time.monotonic() + seconds
        while not reached():
            assert time.monotonic() < deadline, "\n".join(self.screen.display)
            self.read(0.1)

    def press(self, keys: bytes) -> None:
        os.write(self.master, keys)

    def resize(self, columns: int, rows: int) -> None:
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.screen.resize(rows, columns)
        os.kill(self.child, signal.SIGWINCH)

    def end(self) -> int:
        self.press(b"q")
        for _ in range(400):
            self.read(0.05)
            time.sleep(0.05)
            done, status = os.waitpid(self.child, os.WNOHANG)
            if done:
                self.read(0.2)
                return os.waitstatus_to_exitcode(status)
        raise AssertionError("did not quit")

    @property
    def text(self) -> str:
        return "\n".join(self.screen.display)


Start = Callable[..., Session]


@pytest.fixture
def start() -> Iterator[Start]:
    """Start the playground in a pseudo-terminal of 120 × 40 cells."""
    running: list[Session] = []

    def begin(answer: bytes, *options: str, **environment: str) -> Session:
        child, master = pty.fork()
        if child == 0:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
            kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
            command = [sys.executable, "-m", "tests.tui.playground", "--pause", "0.002", *options]
            os.execve(sys.executable, command, {"TERM": "xterm-256color", **kept, **environment})
        running.append(Session(master, child, answer))
        return running[-1]

    yield begin
    for session in running:
        os.close(session.master)
        try:
            os.kill(session.child, signal.SIGKILL)
            os.waitpid(session.child, 0)
        except (ProcessLookupError, ChildProcessError):
            continue


def numbers(data: bytes, pattern: bytes) -> set[int]:
    return {int(number) for number in re.findall(pattern, data)}


def test_in_kitty_pictures_are_sent_shown_and_deleted_at_the_end(start: Start) -> None:
    session = start(KITTY)
    session.until(lambda: "its mistakes, the strongest first" in session.text)
    session.until(lambda: len(numbers(session.seen, rb"a=T,U=1,i=(\d+)")) >= 9)
    first = min(numbers(session.seen, rb"a=T,U=1,i=(\d+)"))
    colour = b"38;2;%d;%d;%d" % (first >> 16 & 255, first >> 8 & 255, first & 255)
    session.until(lambda: colour in session.seen)  # the number is the colour, in true colour
    assert "\U0010eeee".encode() in session.seen
    assert session.end() == 0
    sent, deleted = numbers(session.seen, rb"a=T,U=1,i=(\d+)"), numbers(session.seen, rb"a=d,d=I,i=(\d+)")
    assert sent == deleted
    assert session.seen.rindex(b"a=d,d=I") < session.seen.rindex(b"\x1b[?1049l"), (
        "before the screen is given back"
    )


def test_with_sixel_pictures_come_again_after_resize_and_another_screen(start: Start) -> None:
    session = start(XTERM)
    session.until(lambda: session.seen.count(b"\x1bP0;1;0q") >= 6)
    session.press(b"L")
    session.until(lambda: "Log" in session.text)
    session.read(0.5)
    before = session.seen.count(b"\x1bP0;1;0q")
    session.press(b"\x1b")
    session.until(lambda: session.seen.count(b"\x1bP0;1;0q") >= before + 6)
    before = session.seen.count(b"\x1bP0;1;0q")
    session.resize(160, 45)
    session.until(lambda: session.seen.count(b"\x1bP0;1;0q") >= before + 6)
    assert session.end() == 0


def test_sixel_is_not_sent_again_when_nothing_under_it_changes(start: Start) -> None:
    session = start(XTERM)
    session.until(lambda: session.seen.count(b"\x1bP0;1;0q") >= 6)
    session.press(b"2")
    session.read(1.5)
    before = session.seen.count(b"\x1bP0;1;0q")
    session.press(b" ")
    session.until(lambda: "off for" in session.text)
    session.read(0.5)
    assert session.seen.count(b"\x1bP0;1;0q") == before


def test_a_plain_terminal_gets_half_blocks_and_no_graphics(start: Start) -> None:
    session = start(b"\x1b[?62;22c")
    session.until(lambda: "▀" in session.text)
    assert session.end() == 0
    assert b"\x1bP0;1;0q" not in session.seen and b"a=T" not in session.seen


def test_images_none_shows_numbers_only(start: Start) -> None:
    session = start(KITTY, "--images", "none")
    session.until(lambda: "its mistakes, the strongest first" in session.text)
    assert "▀" not in session.text
    assert session.end() == 0
    assert b"a=T" not in session.seen


def test_no_color_is_respected_and_turns_placeholders_off(start: Start) -> None:
    session = start(KITTY, NO_COLOR="1")
    session.until(lambda: "▀" in session.text)
    assert session.end() == 0
    assert b"a=T" not in session.seen
    for red, green, blue in re.findall(rb"[34]8;2;(\d+);(\d+);(\d+)", session.seen):
        assert red == green == blue


def test_the_images_key_goes_through_the_ways(start: Start) -> None:
    session = start(KITTY)
    session.until(lambda: b"a=T,U=1" in session.seen)
    session.press(b"i")
    session.until(lambda: "▀" in session.text)
    session.press(b"i")
    session.until(lambda: "Pictures: none" in session.text)
    assert session.end() == 0
