"""Suspending, redrawing, another font, GNU screen: what goes over the line then."""

from __future__ import annotations

import os
import re
import signal
import time
from pathlib import Path

import pytest

from .line import KITTY, PLAIN, PLAYGROUND, XTERM, Line
from .test_streams import LEADER, READY

pytestmark = pytest.mark.slow


def child_of(process: int) -> tuple[int, str]:
    """Return the process whose parent is `process`, and its state."""
    for path in Path("/proc").glob("[0-9]*/stat"):
        state, parent, *_ = path.read_text().rpartition(")")[2].split()
        if parent == str(process):
            return int(path.parent.name), state
    raise AssertionError("no child")


def sent(line: Line, since: int = 0) -> list[bytes]:
    return re.findall(rb"a=T,U=1,i=(\d+)", bytes(line.seen[since:]))


def test_ctrl_z_suspends_and_fg_draws_everything_again() -> None:
    with Line(PLAIN, "-c", LEADER, *PLAYGROUND) as line:
        line.until(lambda: READY in line.text)
        line.quiet()
        line.press(b"\x1a")
        line.until(lambda: child_of(line.child)[1] == "T")
        assert bytes(line.seen).rindex(b"\x1b[?1049l") > bytes(line.seen).rindex(b"\x1b[?1049h")
        before = len(line.seen)
        line.screen.reset()
        os.kill(child_of(line.child)[0], signal.SIGCONT)
        line.until(lambda: len(line.seen) > before + 5000)
        line.until(lambda: READY in line.text and "1 Why it fails" in line.text)
        line.press(b"q")
        line.until(lambda: b"NEXT PROMPT" in line.seen)


def test_ctrl_l_sends_cells_and_pictures_again() -> None:
    with Line(KITTY) as line:
        line.until(lambda: READY in line.text)
        line.until(lambda: len(set(sent(line))) >= 9)
        line.quiet()
        before = len(line.seen)
        line.press(b"\x0c")
        line.until(lambda: len(set(sent(line, before))) >= 9)
        line.quiet()
        assert set(sent(line, before)) <= set(sent(line)[: len(sent(line)) - len(sent(line, before))])
        assert b"Why it fails" in line.seen[before:]
        line.press(b"q")
        assert line.code() == 0


def test_after_a_change_of_the_font_pictures_have_the_new_size() -> None:
    sizes = re.compile(rb'\x1bP0;1;0q"1;1;(\d+);(\d+)')
    with Line(XTERM) as line:
        line.until(lambda: len(sizes.findall(bytes(line.seen))) >= 6)
        line.quiet()
        widest = max(int(width) for width, _ in sizes.findall(bytes(line.seen)))
        before = len(line.seen)
        line.resize(118, 40, 118 * 20, 40 * 40)
        line.until(lambda: len(sizes.findall(bytes(line.seen[before:]))) >= 6)
        line.quiet()
        assert max(int(width) for width, _ in sizes.findall(bytes(line.seen[before:]))[-6:]) > 1.5 * widest
        line.press(b"q")
        assert line.code() == 0


def test_in_gnu_screen_there_are_no_mouse_reports_and_no_24_bit_colours() -> None:
    with Line(PLAIN, STY="1.tty", TERM="screen", COLORTERM="truecolor") as line:
        line.until(lambda: READY in line.text)
        line.press(b"?")
        line.until(lambda: "Help" in line.text)
        line.press(b"\x1b")
        line.until(lambda: READY in line.text)
        line.press(b"q")
        assert line.code() == 0
        assert b"\x1b[?1003h" not in line.seen and b"8;2;" not in line.seen and b"8;5;" in line.seen


def test_text_is_utf_8_whatever_the_locale_says() -> None:
    with Line(
        PLAIN, LANG="en_US.ISO-8859-1", LC_ALL="POSIX", PYTHONIOENCODING="ascii", PYTHONUTF8="0"
    ) as line:
        line.until(lambda: READY in line.text)
        assert "▌" in line.text and "→" in line.text and "\\u" not in line.text


def test_pasting_into_the_filter() -> None:
    with Line(PLAIN) as line:
        line.until(lambda: READY in line.text)
        line.press(b"/")
        time.sleep(0.3)
        line.press(b"\x1b[200~common\ndandelion\x1b[201~")
        line.until(lambda: "/common dandelion" in line.text and "rose +1" not in line.text)
        line.press(b"\rq")


def test_another_layout_gets_a_hint_once() -> None:
    with Line(PLAIN) as line:
        line.until(lambda: READY in line.text)
        line.press("й".encode())
        line.until(lambda: "The keys are Latin letters" in line.text)
