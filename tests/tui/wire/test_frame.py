"""Only what changed is written, and after it the terminal shows what is wanted."""

from __future__ import annotations

import random

import pyte
from rich.color import ColorSystem
from rich.segment import Segment
from rich.style import Style
from textual._compositor import ChopsUpdate, LayoutUpdate
from textual.geometry import Region
from textual.strip import Strip

from neuroinspect_tui.tui.images.kitty import _placeholders
from neuroinspect_tui.tui.wire.frame import Frame

WIDE = "水"
STYLES = [
    Style.parse(text)
    for text in ("", "red", "bold #102030 on #405060", "on #405060", "reverse", "dim #ff0000")
]


def strip_of(*parts: tuple[str, Style]) -> Strip:
    return Strip([Segment(text, style) for text, style in parts])


def whole(lines: list[Strip]) -> LayoutUpdate:
    width = max(strip.cell_length for strip in lines)
    return LayoutUpdate([[strip] for strip in lines], Region(0, 0, width, len(lines)))


class Screen:
    """A frame and a terminal that gets its differences."""

    def __init__(self, columns: int, rows: int) -> None:
        self.frame = Frame(columns, rows, ColorSystem.TRUECOLOR)
        self.screen = pyte.Screen(columns, rows)
        self.stream = pyte.Stream(self.screen)

    def show(self, update: object) -> str:
        self.frame.take(update)
        text, self.regions = self.frame.difference()
        self.stream.feed(text)
        return text

    def cells(self) -> list[list[pyte.screens.Char]]:
        return [
            [self.screen.buffer[y][x] for x in range(self.screen.columns)] for y in range(self.screen.lines)
        ]


def visible(row: list[pyte.screens.Char]) -> list[pyte.screens.Char]:
    """The cells of a row without what nobody sees: the letters' colour and weight on spaces."""
    return [
        cell if cell.data.strip() or cell.reverse else cell._replace(fg="default", bold=False) for cell in row
    ]


def test_what_stays_is_not_written_again() -> None:
    screen = Screen(10, 2)
    lines = [strip_of(("0123456789", STYLES[1])), strip_of(("abcdefghij", STYLES[2]))]
    assert "0123456789" in screen.show(whole(lines))
    assert screen.show(whole(lines)) == ""
    lines[1] = strip_of(("abcdeXghij", STYLES[2]))
    assert screen.show(whole(lines)) == "\x1b[2;6H\x1b[;1;38;2;16;32;48;48;2;64;80;96mX\x1b[m"
    assert screen.regions == [Region(5, 1, 1, 1)]


def test_neighbours_of_one_look_share_one_jump_and_one_colour() -> None:
    screen = Screen(10, 1)
    screen.show(whole([strip_of(("0123456789", STYLES[1]))]))
    assert screen.show(whole([strip_of(("A123B56789", STYLES[1]))])) == "\x1b[1;1H\x1b[;31mA123B\x1b[39m"


def test_random_screens_arrive_cell_by_cell() -> None:
    chance = random.Random(1)
    screen, fresh = Screen(16, 4), Screen(16, 4)
    for _ in range(200):
        lines = []
        for _ in range(4):
            parts, room = [], 16
            while room > 0:
                text = chance.choice(["ab", WIDE, "x", "   ", "é"])
                width = Segment(text).cell_length
                text, width = (text, width) if width <= room else (" ", 1)
                parts.append((text, chance.choice(STYLES)))
                room -= width
            lines.append(strip_of(*parts))
        screen.show(whole(lines))
        fresh.frame.forget()
        fresh.show(whole(lines))
        assert screen.screen.display == fresh.screen.display
        assert [visible(row) for row in screen.cells()] == [visible(row) for row in fresh.cells()]


