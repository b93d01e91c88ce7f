from dataclasses import replace

import pytest
import torch

from neuroinspect_tui.stages.estimates import Evidence
from neuroinspect_tui.stages.rare_tags import (
    Carried,
    CarriedSplit,
    Cell,
    described,
    rare_cells,
    rare_table,
    unconfirmed,
)
from neuroinspect_tui.stages.review import rare_first, review_order
from neuroinspect_tui.stages.tags import carry, cue_probe, make_groups

from .repair.worlds import CULPRITS, leaning_head, make_split, make_world

HAS, NOT = 0, 1


def evidence(*rows: tuple[int, int, int, float]) -> Evidence:
    """Tagged images as (label, carried, tag, margin)."""
    columns = [torch.tensor(column) for column in zip(*rows, strict=True)]
    return Evidence(torch.zeros(len(rows), 1), *columns[:3], columns[3].float())


def carried(*cells: tuple[int, int, int], by_hand: int = 0) -> Carried:
    """Images as (label, code, count), with margins 0.01, 0.02 … and the first so many tagged by hand."""
    labels, codes = (torch.tensor([one[place] for one in cells for _ in range(one[2])]) for place in (0, 1))
    rows = torch.arange(len(labels))
    return Carried(rows * 0, rows, labels, codes, rows < by_hand, (rows + 1) / 100)


def skewed_world():
    """Two classes; the place goes with the class in all but 8 of 200 images."""
    head = leaning_head()
    counts = {(0, 0): 96, (0, 1): 4, (1, 0): 4, (1, 1): 96}
    splits = {
        name: make_split(name, counts, head, seed) for seed, name in enumerate(("train", "val", "test"))
    }
    return splits, head


def truth(split, rows) -> dict[int, str]:
    codes = split.groups["place"].codes
    return {row: ("has", "not")[int(codes[row])] for row in rows}


def test_a_cell_of_at_most_half_the_other_value_is_rare():
    labels = torch.tensor([0] * 12 + [1] * 7 + [2] * 3)
    codes = torch.tensor([HAS] * 8 + [NOT] * 4 + [HAS] * 3 + [NOT] * 4 + [-1] * 3)
    assert rare_table(labels, codes).tolist() == [[False, True], [False, False], [False, False]]


def test_a_cell_without_a_tag_of_its_value_is_unconfirmed():
    rare = torch.tensor([[True, False], [False, True], [True, False]])
    tags = evidence((0, NOT, HAS, 0.5), (1, NOT, HAS, 0.5), (7, HAS, HAS, 0.5))
    assert unconfirmed(rare, tags).tolist() == [[False, False], [False, True], [True, False]]


def test_the_precision_is_the_mean_of_both_halves_and_tags_by_hand_are_right():
    """Sure half: 2 of 2, (½+2)/(1½+2) = 5/7; unsure half: 0 of 1, ½/2½ = 1/5; 4 members, 2 by hand."""
    cell = Cell(0, HAS, torch.arange(4), by_hand=2, sure=(2, 2), unsure=(0, 1), tags=3)
    assert cell.rate == pytest.approx((5 / 7 + 1 / 5) / 2)
    assert cell.precision == pytest.approx((2 + 4 * cell.rate) / 6)


def test_tags_are_counted_in_the_half_that_their_margin_puts_them_in():
    """Members' margins are 0.01 … 0.05, their median 0.03."""
    images = carried((0, HAS, 5), (0, NOT, 20), (1, NOT, 3))
    tags = evidence(
        (0, HAS, HAS, 0.9), (0, HAS, NOT, 0.03), (0, HAS, HAS, 0.01), (0, NOT, HAS, 0.9), (1, HAS, HAS, 0.9)
    )
    (cell,) = rare_cells(images, tags)
    assert (cell.label, cell.code, cell.members.tolist()) == (0, HAS, [0, 1, 2, 3, 4])
    assert (cell.sure, cell.unsure, cell.tags) == ((1, 2), (1, 1), 4)


def test_cells_of_tagged_classes_come_first_then_the_largest():
    images = carried(
        *((label, HAS, label + 1) for label in range(4)), *((label, NOT, 9) for label in range(4))
    )
    tags = evidence((1, HAS, HAS, 0.5), (1, NOT, NOT, 0.5))
    assert [cell.label for cell in rare_cells(images, tags)] == [1, 3, 2, 0]


