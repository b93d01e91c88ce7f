"""How many bytes a key costs, and that nothing stale is sent over a slow line: counts of bytes, no times."""

from __future__ import annotations

import time

import pytest

from .line import KITTY, PLAIN, Line

READY = "its mistakes, the strongest first"
KEY, PICTURES_OF_A_KEY = 4_000, 25_000


@pytest.mark.slow
def test_in_kitty_a_key_costs_what_it_changes() -> None:
    with Line(KITTY) as line:
        line.until(lambda: READY in line.text)
        line.quiet()
        screen = len(line.seen)
        assert sum(line.cost(b"2")) < KEY + PICTURES_OF_A_KEY, "the pictures become those of a neuron"
        text, pictures = line.cost(b"j")
        assert 0 < text + pictures < KEY + PICTURES_OF_A_KEY and pictures > 0
        text, pictures = line.cost(b"k")
        assert pictures == 0 and text < KEY, "what the terminal has is not sent again"
        assert sum(line.cost(b" ")) < KEY
        line.cost(b"?")
        assert sum(line.cost(b"\x1b")) < screen, "back from a page costs less than one screen"


@pytest.mark.slow
def test_without_pictures_a_row_down_is_some_kilobytes_and_idling_nothing() -> None:
    with Line(PLAIN, "-m", "tests.tui.playground", "--pause", "0.002", "--images", "none") as line:
        line.until(lambda: READY in line.text)
        line.quiet()
        line.press(b"2")
        line.quiet()
        assert line.cost(b"j")[0] < KEY
        assert line.cost(b"k")[0] < KEY
        assert line.cost(b"") == (0, 0)


@pytest.mark.slow
def test_over_a_slow_line_what_is_stale_is_not_sent() -> None:
    with Line(KITTY, rate=16_000, delay=0.05) as line:
        line.until(lambda: READY in line.text)
        line.quiet(2.0)
        line.press(b"2")
        line.quiet()
        before = len(line.seen)
        for _ in range(8):
            line.press(b"j")
            time.sleep(0.1)
        line.quiet(2.0)
        assert len(line.seen) - before < 64_000, "four seconds' worth for eight keys"
        assert "▌ ·    1" in line.text
