"""Which way of drawing each terminal gets."""

from __future__ import annotations

import pytest

from neuroinspect_tui.errors import InputError
from neuroinspect_tui.tui.images.chooser import choose, make_encoders, repeats_characters, version_of
from neuroinspect_tui.tui.images.probe import Terminal

KITTY = Terminal("kitty(0.41.1)", graphics=True, cell=(9, 18), true_colour=True, answered=True)


@pytest.mark.parametrize(
    ("terminal", "way"),
    [
        (KITTY, "kitty"),
        (Terminal("kitty(0.26.5)", graphics=True, cell=(9, 18)), "block"),
        (Terminal("ghostty 1.1.3", graphics=True), "kitty"),
        (Terminal("Konsole 24.02", graphics=True, sixel=True, cell=(9, 18)), "sixel"),
        (Terminal("WezTerm 20240203", graphics=True, sixel=True, cell=(9, 18)), "iterm2"),
        (Terminal("iTerm2 3.5.0", cell=(9, 18)), "iterm2"),
        (Terminal("XTerm(379)", sixel=True, cell=(8, 17)), "sixel"),
        (Terminal("XTerm(379)", sixel=True), "block"),
        (Terminal("kitty(0.41.1)", graphics=True, tmux=True, passthrough=True, true_colour=True), "kitty"),
        (Terminal("kitty(0.41.1)", graphics=True, tmux=True, passthrough=True), "block"),
        (Terminal("kitty(0.41.1)", graphics=True, tmux=True, passthrough=False), "block"),
        (Terminal("WezTerm 20240203", graphics=True, tmux=True, passthrough=True), "block"),
        (Terminal("", sixel=True, cell=(8, 17), tmux=True), "sixel"),
        (Terminal(), "block"),
    ],
)
def test_auto(terminal: Terminal, way: str) -> None:
    assert choose("auto", terminal).way == way


def test_inside_tmux_the_reason_says_what_is_missing() -> None:
    inside = Terminal("kitty(0.41.1)", graphics=True, tmux=True)
    assert "allow-passthrough on" in choose("auto", inside).reason
    passing = Terminal("kitty(0.41.1)", graphics=True, tmux=True, passthrough=True)
    assert "terminal-features ',*:RGB'" in choose("auto", passing).reason
    assert choose("auto", Terminal("foot(1.16)", tmux=True)).reason == "half blocks work everywhere"


def test_without_colour_placeholders_would_lose_their_numbers() -> None:
    assert choose("auto", KITTY, colour=False).way == "block"


def test_what_is_asked_for_wins() -> None:
    assert choose("sixel", KITTY).way == "sixel"
    assert choose("sixel", KITTY).ways == ("sixel", "kitty", "block")
    assert choose("none", KITTY).ways == ("kitty", "block")


def test_an_unknown_way_is_refused_with_the_known_ones() -> None:
    with pytest.raises(InputError, match=r"--images 'kity' is not known.*kitty"):
        choose("kity", Terminal())


def test_each_way_gets_its_encoder() -> None:
    assert {name: encoder.name for name, encoder in make_encoders(choose("auto", KITTY), KITTY).items()} == {
        "kitty": "kitty",
        "block": "block",
    }


@pytest.mark.parametrize(
    ("name", "expected"),
    [("kitty(0.28.0)", (0, 28)), ("Kitty 1.2", (1, 2)), ("notkitty(0.28)", None), ("kitty", None)],
)
def test_version(name: str, expected: tuple[int, int] | None) -> None:
    assert version_of(name, "kitty") == expected


def test_characters_are_repeated_only_where_that_is_known_to_work() -> None:
    assert repeats_characters(KITTY)
    assert not repeats_characters(Terminal("kitty(0.41.1)", graphics=True, tmux=True, true_colour=True))
    assert not repeats_characters(Terminal("ghostty 1.1.3", graphics=True))
