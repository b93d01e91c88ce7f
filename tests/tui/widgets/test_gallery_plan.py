"""Where pictures go."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from neuroinspect_tui.tui.widgets.gallery_plan import Placed, Shelf, plan_gallery


def test_three_pictures_are_as_large_as_the_width_lets_them_under_their_title() -> None:
    plan = plan_gallery([Shelf("real", 3, 1)], 38, 100)
    assert plan.titles == {0: [(0, "real")]}
    assert plan.tiles == (
        Placed(0, 0, 1, 38, 19, 1),
        Placed(1, 0, 21, 38, 19, 1),
        Placed(2, 0, 41, 38, 19, 1),
    )
    plan = plan_gallery([Shelf("real", 3, 1)], 38, 8)
    assert plan.tiles == (Placed(0, 0, 1, 12, 6, 1), Placed(1, 13, 1, 12, 6, 1), Placed(2, 26, 1, 12, 6, 1))
    assert plan.height == 8


def test_what_does_not_fit_scrolls_with_pictures_that_can_still_be_seen() -> None:
    plan = plan_gallery([Shelf("", 80, 2)], 118, 36)
    assert {(tile.width, tile.height) for tile in plan.tiles} == {(16, 8)}
    assert len(plan.tiles) == 80 and plan.height == 12 * 10, "seven in a row"
    plan = plan_gallery([Shelf("", 80, 2)], 117, 36)
    assert {(tile.width, tile.height) for tile in plan.tiles} == {(18, 9)}, "six fill the width"


def test_a_section_of_one_row_leaves_tiles_out_and_numbers_go_on() -> None:
    plan = plan_gallery([Shelf("real", 5, 1, rows=1), Shelf("more", 1, 1)], 59, 18)
    assert [tile.index for tile in plan.tiles] == [0, 1, 2, 3, 5]
    assert [(tile.width, tile.y) for tile in plan.tiles] == [(14, 1)] * 4 + [(14, 10)]
    lines = plan_gallery([Shelf("real", 5, 1, rows=1)], 38, 18, draws=False)
    assert len(lines.tiles) == 5, "lines alone are all shown"


def test_a_section_beside_another_shares_its_row() -> None:
    plan = plan_gallery([Shelf("right", 9, 1, rows=1), Shelf("illusion", 2, 1, beside=True)], 64, 8)
    assert plan.titles == {0: [(0, "right"), (52, "illusion")]}
    assert [(tile.index, tile.x) for tile in plan.tiles] == [(0, 0), (1, 13), (2, 26), (3, 39), (9, 52)]
    assert {tile.y for tile in plan.tiles} == {1}


def test_a_lone_picture_fills_the_height_and_is_centred() -> None:
    (tile,) = plan_gallery([Shelf("", 1, 2)], 80, 22).tiles
    assert (tile.width, tile.height, tile.x) == (40, 20, 20)


def test_without_pictures_tiles_are_lines() -> None:
    plan = plan_gallery([Shelf("real", 2, 3)], 30, 20, draws=False)
    assert [(tile.x, tile.y, tile.width, tile.height) for tile in plan.tiles] == [
        (0, 1, 30, 0),
        (0, 2, 30, 0),
    ]


@given(
    st.lists(
        st.tuples(st.integers(1, 12), st.integers(0, 2), st.integers(1, 9), st.booleans()), min_size=1, max_size=4
    ),
    st.integers(4, 200),
    st.integers(3, 60),
)  # fmt: skip
def test_pictures_never_overlap_and_stay_inside(
    shelves: list[tuple[int, int, int, bool]], width: int, height: int
) -> None:
    plan = plan_gallery(
        [Shelf("t", tiles, caption, rows, beside) for tiles, caption, rows, beside in shelves], width, height
    )
    taken: set[tuple[int, int]] = set()
    for tile in plan.tiles:
        assert tile.x >= 0 and tile.x + tile.width <= max(width, 2) and tile.bottom <= plan.height
        cells = {(x, y) for x in range(tile.x, tile.x + tile.width) for y in range(tile.y, tile.bottom)}
        assert not cells & taken
        taken |= cells
    assert not {y for _, y in taken} & set(plan.titles)


def test_four_sections_in_a_low_row_leave_room_for_the_first() -> None:
    shelves = [Shelf("t", 1, 0, 1), *[Shelf("t", 3, 0, 1, beside=True)] * 3]
    plan = plan_gallery(shelves, 118, 6)
    assert [tile.width for tile in plan.tiles] == [12] * 7
    assert max(tile.x + tile.width for tile in plan.tiles) <= 118
