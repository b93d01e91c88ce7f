from dataclasses import replace

import pytest
import torch

from neuroinspect_tui.stages.review import culprit_scores, review_order, rival_class
from neuroinspect_tui.stages.tags import (
    COLUMN,
    MISLABELLED,
    _quality,
    cue_probe,
    excluded_rows,
    make_groups,
    shuffled,
    tag_evidence,
)
from neuroinspect_tui.tensors import GroupColumn

from .repair.worlds import CULPRITS, leaning_head, make_split, make_world
from .worlds import random_world


def truth(split, rows) -> dict[int, str]:
    """Tags that a user would give: the background."""
    place = split.groups["place"]
    return {row: ("has", "not")[int(place.codes[row])] for row in rows}


def test_culprit_scores_are_what_the_neurons_add_to_the_margin():
    splits, head = make_world()
    val = splits["val"]
    scores = culprit_scores(val, head, 0, 1, CULPRITS)
    expected = val.features.float()[:, CULPRITS] @ (head.weight[0] - head.weight[1])[CULPRITS]
    torch.testing.assert_close(scores, expected)


def test_the_rival_is_the_class_confused_most_either_way():
    split = make_split("val", {(0, 0): 5, (1, 1): 5}, leaning_head(), 0)
    split.labels.copy_(torch.tensor([0, 0, 0, 1, 1, 2, 2, 2, 2, 2]))
    split.top_classes[:, 0] = torch.tensor([0, 1, 0, 1, 1, 0, 0, 2, 2, 2])
    assert rival_class(split, 0) == 2
    split.top_classes[:, 0] = split.labels
    split.top_classes[:, 1] = torch.tensor([1, 1, 2, 0, 0, 0, 0, 0, 0, 0])


def test_without_mistakes_the_rival_is_the_runner_up_and_no_class_behind_it():
    split, _ = random_world(0, images=3)
    order = torch.tensor([[3, 5, 0, 1, 2], [3, 5, 1, 0, 2], [3, 0, 5, 2, 1]])
    split = replace(split, labels=torch.full((3,), 3), top_classes=order)
    assert rival_class(split, 3) == 5


def test_half_of_the_first_images_are_the_ends_and_half_are_spread():
    splits, head = make_world()
    val = splits["val"]
    items = review_order(val, head, 0, CULPRITS, {}, limit=40)
    assert [item.sample.label for item in items[:4]] == [0, 1, 0, 1]
    assert len({item.sample.row for item in items}) == 40
    scores = culprit_scores(val, head, 0, 1, CULPRITS)
    for label in (0, 1):
        own = scores[val.labels == label]
        ranks = [int((own < item.score).sum()) for item in items if item.sample.label == label]
        assert set(ranks[0::4] + ranks[1::4]) <= {*range(8), *range(190, 200)}
        spread = sorted(ranks[2::4] + ranks[3::4])
        assert max(later - sooner for sooner, later in zip([0, *spread], [*spread, 200], strict=True)) < 70


def test_every_image_of_both_classes_is_listed_once_and_tagged_ones_are_not():
    splits, head = make_world()
    val = splits["val"]
    tags = {3: "has", 8: MISLABELLED}
    rows = [item.sample.row for item in review_order(val, head, 0, CULPRITS, tags, limit=999)]
    assert sorted(rows) == [row for row in range(400) if row not in tags]


def test_with_tags_the_doubtful_come_first_three_of_four():
    splits, head = make_world()
    val = splits["val"]
    start = [item.sample.row for item in review_order(val, head, 0, CULPRITS, {}, limit=16)]
    items = review_order(val, head, 0, CULPRITS, truth(val, start), limit=8)
    doubts = [max(item.belief.values()) for item in items]
    rest = review_order(val, head, 0, CULPRITS, truth(val, start), limit=999)
    least = sorted(max(item.belief.values()) for item in rest)
    assert doubts[:3] == pytest.approx(least[:3], abs=1e-6)
    assert doubts[4:7] == pytest.approx(least[3:6], abs=1e-6)
    assert all(sum(item.belief.values()) == pytest.approx(1) for item in items)


