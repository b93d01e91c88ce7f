"""Reading a terminal's answers, and asking a real pseudo-terminal."""

from __future__ import annotations

import os
import pty
import select
import sys
import time

import pytest

from neuroinspect_tui.tui.images.probe import (
    GRAPHICS_QUERY,
    Terminal,
    in_tmux,
    probe_terminal,
    read_answer,
    seen_by,
)
from neuroinspect_tui.tui.images.viewers import read_viewers

KITTY = b"\x1b_Gi=31;OK\x1b\\\x1bP>|kitty(0.41.1)\x1b\\\x1b[6;18;9t\x1b[?62;52;c"
XTERM = b"\x1bP>|XTerm(379)\x1b\\\x1b[6;17;8t\x1b[?63;1;2;4;6;9;15;16;22;28c"


def test_kitty_answers() -> None:
    assert read_answer(KITTY) == Terminal("kitty(0.41.1)", True, False, (9, 18), True, answered=True)


def test_xterm_with_sixel_answers() -> None:
    assert read_answer(XTERM) == Terminal("XTerm(379)", False, True, (8, 17), True, answered=True)


def test_an_attribute_that_only_contains_a_four_is_not_sixel() -> None:
    assert not read_answer(b"\x1b[?64;14;24;44c").sixel


def test_an_error_answer_to_the_graphics_query_means_no() -> None:
    assert not read_answer(b"\x1b_Gi=31;ENOTSUPPORTED\x1b\\\x1b[?62c").graphics


def test_no_answer_means_plain_cells() -> None:
    assert read_answer(b"garbage") == Terminal()
    assert str(Terminal()) == "the terminal does not answer questions"


def test_a_cell_of_no_size_is_not_believed() -> None:
    assert read_answer(b"\x1b[6;0;0t\x1b[?62c").cell is None


def test_in_words() -> None:
    assert str(read_answer(KITTY)) == "kitty(0.41.1), Kitty graphics, cells of 9×18 pixels"


@pytest.mark.parametrize("environment", [{"TERM": "dumb"}, {}])
def test_a_dumb_terminal_is_not_asked(environment: dict[str, str]) -> None:
    assert probe_terminal(environment) == Terminal()


KITTY_CLIENT = "/dev/pts/1|10|@0|kitty(0.41.1)|9|18|256,RGB,title"
FOOT_CLIENT = "/dev/pts/2|11|@0|foot(1.16)|10|20|256,RGB"
CAPABILITIES = """Terminal 0: xterm-kitty for /dev/pts/1, flags=0x20:
 197: RGB: [missing]
 223: Tc: (flag) true
Terminal 1: xterm for /dev/pts/2, flags=0x20:
 197: RGB: [missing]
 223: Tc: [missing]"""


def told(*clients: str, visible: int = 1) -> str:
    return "\n".join([f"PANE|@0|{visible}|1", *clients])


def tmux_saying(monkeypatch: pytest.MonkeyPatch, passthrough: str, *clients: str) -> None:
    answers = {"show-options": passthrough, "display-message": told(*clients), "show-messages": ""}
    for module in ("probe", "viewers"):
        monkeypatch.setattr(f"neuroinspect_tui.tui.images.{module}.tmux", lambda *words: answers[words[0]])


def test_what_tmux_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    tmux_saying(monkeypatch, "on", KITTY_CLIENT)
    assert in_tmux(Terminal(answered=True)) == Terminal(
        "kitty(0.41.1)", True, False, (9, 18), True, True, True, True
    )
    tmux_saying(monkeypatch, "off", KITTY_CLIENT)
    assert not in_tmux(Terminal()).passthrough


def test_a_tmux_that_says_nothing_leaves_cells(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("neuroinspect_tui.tui.images.probe.tmux", lambda *words: "")
    monkeypatch.setattr("neuroinspect_tui.tui.images.viewers.tmux", lambda *words: "")
    found = in_tmux(Terminal(answered=True))
    assert (found.graphics, found.passthrough, found.cell) == (False, False, None)


def test_who_looks_through_tmux() -> None:
    elsewhere = KITTY_CLIENT.replace("@0", "@1")
    (viewer,) = read_viewers(told(KITTY_CLIENT, elsewhere), lambda: "")
    assert (viewer.name, viewer.cell, viewer.true_colour) == ("kitty(0.41.1)", (9, 18), True)
    assert read_viewers(told(KITTY_CLIENT, visible=0), lambda: "") == frozenset(), "another pane is zoomed"


def test_true_colour_by_terminal_overrides_counts_for_its_own_client() -> None:
    plain = [client.replace(",RGB", "") for client in (KITTY_CLIENT, FOOT_CLIENT)]
    found = {viewer.tty: viewer.true_colour for viewer in read_viewers(told(*plain), lambda: CAPABILITIES)}
    assert found == {"/dev/pts/1": True, "/dev/pts/2": False}


def test_two_different_terminals_get_what_both_can() -> None:
    both = read_viewers(told(KITTY_CLIENT, FOOT_CLIENT), lambda: "")
    seen = seen_by(Terminal(tmux=True, passthrough=True, answered=True), both)
    assert (seen.name, seen.graphics, seen.true_colour) == ("", False, True)


def asked_in_a_terminal(answer: bytes, timeout: float) -> tuple[str, float, bytes]:
    """Run the probe in a child with a controlling terminal that gives `answer`; returns its finding and queries."""
    code = (
        "from neuroinspect_tui.tui.images.probe import probe_terminal\n"
        f"print('FOUND', repr(probe_terminal({{'TERM': 'xterm-256color'}}, {timeout})), flush=True)"
    )
    child, master = pty.fork()
    if child == 0:
        os.execv(sys.executable, [sys.executable, "-c", code])
    seen, answered, began, waited = b"", False, time.monotonic(), 0.0
    while time.monotonic() - began < 30:
        if not select.select([master], [], [], 0.1)[0]:
            continue
        try:
            seen += os.read(master, 4096)
        except OSError:
            break
        if b"\x1b[c" in seen and not answered:
            answered, asked_at = True, time.monotonic()
            os.write(master, answer)
        if b"FOUND" in seen and b"\n" in seen.split(b"FOUND")[1]:
            waited = time.monotonic() - asked_at
            break
    os.close(master)
    os.waitpid(child, 0)
    return seen.split(b"FOUND ")[1].decode().splitlines()[0], waited, seen


def test_the_queries_go_out_in_one_round_trip_and_the_answer_is_read() -> None:
    found, _, seen = asked_in_a_terminal(KITTY, 10.0)
    assert found == repr(read_answer(KITTY))
    assert GRAPHICS_QUERY.encode() in seen and seen.count(b"\x1b[c") == 1


def test_a_silent_terminal_gets_cells_after_the_time_out() -> None:
    found, _, _ = asked_in_a_terminal(b"", 0.3)
    assert found == repr(Terminal())
