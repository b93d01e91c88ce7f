"""Text cut and aligned to exact widths, columns that leave, rows under a cursor."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from neuroinspect_tui.tui.widgets.cells import bar_cell, cut, cut_front, fit, width_of
from neuroinspect_tui.tui.widgets.table import Column, fit_columns

COLUMNS = (Column("name", 8, stretch=2, most=20), Column("n", 5, "right"), Column("more", 6, leaves=1))


@pytest.mark.parametrize(
    ("text", "width", "expected"),
    [
        ("petunia", 7, "petunia"),
        ("petunia", 6, "petun…"),
        ("petunia", 1, "…"),
        ("petunia", 0, ""),
        ("花花花", 5, "花花…"),
    ],
)
def test_cut(text: str, width: int, expected: str) -> None:
    assert cut(text, width) == expected


@pytest.mark.parametrize(
    ("text", "width", "expected"),
    [("a/b/c.png", 9, "a/b/c.png"), ("a/b/c.png", 6, "…c.png"), ("花花", 3, "…花")],
)
def test_cut_front(text: str, width: int, expected: str) -> None:
    assert cut_front(text, width) == expected


@given(st.text(max_size=40), st.text(max_size=40), st.integers(0, 50), st.sampled_from(["left", "right"]))
def test_fit_is_exactly_as_wide_as_asked(one: str, two: str, width: int, align: str) -> None:
    spans = fit(((one, "dim"), (two, "")), width, align)  # type: ignore[arg-type]
    assert sum(cell_len(text) for text, _ in spans) == width


def test_fit_aligns_numbers_to_the_right() -> None:
    assert fit("7", 3, "right") == [("  ", ""), ("7", "")]
    assert fit("7", 3) == [("7", ""), ("  ", "")]


def test_bar_cell_keeps_its_track() -> None:
    assert bar_cell(0.5, 4, "good") == (("━━", "good"), ("──", "track"))
    assert width_of(bar_cell(None, 4, "good")) == 4  # type: ignore[arg-type]


def test_columns_grow_to_their_longest_cell_and_no_further() -> None:
    assert fit_columns(COLUMNS, 60, (14, 3, 4)) == [14, 5, 6]
    assert fit_columns(COLUMNS, 60, (99, 3, 4)) == [20, 5, 6]
    assert fit_columns(COLUMNS, 24, (99, 3, 4)) == [11, 5, 6]


def test_the_least_important_column_leaves_first() -> None:
    assert fit_columns(COLUMNS, 20, (99, 3, 4)) == [14, 5, 0]
    columns = (*COLUMNS, Column("last", 4, leaves=2))
    assert fit_columns(columns, 24, (99, 3, 4, 4)) == [11, 5, 6, 0]


@given(st.integers(10, 200), st.lists(st.integers(0, 60), min_size=3, max_size=3))
def test_columns_never_need_more_than_there_is(width: int, natural: list[int]) -> None:
    widths = fit_columns(COLUMNS, width, natural)
    kept = [cells for cells in widths if cells]
    assert sum(kept) + len(kept) - 1 <= max(width, 14)