def test_forty_tags_carried_by_the_probe_find_the_background_of_all_images():
    splits, head = make_world()
    tags: dict[int, str] = {}
    while len(tags) < 40:
        items = review_order(splits["val"], head, 0, CULPRITS, tags, limit=4)
        tags |= truth(splits["val"], [item.sample.row for item in items])
    columns, found = make_groups(splits, {"val": tags})
    right = known = 0
    for name, column in columns.items():
        expected = splits[name].groups["place"].codes
        names = ("has", "not")
        carried = column.codes >= 0
        right += sum(
            column.values[c] == names[e]
            for c, e in zip(column.codes[carried], expected[carried], strict=True)
        )
        known += int(carried.sum())
    assert columns["train"].name == COLUMN
    assert known > 0.9 * 2000
    assert right / known > 0.97
    assert found.accuracy == pytest.approx(right / known, abs=0.06)
    assert found.enough
    counts = [sum(int((column.codes == code).sum()) for column in columns.values()) for code in (0, 1)]
    assert [found.has, found.not_] == counts
    assert found.unclear == sum(map(len, splits.values())) - known


def test_hand_made_tags_win_over_the_probe():
    splits, _ = make_world()
    tags = truth(splits["val"], range(60))
    lie = next(row for row, tag in tags.items() if tag == "not")
    tags[lie] = "has"
    columns, _ = make_groups(splits, {"val": tags, "train": {0: "has", 1: "not"}})
    values = columns["val"].values
    assert values == ("has", "not")
    assert [values[code] for code in columns["val"].codes[:60].tolist()] == list(tags.values())
    assert [values[code] for code in columns["train"].codes[:2].tolist()] == ["has", "not"]


def test_without_carrying_only_tagged_images_are_known():
    splits, _ = make_world()
    columns, found = make_groups(splits, {"val": truth(splits["val"], range(30))}, carried=False)
    assert int((columns["val"].codes >= 0).sum()) == 30
    assert int((columns["train"].codes >= 0).sum()) == 0
    assert (found.accuracy, found.enough) == (None, False)


@pytest.mark.parametrize(
    ("tags", "more", "rarest"),
    [
        ({}, 20, "not"),
        ({0: "has"}, 19, "not"),
        ({0: "has", 1: "not", 2: "not"}, 17, "has"),
        ({row: "has" if row < 7 else "not" for row in range(40)}, 1, "has"),
    ],
)
def test_it_says_how_many_are_missing_and_of_which_kind(tags, more, rarest):
    """At least 20 tags and 8 of each kind."""
    splits, _ = make_world()
    columns, found = make_groups(splits, {"val": tags})
    assert not found.enough
    if len(tags) < 20:
        assert (found.more, found.rarest) == (more, rarest)
    else:
        assert (found.more >= more, found.rarest) == (True, rarest)
    assert len(columns["val"].codes) == 400


def test_tags_that_mean_nothing_are_not_enough():
    splits, _ = make_world()
    noise = torch.rand(40, generator=torch.Generator().manual_seed(0)) < 0.5
    columns, found = make_groups(splits, {"val": {row: ("not", "has")[int(noise[row])] for row in range(40)}})
    assert not found.enough
    assert found.more > 0 and found.rarest is None
    assert found.accuracy < 0.75
    assert set(columns) == {"train", "val", "test"}


def test_mislabelled_images_are_excluded_and_make_no_group():
    splits, _ = make_world()
    tags = {"val": {**truth(splits["val"], range(30)), 5: MISLABELLED, 31: MISLABELLED}}
    assert excluded_rows([tags, {"val": {7: MISLABELLED}}])["val"].tolist() == [5, 7, 31]
    columns, _ = make_groups(splits, tags, carried=False)
    assert columns["val"].values == ("has", "not")
    assert columns["val"].codes[[5, 31]].tolist() == [-1, -1]


def test_a_probe_that_is_sure_of_no_image_is_said_to_be():
    splits, _ = make_world()
    val = splits["val"]
    val.features[:] = 0.0
    columns, found = make_groups({"val": val}, {"val": {0: "has", 1: "not", 2: "not", 3: "has"}})
    assert columns["val"].codes[4:].unique().tolist() == [-1]
    assert (found.accuracy, found.enough, found.unclear) == (None, False, 396)
    assert (found.has, found.not_) == (2, 2)


def test_shuffled_tags_keep_the_counts_of_every_class_and_lose_which_image():
    splits, _ = make_world()
    tags = {"val": {**truth(splits["val"], range(60)), 70: MISLABELLED}, "train": {}}
    found = shuffled(splits, tags, 1)
    assert found["train"] == {} and set(found["val"]) == set(range(60))
    labels = splits["val"].labels
    for label in (0, 1):
        rows = [row for row in range(60) if labels[row] == label]
        assert sorted(found["val"][row] for row in rows) == sorted(tags["val"][row] for row in rows)
    assert found["val"] != {row: tags["val"][row] for row in range(60)}
    assert found == shuffled(splits, tags, 1) != shuffled(splits, tags, 2)