def test_an_update_of_spans_paints_its_fragments_up_to_their_ends() -> None:
    screen = Screen(12, 2)
    screen.show(whole([strip_of(("." * 12, STYLES[0]))] * 2))
    fragments: dict[int, Strip | None] = {
        0: strip_of(("aaaaaa", STYLES[0])),
        6: strip_of(("bbbbbb", STYLES[0])),
    }
    screen.show(ChopsUpdate([{}, fragments], [(1, 7, 9)], [[], [6, 12]]))
    assert screen.screen.display == ["............", "......bbb..."]


def test_joined_characters_stay_in_one_piece() -> None:
    screen = Screen(12, 1)
    family = "👩\u200d🔬 ok"
    screen.show(whole([strip_of((family, STYLES[0]))]))
    text = screen.show(whole([strip_of((family.replace("ok", "no"), STYLES[0]))]))
    assert family.replace("ok", "no") in text


def test_when_cells_under_pixels_change_all_of_them_are_written() -> None:
    screen = Screen(10, 3)
    lines = [strip_of(("0123456789", STYLES[0]))] * 3
    screen.show(whole(lines))
    screen.frame.cover(Region(2, 0, 4, 2))
    assert screen.show(whole(lines)) == "", "untouched, the picture stays"
    lines = [*lines[:1], strip_of(("012X456789", STYLES[0])), lines[2]]
    text = screen.show(whole(lines))
    assert "\x1b[1;3H" in text and "2345" in text and "2X45" in text
    assert screen.regions == [Region(2, 0, 4, 1), Region(2, 1, 4, 1)]


def test_after_forgetting_everything_is_written() -> None:
    screen = Screen(4, 1)
    screen.show(whole([strip_of(("abcd", STYLES[0]))]))
    screen.frame.forget()
    assert "abcd" in screen.show(whole([strip_of(("abcd", STYLES[0]))]))


PICTURE = "\x1b[;38;2;0;0;7m\U0010eeee\u0305\u0305\U0010eeee\x1b[3b"
"""The first line of five columns of picture 7: one placeholder with its marks, one without, repeated."""


def test_a_line_of_a_kitty_picture_is_one_placeholder_repeated() -> None:
    frame = Frame(8, 1, ColorSystem.TRUECOLOR, repeats=True)
    frame.take(whole([Strip.join([_placeholders(7, 0, 5), strip_of(("abc", STYLES[0]))])]))
    text, _ = frame.difference()
    assert text == f"\x1b[1;1H{PICTURE}\x1b[39mabc"
    frame = Frame(8, 1, ColorSystem.TRUECOLOR, repeats=False)
    frame.take(whole([_placeholders(7, 0, 5)]))
    assert frame.difference()[0].count("\U0010eeee") == 5


def test_a_placeholder_gets_its_marks_back_when_what_stood_left_of_it_goes() -> None:
    frame = Frame(5, 1, ColorSystem.TRUECOLOR, repeats=True)
    line = _placeholders(7, 0, 5)
    frame.take(whole([line]))
    frame.difference()
    covered = Strip.join([line.crop(0, 1), strip_of(("x", STYLES[0])), line.crop(2, 5)])
    frame.take(whole([covered]))
    text, _ = frame.difference()
    assert text == "\x1b[1;2H\x1b[mx\x1b[38;2;0;0;7m\U0010eeee\u0305\u030e\x1b[39m"
    frame.take(whole([line]))
    text, _ = frame.difference()
    assert text == "\x1b[1;2H\x1b[;38;2;0;0;7m\U0010eeee\u0305\u030d\x1b[39m", "the next one follows it again"


def test_an_update_of_a_larger_screen_than_now_is_cut_to_it() -> None:
    screen = Screen(4, 1)
    parts = [strip_of(("ab", STYLES[0])), strip_of(("cdefgh", STYLES[0])), strip_of(("ijklmnop", STYLES[1]))]
    lines = LayoutUpdate([parts, parts], Region(0, 0, 16, 2))
    screen.show(lines)
    assert [len(line) for line in screen.frame.wanted] == [4]
    assert screen.screen.display == ["abcd"]
