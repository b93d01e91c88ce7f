"""Answers leave the input, in whatever pieces they come; keys stay, in their order."""

from __future__ import annotations

import pytest

from neuroinspect_tui.tui.wire.pace import EVERY, LARGEST, Pace
from neuroinspect_tui.tui.wire.replies import AT_LENGTH, BRIEFLY, Replies

ANSWERS = [
    "\x1bP>|XTerm(379)\x1b\\",
    "\x1b[6;20;10t",
    "\x1b[?63;1;2;4c",
    "\x1b_Gi=31;OK\x1b\\",
    "\x1b]11;rgb:0/0/0\x07",
    "\x1b[0n",
]
KEYS = [
    "q",
    "\x1b[A",
    "\x1b[6;5~",
    "\x1b[<35;10;4M",
    "\x1b[I",
    "\x1bOP",
    "\x1b[?2026;2$y",
    "\x1b[200~te\x1b[201~",
    "\x1b[97;5u",
]


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize("piece", [1, 2, 3, 7, 1000])
def test_answers_are_taken_out_however_they_are_cut(piece: int) -> None:
    replies = Replies(Clock())
    sent = "".join(key + answer for key, answer in zip(KEYS, [*ANSWERS, *ANSWERS[:3]], strict=True))
    keys, answers = "", []
    for start in range(0, len(sent), piece):
        got, heard = replies.split(sent[start : start + piece])
        keys, answers = keys + got, [*answers, *heard]
    assert keys == "".join(KEYS)
    assert answers == [*ANSWERS, *ANSWERS[:3]]


def test_a_lone_escape_is_a_key_after_a_moment() -> None:
    clock = Clock()
    replies = Replies(clock)
    assert replies.split("\x1b") == ("", [])
    assert replies.give_up() == ""
    clock.now += BRIEFLY
    assert replies.give_up() == "\x1b"
    assert not replies.holds


def test_half_an_answer_that_never_ends_is_no_key() -> None:
    clock = Clock()
    replies = Replies(clock)
    assert replies.split("\x1bP>|XTerm(3") == ("", [])
    clock.now += AT_LENGTH
    assert replies.give_up() == "" and not replies.holds
    assert replies.split("q") == ("q", [])


def test_the_window_widens_on_a_quick_line_and_narrows_on_a_slow_one() -> None:
    clock = Clock()
    pace = Pace(True, clock)
    first = pace.window
    assert not pace.wrote(EVERY - 1) and pace.wrote(1)
    clock.now += 0.1
    pace.answered()
    assert pace.window == 2 * first
    assert pace.wrote(EVERY)
    clock.now += 2.0
    pace.answered()
    assert pace.window == first
    assert pace.wrote(LARGEST) and not pace.clear
    pace.answered()
    assert pace.clear


def test_a_terminal_that_never_answers_is_not_waited_for() -> None:
    clock = Clock()
    pace = Pace(True, clock)
    assert pace.wrote(LARGEST) and not pace.clear
    clock.now += 10
    assert pace.clear and not pace.wrote(LARGEST) and pace.clear


def test_what_was_written_behind_the_question_is_asked_for_once_the_answer_has_come() -> None:
    pace = Pace(True, Clock())
    assert pace.wrote(EVERY)
    assert not pace.wrote(LARGEST) and not pace.clear and not pace.asks()
    pace.answered()
    assert not pace.clear and pace.asks() and not pace.asks()
    pace.answered()
    assert pace.clear


def test_a_terminal_that_answers_at_last_is_asked_for_all_that_went_before() -> None:
    pace = Pace(False, Clock())
    assert not pace.wrote(LARGEST) and pace.clear
    pace.answered()
    assert not pace.clear and pace.asks()
    pace.answered()
    assert pace.clear