def test_the_probe_is_taught_by_all_splits():
    splits, _ = make_world()
    tags = {"val": {0: "has"}, "train": {1: "not"}}
    assert cue_probe(splits, tags) is not None
    assert cue_probe({"val": splits["val"]}, tags) is None


@pytest.mark.parametrize(
    ("accuracy", "given", "enough", "more"),
    [
        (None, 40, False, 1),  # no image was carried to: nothing speaks for the tags
        (0.85, 40, True, 0),
        (0.90, 40, True, 0),
        (0.70, 40, False, 40),  # twice the error that is allowed: twice the tags
        (0.80, 60, False, 20),
        (0.10, 40, False, 120),  # never more than four times as many as there are
        (0.99, 16, False, 4),  # at least 20
    ],
)
def test_the_missing_tags_follow_from_the_error_of_the_probe(accuracy, given, enough, more):
    """The error falls as one over the number of tags; 15 % are allowed."""
    tags = {"val": {row: ("has", "not")[row % 2] for row in range(given)}}
    column = GroupColumn("tag", ("has", "not"), torch.tensor([0, 0, 1, -1]))
    found = _quality(tags, {"val": column}, accuracy)
    assert (found.enough, found.more, found.rarest) == (enough, more, None)
    assert (found.has, found.not_, found.unclear, found.accuracy) == (2, 1, 1, accuracy)


@pytest.mark.parametrize(
    ("has", "rarest", "more"), [(7, "has", 1), (8, None, 0), (32, None, 0), (33, "not", 1)]
)
def test_eight_tags_of_each_kind_are_needed(has, rarest, more):
    tags = {"val": {row: "has" if row < has else "not" for row in range(40)}}
    found = _quality(tags, {"val": GroupColumn("tag", ("has", "not"), torch.zeros(1))}, 1.0)
    assert (found.rarest, found.more, found.enough) == (rarest, more, rarest is None)


def test_rare_cells_are_trusted_as_far_as_the_probe_is_right_there():
    """In train 20 of 400 images of each class lie in its rare cell; a tag is trusted wholly."""
    splits, _ = make_world()
    tags = {"val": truth(splits["val"], range(60)), "train": truth(splits["train"], range(80))}
    columns, found = make_groups(splits, tags)
    assert [(cell.label, cell.value) for cell in found.cells] == [(0, "not"), (1, "has")]
    rates: dict[tuple[int, int], set[float]] = {(0, 1): set(), (1, 0): set()}
    for name, split in splits.items():
        column = columns[name]
        assert column.by_hand is not None and column.trust is not None
        assert column.by_hand.nonzero()[:, 0].tolist() == list(range(len(tags.get(name, {}))))
        assert int(column.codes.min()) >= -1
        cells = zip(split.labels.tolist(), column.codes.tolist(), strict=True)
        for cell, by_hand, trust in zip(cells, column.by_hand.tolist(), column.trust.tolist(), strict=True):
            if cell in rates and not by_hand:
                rates[cell].add(trust)
            else:
                assert trust == 1
    assert all(len(found) == 1 and 0.85 < min(found) < 1 for found in rates.values())


def test_a_rare_cell_without_a_tag_is_left_out():
    splits, _ = make_world()
    place = splits["train"].groups["place"].codes
    usual = [row for row in range(800) if int(place[row]) == int(splits["train"].labels[row])][:60]
    columns, _ = make_groups({"train": splits["train"]}, {"train": truth(splits["train"], usual)})
    codes, labels = columns["train"].codes, splits["train"].labels
    assert bool(((codes == -1) | (codes == labels)).all())
    assert codes[usual].tolist() == labels[usual].tolist()
    assert int((codes >= 0).sum()) > 700


def test_the_evidence_is_what_the_probe_says_of_an_image_without_its_tag():
    splits, _ = make_world()
    tags = {"val": truth(splits["val"], range(60)), "train": truth(splits["train"], range(80))}
    found = tag_evidence(splits, tags)
    assert found is not None
    known = found.carried >= 0
    assert torch.equal(known, found.margins >= 0.2)
    assert float((found.carried == found.tags)[known].float().mean()) > 0.95
    assert len(found.tags) == 140
