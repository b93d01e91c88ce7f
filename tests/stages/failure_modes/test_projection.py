import pytest
import torch

from neuroinspect_tui.stages.failure_modes import projection
from neuroinspect_tui.stages.failure_modes.arrays import split_of
from neuroinspect_tui.stages.failure_modes.mistakes import Mistakes
from neuroinspect_tui.stages.failure_modes.projection import project_out
from neuroinspect_tui.tensors import Head

CUE = torch.tensor([0.0, 0.0, 1.0])


def world(cue_of_the_right: float = 0.0) -> Mistakes:
    """Class 0 has neuron 0, class 1 neuron 1 and the cue, neuron 2, which fires in four images of class 0."""
    head = Head(torch.tensor([[1.0, 0.0, 0.0], [0.0, 1.0, 1.0]]), torch.zeros(2))
    wrong = torch.tensor([[1.0, 0.0, 2.0]] * 3 + [[1.0, 1.5, 2.0]])
    right = torch.tensor([[1.0, 0.0, cue_of_the_right]] * 4)
    other = torch.tensor([[0.2, 0.0, 1.0], [0.2, 1.0, 0.0]])
    labels = torch.tensor([0] * 8 + [1] * 2)
    return Mistakes.of(split_of(torch.cat([wrong, right, other]), labels, head), head)


def test_without_the_cue_three_of_four_mistakes_are_fixed_and_half_of_the_other_class_broken():
    found = world()
    assert found.rows.tolist() == [0, 1, 2, 3]
    fixed = project_out(found, CUE, found.rows, torch.arange(4, 8), 0)
    assert (fixed.mended, fixed.broken) == (0.75, 0.0)
    broken = project_out(found, CUE, found.rows, torch.arange(4, 10), 0)
    assert broken.broken == pytest.approx(1 / 6)


def test_the_score_is_set_to_its_mean_over_the_right_answers():
    """With a cue of 0.6 in the right answers the mistakes keep that: 1 > 0.6, still right."""
    found = world(0.6)
    assert project_out(found, CUE, found.rows, torch.arange(4, 8), 0).mended == 0.75
    found = world(0.6)
    found.data.features[4:8, 2] = 1.5
    assert project_out(found, CUE, found.rows, torch.arange(4, 8), 0).mended == 0.0


def test_without_right_answers_the_score_is_set_to_zero_and_nothing_breaks():
    found = world()
    none = torch.empty(0, dtype=torch.int64)
    result = project_out(found, CUE, found.rows, none, 0)
    assert (result.mended, result.broken) == (0.75, 0.0)


def test_random_directions_have_the_spread_of_the_features():
    """Only the cue varies: each random direction is the cue's, and fixes as much."""
    found = world()
    rows = found.rows[:3]
    result = project_out(found, CUE, rows, torch.arange(4, 8), 0)
    assert (result.mended, result.random) == (1.0, 1.0)
    assert project_out(found, CUE, found.rows, torch.arange(4, 8), 0).random < 0.75


def test_random_directions_differ_by_the_seed_alone():
    found = world()
    draws = [project_out(found, CUE, found.rows, torch.arange(4, 10), seed) for seed in (1, 1, 2, 3, 4)]
    assert draws[0] == draws[1]
    assert len({draw.random for draw in draws}) > 1
    assert len({draw.mended for draw in draws}) == 1


@pytest.mark.parametrize("block", [1, 4, 1 << 22])
def test_many_classes_are_decided_in_blocks(monkeypatch, block):
    monkeypatch.setattr(projection, "_LOGITS", block)
    found = world()
    assert project_out(found, CUE, found.rows, torch.arange(4, 10), 0).broken == pytest.approx(1 / 6)


def test_of_many_images_those_looked_at_are_spread_over_all(monkeypatch):
    monkeypatch.setattr(projection, "_MOST_IMAGES", 2)
    found = world()
    assert project_out(found, CUE, found.rows, torch.arange(4, 8), 0).mended == 0.5, "images 0 and 3"
