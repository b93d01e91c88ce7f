import csv
import io
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuroinspect_tui.text import csv_cell, markdown, safe

ANY_TEXT = st.text(st.characters(codec=None, exclude_categories=()))
HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


@pytest.mark.parametrize(
    ("payload", "shown"),
    [
        ("\x1b]0;owned\x07", r"\x1b]0;owned\x07"),
        ("\x1b]52;c;cm0=\x1b\\", "\\x1b]52;c;cm0=\\x1b\\"),
        ("\x1b[2J", r"\x1b[2J"),
        ("\x9b2J", r"\x9b2J"),
        ("gpj.\u202eexe", r"gpj.\u202eexe"),
        ("a\u2066b\u200dc", r"a\u2066b\u200dc"),
        ("\ud800", r"\ud800"),
        ("\ue000\U000f0000", r"\ue000\U000f0000"),
        ("\U0010ffff", r"\U0010ffff"),
        ("a\nb\tc\rd", r"a\x0ab\x09c\x0dd"),
        ("\u2028", r"\u2028"),
        ("sweet pea, Übung 花 🌺", "sweet pea, Übung 花 🌺"),
        ("", ""),
    ],
)
def test_safe_writes_hidden_characters_out_and_leaves_the_rest(payload, shown):
    assert safe(payload) == shown


@given(ANY_TEXT)
def test_safe_leaves_nothing_hidden_and_is_stable(text):
    shown = safe(text)
    assert not {unicodedata.category(character) for character in shown} & HIDDEN
    assert safe(shown) == shown


@given(ANY_TEXT, st.integers(1, 12))
def test_safe_keeps_to_its_limit(text, limit):
    shown = safe(text, limit)
    whole = safe(text)
    assert len(shown) <= limit
    assert shown == whole if len(whole) <= limit else shown == whole[: limit - 1] + "…"


@pytest.mark.parametrize(
    ("name", "literal"),
    [
        ("a|b", r"a\|b"),
        ("**bold** _it_", r"\*\*bold\*\* \_it\_"),
        ("[x](http://e)", r"\[x\](http\://e)"),
        ("<script>", r"\<script\>"),
        ("www.example.org", r"www\.example.org"),
        ("- item", r"\- item"),
        ("1. item", r"1\. item"),
        ("12) item", r"12\) item"),
        ("33.0 %", "33.0 %"),
        ("# head", r"\# head"),
        ("`code`", r"\`code\`"),
        ("&lt;", r"\&lt;"),
        ("two\nlines", r"two\\x0alines"),
        ("sweet pea: 3", "sweet pea: 3"),
    ],
)
def test_markdown_makes_text_literal(name, literal):
    assert markdown(name) == literal


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠", "  ="])
def test_csv_cell_is_never_a_formula(start):
    assert csv_cell(f"{start}1+2") == "'" + safe(f"{start}1+2")


@given(ANY_TEXT)
def test_csv_cell_comes_back_in_one_cell_and_starts_no_formula(text):
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow([csv_cell(text), "next"])
    assert list(csv.reader(io.StringIO(line.getvalue()))) == [[csv_cell(text), "next"]]
    assert not csv_cell(text).startswith(("=", "+", "-", "@", "\t", "\r"))
    assert csv_cell(text).removeprefix("'") == safe(text).removeprefix("'")


def test_the_selector_of_emoji_style_is_dropped_for_the_width_is_disputed() -> None:
    assert safe("\u2764\ufe0f heart \u26a0\ufe0f") == "\u2764 heart \u26a0"
