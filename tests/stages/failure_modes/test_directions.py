import pytest
import torch

from neuroinspect_tui.stages.failure_modes import directions as module
from neuroinspect_tui.stages.failure_modes import mistakes as mistakes_module
from neuroinspect_tui.stages.failure_modes.arrays import split_of
from neuroinspect_tui.stages.failure_modes.directions import (
    agreement,
    directions_of,
    sample_rows,
    scores,
    unit,
    within_class,
)
from neuroinspect_tui.stages.failure_modes.factorise import Factors
from neuroinspect_tui.stages.failure_modes.mistakes import Mistakes, class_means
from neuroinspect_tui.tensors import Head

WEIGHT = torch.tensor([[1.0, 0.0, 2.0], [0.0, 1.0, 0.0], [0.0, 0.0, 3.0]])


def mistakes() -> Mistakes:
    """Image 0 of class 1 is predicted as 0, image 1 of class 0 as 2; the rest are right."""
    features = torch.tensor([[3.0, 1.0, 0.0], [0.0, 0.0, 1.0], [0.0, 4.0, 0.0], [5.0, 0.0, 0.0]])
    head = Head(WEIGHT, torch.zeros(3))
    return Mistakes.of(split_of(features, torch.tensor([1, 0, 1, 0]), head), head)


@pytest.mark.parametrize("block", [1, 1 << 22])
def test_a_direction_is_the_mean_pull_times_both_parts_of_the_factor(monkeypatch, block):
    monkeypatch.setattr(mistakes_module, "BLOCK_ELEMENTS", block)
    found = mistakes()
    assert found.rows.tolist() == [0, 1]
    assert found.pulls(found.rows).tolist() == [[1.0, -1.0, 2.0], [-1.0, 0.0, 1.0]]
    parts = torch.tensor([[1.0, 0.0, 2.0, 0.0, 1.0, 0.0], [0.0, 1.0, 0.0, 1.0, 1.0, 1.0]])
    shares = torch.tensor([[3.0, 0.0], [1.0, 2.0]])
    directions = directions_of(Factors(shares, parts), found, found.rows)
    first = torch.tensor([2 / 4 * 1.0, -3 / 4 * 1.0, 7 / 4 * 2.0])
    second = torch.tensor([-1.0 * 1.0, 0.0, 1.0 * 1.0])
    expected = torch.stack([first / first.norm(), second / second.norm()])
    torch.testing.assert_close(directions, expected)


def test_a_contribution_is_the_lead_over_the_class_mean_and_over_rest():
    """Mistake 0: g = (1, −1, 2), z − μ_1 = (1.5, −1.5, 0), z − rest = (3, 1, 0): (1.5, 1.5, 0 ; 3, 0, 0) / √6."""
    found = mistakes()
    assert found.means.tolist() == [[2.5, 0.0, 0.5], [1.5, 2.5, 0.0], [0.0, 0.0, 0.0]]
    assert found.resting.tolist() == [0.0, 0.0, 0.0]
    row = torch.tensor([1.5, 1.5, 0.0, 3.0, 0.0, 0.0]) / 6**0.5
    torch.testing.assert_close(found.contributions(torch.tensor([0]))[0], row)


def test_the_resting_level_is_the_five_percent_quantile():
    features = torch.stack([torch.arange(100.0), torch.full((100,), -2.0)], dim=1)
    head = Head(torch.eye(2), torch.zeros(2))
    assert Mistakes.of(split_of(features, torch.zeros(100), head), head).resting.tolist() == [4.0, -2.0]


@pytest.mark.parametrize("block", [1, 5, 1 << 22])
def test_class_means_are_read_in_blocks_and_zero_without_images(monkeypatch, block):
    monkeypatch.setattr(mistakes_module, "BLOCK_ELEMENTS", block)
    head = Head(torch.eye(3, 2), torch.zeros(3))
    features = torch.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 0.0], [torch.nan, 6.0]])
    data = split_of(features, torch.tensor([0, 2, 2, 0]), head)
    assert class_means(data, 3).tolist() == [[0.5, 4.0], [0.0, 0.0], [4.0, 2.0]]
    # Not written to: where they are mapped from a file, each page written is memory of this process.
    assert torch.isnan(features[3, 0])


def test_scores_are_products_with_the_directions_read_in_blocks(monkeypatch):
    features = torch.tensor([[1.0, 2.0], [3.0, 4.0], [torch.nan, 1.0]]).half()
    directions = torch.tensor([[1.0, 0.0], [0.5, -1.0], [0.0, 0.0]])
    expected = [[1.0, -1.5, 0.0], [3.0, -2.5, 0.0], [0.0, -1.0, 0.0]]
    assert scores(features, directions).tolist() == expected
    monkeypatch.setattr(module, "BLOCK_ELEMENTS", 2)
    assert scores(features, directions).tolist() == expected


def test_scores_within_a_class_have_its_mean_taken_off():
    values = torch.tensor([[1.0, 10.0], [3.0, 30.0], [7.0, 5.0]])
    found = within_class(values, torch.tensor([2, 2, 0]))
    assert found.tolist() == [[-1.0, -10.0], [1.0, 10.0], [0.0, 0.0]]
    assert within_class(values[:0], torch.empty(0, dtype=torch.int64)).shape == (0, 2)


def test_agreement_is_the_correlation_of_centred_columns():
    own = torch.tensor([[1.0, 0.0], [-1.0, 0.0]])
    other = torch.tensor([[2.0, 1.0, -1.0], [-2.0, 1.0, 1.0]])
    torch.testing.assert_close(agreement(own, other), torch.tensor([[1.0, 0.0, -1.0], [0.0, 0.0, 0.0]]))


def test_directions_have_length_one_and_zeros_stay():
    assert unit(torch.tensor([[3.0, 4.0], [0.0, 0.0]])).tolist() == [
        [pytest.approx(0.6), pytest.approx(0.8)],
        [0, 0],
    ]


def test_a_sample_is_spread_over_the_split_from_its_first_to_its_last_image():
    head = Head(torch.eye(2), torch.zeros(2))
    data = split_of(torch.ones(11, 2), torch.zeros(11), head)
    assert sample_rows(data, 3).tolist() == [0, 5, 10]
    assert sample_rows(data, 50).tolist() == list(range(11))
    assert sample_rows(split_of(torch.ones(0, 2), torch.zeros(0), head), 5).tolist() == []