def test_many_right_tags_make_a_narrow_interval_near_all_images():
    images = carried((0, HAS, 40), (0, NOT, 400), by_hand=20)
    tags = evidence(*[(0, HAS, HAS, margin) for margin in (0.9, 0.01)] * 30, *[(0, NOT, NOT, 0.9)] * 30)
    (cell,) = rare_cells(images, tags)
    found = described(cell, images, tags)
    assert (found.label, found.value, found.images, found.tagged) == (0, "has", 40, 60)
    # (1+30)/(1¼+30) of the 20 members, and the 20 by hand
    assert found.right == pytest.approx(20 + 20 * 31 / 31.25, abs=0.1)
    assert found.interval[0] >= 37 and found.interval[1] == 40
    # of the 400 others 0.1/(5.1+30) belong here
    assert found.recall == pytest.approx(39.84 / (39.84 + 400 * 0.1 / 35.1), abs=0.02)
    assert found.recall_interval[0] < found.recall < found.recall_interval[1]
    assert found.confirmed


def test_an_unconfirmed_rare_cell_stays_out_and_a_confirmed_one_is_trusted_in_part():
    splits, _ = skewed_world()
    val = splits["val"]
    usual = [row for row in range(200) if int(val.groups["place"].codes[row]) == int(val.labels[row])]
    rare = [row for row in range(200) if row not in usual]
    tags = truth(val, [*usual[:20], *usual[-20:]])
    columns, quality = make_groups(splits, {"val": tags})
    for name, column in columns.items():
        same = column.codes == splits[name].labels
        assert bool((same | (column.codes < 0)).all()), "only the usual cells have tags"
    assert [cell.confirmed for cell in quality.cells] == [False, False]
    confirmed, quality = make_groups(splits, {"val": tags | truth(val, rare[:4])})
    column = confirmed["train"]
    inside = (column.codes >= 0) & (column.codes != splits["train"].labels)
    assert int(inside.sum()) >= 6
    assert all(0 < float(one) < 1 for one in column.trust[inside])
    assert column.trust[~inside].unique().tolist() == [1.0]
    assert confirmed["val"].trust[rare[0]] == 1.0
    assert [cell.confirmed for cell in quality.cells] == [True, True]


def test_from_sixteen_tags_on_three_of_four_images_are_of_doubted_rare_cells_of_both_splits():
    splits, head = skewed_world()
    val, own = splits["val"], {name: splits[name] for name in ("train", "val")}
    usual = [row for row in range(200) if int(val.groups["place"].codes[row]) == int(val.labels[row])]
    tags = {"val": truth(val, [*usual[:8], *usual[-8:]])}
    probe = cue_probe(splits, tags)
    queue = review_order(val, head, 0, CULPRITS, tags["val"], probe=probe)
    items = rare_first(queue, splits, tags, 0, 16)
    said = {name: carry(split, tags.get(name, {}), probe)[0] for name, split in own.items()}
    rare = rare_table(
        torch.cat([split.labels for split in own.values()]), torch.cat([one.codes for one in said.values()])
    )
    inside = [bool(rare[one.sample.label, said[one.sample.split].codes[one.sample.row]]) for one in items]
    # The rare cells have five untagged images in all; the fourth place is the queue's.
    assert [inside[place] for place in (0, 1, 2, 4, 5)] == [True] * 5
    assert {one.sample.split for one in items} == {"train", "val"}
    assert len({(one.sample.split, one.sample.row) for one in items}) == 16
    assert {one.sample.split for one in rare_first(queue, splits, tags, 0, 16, ("val",))} == {"val"}


def test_before_sixteen_tags_the_queue_is_left_as_it_is():
    splits, head = skewed_world()
    val = splits["val"]
    tags = {"val": truth(val, range(15))}
    queue = review_order(val, head, 0, CULPRITS, tags["val"])
    assert rare_first(queue, splits, tags, 0, 16) == queue[:16]


def test_nothing_is_put_first_where_rare_cells_are_known_to_be_right():
    splits, head = skewed_world()
    tags = {name: truth(splits[name], range(200)) for name in ("train", "val")}
    queue = review_order(splits["val"], head, 0, CULPRITS, {})
    assert rare_first(queue, splits, tags, 0, 5) == queue[:5]


def test_trust_of_an_image_scales_its_weight():
    splits, _ = make_world()
    column = splits["train"].groups["place"]
    from neuroinspect_tui.stages.repair.examples import Examples

    trust = torch.where(column.codes == 0, 0.5, 1.0)
    train = replace(splits["train"], groups={"place": replace(column, trust=trust)})
    rows = torch.arange(len(train))
    weights = Examples.of(train, rows, "place").balanced_weights()
    totals = [float(weights[(train.labels == y) & (column.codes == v)].sum()) for y in (0, 1) for v in (0, 1)]
    assert totals == pytest.approx([1 / 6, 1 / 3, 1 / 6, 1 / 3], abs=1e-5)


def test_splits_without_images_have_no_cells():
    none = torch.empty(0, dtype=torch.int64)
    assert rare_table(none, none).shape == (0, 2)
    split = CarriedSplit(none, none.bool(), none.float())
    assert split.codes.numel() == 0
