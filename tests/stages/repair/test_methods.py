"""What each method is fitted on, and the published goals, computed by hand."""

from typing import get_args

import pytest

from neuroinspect_tui.errors import InputError
from neuroinspect_tui.repair_methods import RepairMethod
from neuroinspect_tui.stages.repair.methods import METHODS, _goals, fit, task_for
from neuroinspect_tui.stages.repair.plan import plan_parts
from neuroinspect_tui.tensors import NO_MEMORY, no_progress

from .worlds import CULPRITS, make_world


def task(method, grouped=True, neurons=tuple(CULPRITS), target=0):
    splits, head = make_world(grouped)
    return task_for(method, plan_parts(splits, "val", {}), head, target, neurons, 0, no_progress, NO_MEMORY)


def test_every_method_that_is_offered_is_there():
    assert set(METHODS) == set(get_args(RepairMethod)) - {"auto", "none"}


@pytest.mark.parametrize(
    ("method", "images"), [("afr", 200), ("neurontune", 200), ("ridge", 1000), ("paper", 1000)]
)
def test_methods_without_groups_learn_from_unseen_images_alone(method, images):
    assert len(task(method).examples) == images


def test_images_of_unknown_group_are_left_out_where_groups_are_weighted():
    splits, head = make_world()
    splits["train"].groups["place"].codes[:100] = -1
    plan = plan_parts(splits, "val", {})
    sizes = {
        m: len(task_for(m, plan, head, 0, CULPRITS, 0, no_progress).examples) for m in ("ridge", "finetune")
    }
    assert sizes == {"ridge": 900, "finetune": 1000}


def test_the_goals_are_one_and_a_third_of_the_least_importance():
    asked = task("paper")
    own = asked.examples.labels == 0
    mean = asked.examples.take(own.nonzero()[:, 0]).double().mean(0)
    weight, bias = asked.head.weight.double(), asked.head.bias.double()

    def chance(z):
        return (weight @ z + bias).softmax(0)[0]

    ratios = []
    for neuron in CULPRITS:
        without = mean.clone()
        without[neuron] = 0
        ratios.append(float(chance(mean) / chance(without)))
    assert _goals(asked) == [1.0, pytest.approx((min(ratios) - 1) / 3 + 1, rel=1e-6)]


def test_the_papers_edit_needs_neurons():
    with pytest.raises(
        InputError, match="--repair paper needs neurons to rely less on: name them with --neuron"
    ):
        fit("paper", task("paper", neurons=()))
