import math

import pytest
import torch

from neuroinspect_tui.results.failure_modes import Carried
from neuroinspect_tui.stages.failure_modes.arrays import split_of
from neuroinspect_tui.stages.failure_modes.carried import (
    carried_by,
    concerned_classes,
    count_carried,
    threshold_of,
)
from neuroinspect_tui.tensors import Head


def test_the_classes_concerned_hold_nine_tenths_of_the_mistakes_most_first():
    assert concerned_classes(torch.tensor([2] * 5 + [0] * 4 + [1])).tolist() == [2, 0]
    assert concerned_classes(torch.tensor([2] * 5 + [0] * 3 + [1] * 2)).tolist() == [2, 0, 1]
    assert concerned_classes(torch.tensor([3])).tolist() == [3]


def test_the_threshold_is_midway_in_the_gap():
    assert threshold_of(torch.tensor([5.0, 0.0, 1.0, 6.0])) == 3.0
    assert threshold_of(torch.tensor([0.0, 0.0, 0.0, 0.0, 8.0])) == 4.0
    assert threshold_of(torch.tensor([-7.0, 9.0, 8.0])) == 0.5


def test_the_threshold_has_the_largest_variance_between_its_sides():
    values = torch.rand(40, generator=torch.Generator().manual_seed(0)) ** 3
    ordered = values.double().sort().values
    spreads = [
        cut * (40 - cut) * float(ordered[:cut].mean() - ordered[cut:].mean()) ** 2 for cut in range(1, 40)
    ]
    best = spreads.index(max(spreads)) + 1
    assert threshold_of(values) == pytest.approx(float(ordered[best - 1] + ordered[best]) / 2)


def test_scores_that_are_all_the_same_are_their_own_threshold():
    assert threshold_of(torch.full((5,), 2.5)) == 2.5
    assert threshold_of(torch.tensor([1.5])) == 1.5
    assert threshold_of(torch.empty(0)) == math.inf


def test_mistakes_and_right_answers_of_the_classes_are_counted_above_the_threshold():
    head = Head(torch.eye(3), torch.zeros(3))
    predicted = torch.tensor([0, 1, 1, 0, 0, 2, 2])
    labels = torch.tensor([0, 0, 0, 0, 1, 2, 2])
    data = split_of(torch.eye(3)[predicted], labels, head)
    values = torch.tensor([2.0, 3.0, 1.0, 0.0, 5.0, 9.0, 9.0])
    assert count_carried(data, torch.tensor([0]), values, 1.0) == ((1, 2), (1, 2))
    assert count_carried(data, torch.tensor([0, 1]), values, 1.0) == ((2, 3), (1, 2))


def test_fisher_s_exact_p_by_hand():
    """3 of 3 against 0 of 3: 1 / C(6,3); that fewer mistakes carry it is no evidence."""
    strong, none = ((3, 3), (0, 3)), ((0, 3), (3, 3))
    [found] = carried_by([strong], [strong])
    assert found == Carried((3, 3), (0, 3), pytest.approx(1 / 20))
    assert carried_by([none], [none])[0].p == pytest.approx(1.0)


def test_the_p_of_a_mode_is_the_larger_one_of_its_own_and_the_held_out_mistakes():
    strong, weak = ((3, 3), (0, 3)), ((2, 2), (0, 2))
    assert carried_by([strong], [weak])[0].p == pytest.approx(1 / 6)
    assert carried_by([weak], [strong])[0] == Carried((2, 2), (0, 2), pytest.approx(1 / 6))


def test_p_is_corrected_over_the_modes():
    first, second = carried_by([((3, 3), (0, 3)), ((1, 2), (1, 2))], [((3, 3), (0, 3)), ((1, 2), (1, 2))])
    assert (first.p, second.p) == (pytest.approx(2 / 20), pytest.approx(5 / 6))
