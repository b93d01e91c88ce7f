"""What others write goes to the log, and the terminal is given back however the app ends."""

from __future__ import annotations

import os
import re
import signal
import termios
import time
from pathlib import Path

import pytest

from neuroinspect_tui.tui.wire.streams import Streams

from .line import KITTY, PLAIN, PLAYGROUND, Line

READY = "its mistakes, the strongest first"
NOISY = """
import os, sys, threading, time, warnings
sys.argv = ['playground', '--pause', '0.002']
def shout():
    time.sleep(2)
    os.system('echo from a child; echo a library complains >&2')
    os.write(2, b'raw bytes')
    os.write(2, b' of one line\\n')
    print('printed by Python')
    warnings.warn('warned by Python')
threading.Thread(target=shout, daemon=True).start()
import runpy
runpy.run_module('tests.tui.playground', run_name='__main__')
"""
LISTENER = """
import os, select, subprocess, sys, termios, tty
subprocess.run([sys.executable, *sys.argv[1:]])
tty.setcbreak(0, termios.TCSANOW)
print('HEARD', os.read(0, 99) if select.select([0], [], [], 1)[0] else b'')
"""
LEADER = (
    "import subprocess, sys; subprocess.run([sys.executable, *sys.argv[1:]]); print('NEXT PROMPT'); input()"
)


def test_lines_written_to_the_descriptors_are_passed_on_and_then_no_more(
    capfd: pytest.CaptureFixture[str],
) -> None:
    lines: list[str] = []
    with Streams(lines.append):
        os.write(1, b"one\r\ntwo")
        os.system("echo ' three' >&2")
        for _ in range(200):
            if len(lines) == 2:
                break
            time.sleep(0.01)
    os.write(1, b"after\n")
    assert lines == ["one", "two three"]
    assert capfd.readouterr().out == "after\n"


@pytest.mark.slow
def test_what_others_write_is_in_the_log_and_not_on_the_screen() -> None:
    with Line(PLAIN, "-c", NOISY) as line:
        line.until(lambda: READY in line.text)
        line.press(b"L")
        for words in (
            "from a child",
            "a library complains",
            "raw bytes of one line",
            "printed by Python",
            "warned by",
        ):
            line.until(lambda words=words: words in line.text)
        line.press(b"\x1b")
        line.until(lambda: READY in line.text)
        assert "from a child" not in line.text
        line.press(b"q")
        assert line.code() == 0


@pytest.mark.slow
def test_errors_into_a_file_are_no_reason_to_refuse(tmp_path: Path) -> None:
    with Line(PLAIN, *PLAYGROUND, errors=str(tmp_path / "err.log")) as line:
        line.until(lambda: READY in line.text)
        line.press(b"q")
        assert line.code() == 0


@pytest.mark.slow
def test_killed_hard_the_terminal_is_restored(tmp_path: Path) -> None:
    with Line(KITTY, "-c", LEADER, *PLAYGROUND) as line:
        before = termios.tcgetattr(line.master)
        line.until(lambda: READY in line.text)
        assert termios.tcgetattr(line.master)[3] != before[3]
        app = next(
            int(stat.parent.name)
            for stat in Path("/proc").glob("[0-9]*/stat")
            if stat.read_text().rpartition(")")[2].split()[1] == str(line.child)
        )
        os.kill(app, signal.SIGKILL)
        line.until(lambda: b"\x1b[?1049l" in line.seen)
        for mode in (b"1000", b"1003", b"1006", b"1004", b"2004"):
            assert bytes(line.seen).rindex(b"\x1b[?" + mode + b"l") > bytes(line.seen).rindex(
                b"\x1b[?" + mode + b"h"
            )
        assert b"\x1b[<u" in line.seen
        line.until(lambda: termios.tcgetattr(line.master)[3] == before[3])
        line.until(lambda: b"NEXT PROMPT" in line.seen)


@pytest.mark.slow
def test_answers_under_way_at_the_end_do_not_reach_the_shell() -> None:
    with Line(KITTY, "-c", LISTENER, *PLAYGROUND, delay=0.2) as line:
        line.until(lambda: READY in line.text)
        line.quiet()
        before = len(line.seen)
        line.press(b"?")
        line.until(lambda: b"\x1b[c" in line.seen[before:])
        line.press(b"qq")
        line.until(lambda: b"HEARD" in line.seen)
        assert b"HEARD b''" in line.seen


@pytest.mark.slow
def test_a_terminal_that_says_it_cannot_draw_is_warned_of() -> None:
    with Line(PLAIN, TERM="dumb") as line:
        line.until(lambda: b"TERM says that this terminal cannot draw a screen" in line.seen)


@pytest.mark.slow
def test_late_answers_press_no_keys() -> None:
    late = dict(KITTY)
    late[b"\x1b[>q"] = b"\x1bP>|XTerm(379) trme\x1b\\"
    with Line(late, delay=1.5) as line:
        line.until(lambda: READY in line.text, 60)
        line.quiet(4.0)
        for words in ("Report", "Tag", "Repair", "XTerm"):
            assert words not in line.text.replace("e report", "").replace("t tag", "").replace("m repair", "")
        line.press(b"q")
        assert line.code() == 0


@pytest.mark.slow
def test_a_terminal_that_answers_late_gets_its_own_pictures_once_it_has() -> None:
    with Line(KITTY, delay=1.2) as line:
        line.until(lambda: b"a=T,U=1,i=" in line.seen, 60)
        numbers = re.compile(rb"\x1b\[[0-9;]*38;2;\d+;\d+;\d+[0-9;]*m\xf4\x8e\xbb\xae")
        line.until(lambda: numbers.search(line.seen))
        line.press(b"q")
        assert line.code() == 0
