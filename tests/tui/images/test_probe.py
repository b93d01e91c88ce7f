"""Reading a terminal's answers, and asking a real pseudo-terminal."""

from __future__ import annotations

import os
import pty
import select
import sys
import time

import pytest

from neuroinspect_tui.tui.images.probe import GRAPHICS_QUERY, Terminal, in_tmux, probe_terminal, read_answer

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


def test_what_tmux_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    told = {"display-message": "kitty(0.41.1)|9|18|256,RGB,title", "show-options": "on"}
    monkeypatch.setattr("neuroinspect_tui.tui.images.probe._tmux", lambda *words: told[words[0]])
    found = in_tmux(Terminal(answered=True))
    assert found == Terminal("kitty(0.41.1)", True, False, (9, 18), True, True, True, True)
    told["show-options"] = "off"
    assert not in_tmux(Terminal()).passthrough


def test_a_tmux_that_says_nothing_leaves_cells(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("neuroinspect_tui.tui.images.probe._tmux", lambda *words: "")
    found = in_tmux(Terminal(answered=True))
    assert (found.graphics, found.passthrough, found.cell) == (False, False, None)


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
