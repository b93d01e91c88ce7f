import math
from dataclasses import replace

import pytest
import torch

from neuroinspect_tui.stages.objective import (
    ActivationTracker,
    StepOutputs,
    default_loss,
    own_and_rival,
    paper_loss,
    strongest_others,
)
from neuroinspect_tui.stages.recipes import DEFAULT, PAPER, recipe_for


def look(**changes):
    values = {
        "activation": [1.0, 3.0],
        "drive": [9.0, 9.0],
        "quantile": [2.0, 2.0],
        "share": [1.0, 2.0],
        "others": [0.0, 0.0],
        "logit": [4.0, -2.0],
        "log_probability": [-0.5, -3.0],
        "cosine": [0.3, 0.2],
    } | changes
    elapsed = values.pop("elapsed", 0.0)
    tensors = {name: None if v is None else torch.tensor(v) for name, v in values.items()}
    return StepOutputs(**tensors, elapsed=elapsed)


def test_the_papers_loss_by_hand():
    assert paper_loss(look(), PAPER).tolist() == pytest.approx([-(0.35) * (1 + 2), -(0.25) * (3 - 1)])
    assert paper_loss(look(cosine=None), PAPER).tolist() == pytest.approx([-3, -2])


def test_the_default_loss_by_hand():
    recipe = replace(DEFAULT, class_weight=0.1, clip_weight=0.5, clip_every=2)
    expected = [-(0.5 - 0.05 + 0.3), -(2 * 1.5 - 0.3 + 0.2)]
    assert default_loss(look(), recipe).tolist() == pytest.approx(expected)
    without = [-(0.5 - 0.05), -(2 * 1.5 - 0.3)]
    assert default_loss(look(cosine=None), recipe).tolist() == pytest.approx(without)


def test_class_and_clip_lose_half_their_say_over_the_steps():
    recipe = replace(DEFAULT, class_weight=0.1, clip_weight=0.5, clip_every=2)
    expected = [-(0.5 + 0.75 * (-0.05 + 0.3)), -(2 * 1.5 + 0.75 * (-0.3 + 0.2))]
    assert default_loss(look(elapsed=0.5), recipe).tolist() == pytest.approx(expected)


def test_more_than_twice_the_quantile_gains_nothing():
    full, more = look(activation=[4.0, 4.0], cosine=None), look(activation=[9.0, 5.0], cosine=None)
    assert torch.equal(default_loss(full, DEFAULT), default_loss(more, DEFAULT))


def test_a_crowd_within_the_margin_costs_the_more_the_more_awake_the_neuron_is():
    calm = default_loss(look(others=[0.35, 1.35]), DEFAULT)
    pressed = default_loss(look(others=[1.35, 1.85]), DEFAULT)
    assert (pressed - calm).tolist() == pytest.approx([0.5**2 * 1.0, 2 * 1.0 * 0.5])


def test_a_silent_neuron_counts_by_its_drive_and_for_no_crowd():
    found = look(activation=[0.0, 3.0], drive=[-5.0, 9.0], others=[7.0, 0.0], cosine=None)
    assert default_loss(found, DEFAULT).tolist() == pytest.approx([2.5 + 0.05, -(2 * 1.5 - 0.3)])


@pytest.mark.parametrize(("loss", "recipe"), [(paper_loss, PAPER), (default_loss, DEFAULT)])
def test_fault_1_a_loss_for_each_picture_and_no_other(loss, recipe):
    activation = torch.tensor([1.0, 3.0], requires_grad=True)
    cosine = torch.tensor([0.3, 0.2], requires_grad=True)
    found = loss(replace(look(), activation=activation, cosine=cosine), recipe)
    assert found.shape == (2,)
    for own, other in ((0, 1), (1, 0)):
        for gradient in torch.autograd.grad(found[own], (activation, cosine), retain_graph=True):
            assert gradient[own] != 0 and gradient[other] == 0


def test_a_share_grows_while_its_neuron_lags_and_shrinks_back_to_one():
    start = ActivationTracker.start(3, torch.device("cpu"))
    own, rival = torch.tensor([10.0, 10.0, 5.0]), torch.tensor([0.0, 20.0, 0.0])
    first = start.follow(own, rival, goal=1.25)
    assert first.own.tolist() == pytest.approx([2.0, 2.0, 1.0])
    assert first.rival.tolist() == pytest.approx([0.0, 4.0, 0.0])
    assert first.share.tolist() == pytest.approx([1.0, 1.1, 1.1])
    second = first.follow(own, rival, goal=1.25)
    assert second.share.tolist() == pytest.approx([1.0, 1.1**2, 1.0])
    assert math.isclose(second.own[2], 0.8 * 1 + 0.2 * 5, rel_tol=1e-6)


def test_a_share_never_exceeds_thirty():
    tracker = ActivationTracker.start(1, torch.device("cpu"))
    for _ in range(100):
        tracker = tracker.follow(torch.zeros(1), torch.zeros(1), goal=1.25)
    assert tracker.share.item() == 30


def test_a_picture_has_reached_its_goal_at_the_cap_and_well_ahead_of_all_others():
    tracker = ActivationTracker(torch.tensor([2.0, 1.9, 2.0]), torch.tensor([1.5, 0.0, 1.9]), torch.ones(3))
    assert tracker.reached().tolist() == [True, False, False]


def test_putting_rows_changes_no_other():
    tracker = ActivationTracker.start(3, torch.device("cpu"))
    two = torch.tensor([2, 0])
    changed = tracker.put(
        two, ActivationTracker(torch.tensor([5.0, 6.0]), torch.ones(2), torch.full((2,), 3.0))
    )
    assert changed.own.tolist() == [6, 0, 5]
    assert changed.share.tolist() == [3, 1, 3]
    assert changed[two].own.tolist() == [5, 6]


def test_the_strongest_rival_is_never_the_neuron_itself():
    ratios = torch.tensor([[0.5, 3.0, 1.0], [2.0, 0.1, 0.2]])
    own, rival = own_and_rival(ratios, torch.tensor([1, 2]))
    assert own.tolist() == pytest.approx([3.0, 0.2])
    assert rival.tolist() == [1.0, 2.0]


def test_the_crowd_is_the_soft_maximum_of_all_others():
    ratios = torch.tensor([[0.5, 3.0, 0.5, 0.4], [2.0, 0.1, 0.2, 9.0]], requires_grad=True)
    others = strongest_others(ratios, torch.tensor([1, 3]))
    expected = [0.1 * math.log(2 * math.exp(5) + math.exp(4)), 0.1 * math.log(sum(map(math.exp, (20, 1, 2))))]
    assert others.tolist() == pytest.approx(expected)
    others[0].backward()
    assert ratios.grad is not None
    assert ratios.grad[0, 1] == 0 and ratios.grad[0, 0] == ratios.grad[0, 2] > ratios.grad[0, 3] > 0


def test_recipes_by_mode_and_steps():
    assert recipe_for("paper") is PAPER and recipe_for("default") is DEFAULT
    assert recipe_for("default", 128) == replace(DEFAULT, steps=128)
    assert (PAPER.steps, PAPER.rate, PAPER.betas, PAPER.decay) == (450, 9e-3, (0.5, 0.99), 2e-4)
    assert (PAPER.class_weight, PAPER.clip_weight, PAPER.final_rate) == (0.5, 0.05, 0.12)
