"""Where pictures go."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from neuroinspect_tui.tui.widgets.gallery_plan import Placed, Shelf, plan_gallery


def test_three_small_pictures_side_by_side_under_their_title() -> None:
    plan = plan_gallery([Shelf("real", 3, 1, 12)], 38)
    assert plan.titles == {0: "real"}
    assert plan.tiles == (
        Placed(0, 0, 1, 12, 6, 1), Placed(1, 13, 1, 12, 6, 1), Placed(2, 26, 1, 12, 6, 1),
    )  # fmt: skip
    assert plan.height == 8


def test_tiles_wrap_into_rows() -> None:
    plan = plan_gallery([Shelf("", 3, 2, 18)], 38)
    assert [(tile.x, tile.y) for tile in plan.tiles] == [(0, 0), (19, 0), (0, 12)]


def test_a_section_of_one_row_leaves_tiles_out_and_numbers_go_on() -> None:
    plan = plan_gallery([Shelf("real", 5, 1, 12, rows=1), Shelf("more", 1, 1, 12)], 38)
    assert [tile.index for tile in plan.tiles] == [0, 1, 2, 5]
    assert [tile.y for tile in plan.tiles] == [1, 1, 1, 10]
    assert len(plan_gallery([Shelf("real", 5, 1, 0, rows=1)], 38).tiles) == 5, "captions alone are all shown"


def test_sections_follow_each_other() -> None:
    plan = plan_gallery([Shelf("one", 1, 1, 10), Shelf("two", 1, 1, 10)], 20)
    assert plan.titles == {0: "one", plan.tiles[0].bottom + 1: "two"}
    assert plan.tiles[1].y == plan.tiles[0].bottom + 2


def test_a_lone_picture_fills_the_height_and_is_centred() -> None:
    (tile,) = plan_gallery([Shelf("", 1, 2, 1000)], 80, tallest=20).tiles
    assert (tile.width, tile.height, tile.x) == (40, 20, 20)


def test_without_pictures_captions_go_below_each_other() -> None:
    plan = plan_gallery([Shelf("real", 2, 1, 0)], 30)
    assert [(tile.x, tile.y, tile.width, tile.height) for tile in plan.tiles] == [
        (0, 1, 30, 0),
        (0, 3, 30, 0),
    ]


@given(
    st.lists(st.tuples(st.integers(1, 12), st.integers(0, 2), st.integers(0, 40)), min_size=1, max_size=4),
    st.integers(4, 200),
    st.integers(3, 60),
)
def test_pictures_never_overlap_and_stay_inside(
    shelves: list[tuple[int, int, int]], width: int, tallest: int
) -> None:
    plan = plan_gallery([Shelf("t", tiles, caption, aim) for tiles, caption, aim in shelves], width, tallest)
    taken: set[tuple[int, int]] = set()
    for tile in plan.tiles:
        assert tile.x >= 0 and tile.x + tile.width <= max(width, 2) and tile.height <= tallest
        cells = {(x, y) for x in range(tile.x, tile.x + tile.width) for y in range(tile.y, tile.bottom)}
        assert not cells & taken
        taken |= cells
    assert not {y for _, y in taken} & set(plan.titles)
