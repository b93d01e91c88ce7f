import pytest
import torch

from neuroinspect_tui.stages.repair.examples import Examples, thinned

from .worlds import make_world, random_examples


def joined() -> tuple[Examples, torch.Tensor]:
    splits, _ = make_world()
    first, second = torch.tensor([5, 2, 9]), torch.tensor([0, 7])
    examples = Examples.join(
        [Examples.of(splits["train"], first, "place"), Examples.of(splits["val"], second, "place")]
    )
    expected = torch.cat([splits["train"].features[first], splits["val"].features[second]]).float()
    return examples, expected


def test_take_reads_rows_across_splits_in_the_asked_order():
    examples, expected = joined()
    index = torch.tensor([4, 0, 3, 1])
    assert torch.equal(examples.take(index), expected[index])


def test_blocks_cover_every_row_once_in_order(monkeypatch):
    monkeypatch.setattr("neuroinspect_tui.stages.repair.examples.BLOCK_ELEMENTS", 16)
    examples, expected = joined()
    found = torch.zeros_like(expected)
    for where, features in examples.blocks():
        assert len(features) <= 2
        found[where] += features
    assert torch.equal(found, expected)


def test_subset_keeps_features_labels_and_codes_together():
    examples, expected = joined()
    part = examples.subset(torch.tensor([3, 0]))
    assert torch.equal(part.take(torch.arange(2)), expected[[0, 3]])
    assert torch.equal(part.labels, examples.labels[[0, 3]])
    assert torch.equal(part.codes, examples.codes[[0, 3]])


def test_an_absent_column_is_unknown():
    splits, _ = make_world(grouped=False)
    assert Examples.of(splits["val"], torch.arange(4), "place").codes.tolist() == [[-1]] * 4


def test_every_cell_has_the_same_weight():
    labels = torch.tensor([0, 0, 0, 1, 1, 1])
    codes = torch.tensor([0, 0, 1, 0, -1, -1])
    weights = Examples.plain(torch.zeros(6, 2), labels, codes).balanced_weights()
    torch.testing.assert_close(weights, torch.tensor([1 / 8, 1 / 8, 1 / 4, 1 / 4, 1 / 8, 1 / 8]))


def test_several_columns_are_balanced_one_by_one():
    """The rarest of the four combinations is not blown up to a quarter, but both columns are balanced."""
    codes = torch.tensor([[0, 0]] * 6 + [[0, 1]] * 2 + [[1, 0]] * 3 + [[1, 1]] * 1)
    examples = Examples.plain(torch.zeros(12, 2), torch.zeros(12, dtype=torch.int64), codes)
    weights = examples.balanced_weights()
    for column in codes.T:
        assert float(weights[column == 1].sum()) == pytest.approx(0.5, abs=1e-5)
    # The odds ratio 6 · 1 / (2 · 3) = 1 of the counts is kept, so the four combinations have a quarter each.
    assert float(weights[11]) == pytest.approx(0.25, abs=1e-5)
    skewed = torch.tensor([[0, 0]] * 8 + [[0, 1]] * 1 + [[1, 0]] * 1 + [[1, 1]] * 2)
    one = Examples.plain(torch.zeros(12, 2), torch.zeros(12, dtype=torch.int64), skewed).balanced_weights()
    # Odds ratio 16: p / (1/2 - p) = 4, so p = .4 for (0, 0) and (1, 1), .1 for the others.
    assert [float(one[:8].sum()), float(one[8]), float(one[9])] == pytest.approx([0.4, 0.1, 0.1], abs=1e-4)


def test_a_part_of_several_columns_keeps_its_sources_shares():
    codes = torch.tensor([[0, 0], [0, 1], [1, 0], [1, 1]])
    seen = Examples.plain(torch.zeros(4, 2), torch.zeros(4, dtype=torch.int64), codes)
    weights = Examples.join([seen, seen]).balanced_weights((0.25, 0.75))
    torch.testing.assert_close(weights, torch.tensor([1 / 16] * 4 + [3 / 16] * 4))


def test_sources_share_the_weight_of_each_cell():
    seen = Examples.plain(torch.zeros(5, 2), torch.tensor([0, 0, 0, 0, 1]))
    unseen = Examples.plain(torch.zeros(3, 2), torch.tensor([0, 0, 2]))
    weights = Examples.join([seen, unseen]).balanced_weights((0.25, 0.75))
    expected = [0.25 / 4 / 3] * 4 + [1 / 3] + [0.75 / 2 / 3] * 2 + [1 / 3]
    torch.testing.assert_close(weights, torch.tensor(expected))


def test_thinning_keeps_the_rows_of_a_small_source(monkeypatch):
    monkeypatch.setattr("neuroinspect_tui.stages.repair.examples.SMALLEST_CELL", 5)
    seen = Examples.plain(torch.zeros(100, 1), torch.zeros(100, dtype=torch.int64))
    unseen = Examples.plain(torch.ones(6, 1), torch.zeros(6, dtype=torch.int64))
    found = thinned(Examples.join([seen, unseen]), 20, torch.Generator().manual_seed(0))
    assert found.parts().bincount().tolist() == [14, 6]


def test_thinning_takes_from_the_largest_cells_alone(monkeypatch):
    labels = torch.tensor([0] * 50 + [1] * 30 + [2] * 3)
    examples = Examples.plain(torch.arange(83.0)[:, None], labels)
    assert thinned(examples, 23, torch.Generator()) is examples
    monkeypatch.setattr("neuroinspect_tui.stages.repair.examples.SMALLEST_CELL", 5)
    found = thinned(examples, 23, torch.Generator().manual_seed(0))
    assert found.labels.bincount().tolist() == [10, 10, 3]
    assert torch.equal(found.labels, labels[found.take(torch.arange(23))[:, 0].long()])


def test_known_examples_keep_classes_in_which_nothing_is_tagged():
    labels = torch.tensor([0, 0, 0, 1, 1, 2])
    codes = torch.tensor([0, -1, 1, -1, -1, 0])
    found = Examples.plain(torch.arange(6.0)[:, None], labels, codes).known()
    assert found.take(torch.arange(5))[:, 0].tolist() == [0, 2, 3, 4, 5]


def test_images_with_broken_features_are_left_out():
    features = torch.tensor([[1.0, 2.0], [float("nan"), 0.0], [3.0, float("inf")], [4.0, 5.0]]).half()
    found = Examples.plain(features, torch.tensor([0, 1, 2, 3])).finite()
    assert found.labels.tolist() == [0, 3]
    assert found.finite() is found


def test_logits_and_predictions_are_those_of_the_head():
    examples, head = random_examples(50, 6, 3, 2)
    expected = examples.take(torch.arange(50)) @ head.weight.T + head.bias
    torch.testing.assert_close(examples.logits(head), expected)
    assert torch.equal(examples.predictions(head), expected.argmax(dim=1))
