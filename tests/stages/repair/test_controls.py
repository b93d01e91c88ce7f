"""What a repair is compared with, by heads whose accuracies are counted plainly."""

from dataclasses import replace

import pytest
import torch

from neuroinspect_tui.errors import InputError
from neuroinspect_tui.stages.repair import controls
from neuroinspect_tui.stages.repair.candidates import Candidate
from neuroinspect_tui.stages.repair.methods import task_for
from neuroinspect_tui.stages.repair.plan import plan_parts
from neuroinspect_tui.tensors import Head, no_progress

from .worlds import leaning_head, make_world

FAIR = Head(leaning_head().weight * torch.tensor([1.0, 1, 1, 0, 0, 0, 0, 0]), torch.zeros(2))
CONSTANT = Head(torch.zeros(2, 8), torch.tensor([1.0, 0.0]))
"""Always says class 0."""
INVERTED = Head(-FAIR.weight, FAIR.bias)
PROPOSED = {"ridge": [FAIR], "dfr": [CONSTANT], "leace": [INVERTED]}


@pytest.fixture
def world():
    splits, head = make_world()
    plan = plan_parts(splits, "val", {})
    return splits, head, task_for("ridge", plan, head, 0, (), 0, no_progress)


@pytest.fixture
def told_plans(monkeypatch):
    """Let each method propose fixed heads, and keep the columns that it was given."""
    given = []

    def candidates_of(name, task):
        given.append((name, task.plan.columns))
        if name not in PROPOSED:
            raise InputError("lacks its input", "give it")
        return [Candidate(one) for one in PROPOSED[name]]

    monkeypatch.setattr(controls, "candidates_of", candidates_of)
    return given


def without_tags(world, pool, method="ridge", shuffled=()):
    splits, _, task = world
    return controls.without_tags(method, task, pool, splits, shuffled, task.plan.judge.labels == 0)


def test_the_strongest_head_of_the_same_methods_stands_for_being_told_nothing(world, told_plans):
    """CONSTANT has every image of class 0 and half of all: 1.5 in sum; FAIR has more than .9 of both."""
    assert without_tags(world, ("dfr", "ridge"))["told_nothing"] is FAIR
    assert told_plans == [("dfr", ()), ("ridge", ())]
    assert without_tags(world, ("dfr",))["told_nothing"] is CONSTANT


def test_that_head_is_compared_also_where_the_untouched_one_would_be_kept(world, told_plans, monkeypatch):
    monkeypatch.setitem(PROPOSED, "ridge", [INVERTED])
    assert without_tags(world, ("ridge",))["told_nothing"] is INVERTED


def test_erasing_and_a_method_that_lacks_its_input_leave_the_untouched_head_when_told_nothing(
    world, told_plans
):
    _, head, _ = world
    assert without_tags(world, ("leace",), "leace")["told_nothing"] is head
    assert without_tags(world, ("afr",))["told_nothing"] is head
    assert without_tags(world, ("ridge", "leace"))["told_nothing"] is FAIR


def test_without_groups_and_for_other_methods_nothing_is_without_tags(world, told_plans):
    splits, _, task = world
    assert without_tags(world, ("afr",), "afr") == {}
    ungrouped = replace(task, plan=task.plan.with_groups(splits, ()))
    assert (
        controls.without_tags("ridge", ungrouped, ("ridge",), splits, [splits], task.plan.judge.labels == 0)
        == {}
    )


def test_of_shuffled_draws_the_head_of_middle_accuracy_on_the_aim_is_taken(world, monkeypatch):
    """INVERTED has few, FAIR most and CONSTANT all of class 0."""
    splits, *_ = world
    order = iter([CONSTANT, INVERTED, FAIR])
    monkeypatch.setattr(controls, "_chosen", lambda plan, *_: next(order))
    assert without_tags(world, ("ridge",), shuffled=[splits] * 3)["shuffled_tags"] is FAIR
    order = iter([CONSTANT, INVERTED, FAIR, CONSTANT])
    assert without_tags(world, ("ridge",), shuffled=[splits] * 4)["shuffled_tags"] is CONSTANT
    assert "shuffled_tags" not in without_tags(world, ("ridge",))


def test_shuffled_tags_are_told_to_all_methods_and_chosen_among_by_the_worst_group(world, told_plans):
    splits, head, _ = world
    found = without_tags(world, ("ridge", "dfr", "leace"), shuffled=[splits])
    assert found["shuffled_tags"] is FAIR
    assert told_plans[-3:] == [(name, ("place",)) for name in ("ridge", "dfr", "leace")]
    assert without_tags(world, ("afr",), shuffled=[splits])["shuffled_tags"] is head


def test_shuffled_tags_with_rare_cells_are_chosen_by_margins(world, told_plans, monkeypatch):
    splits, _, _ = world
    monkeypatch.setattr(controls, "has_rare_cells", lambda plan: True)
    monkeypatch.setattr(controls, "choose_by_margins", lambda plan, head, given: (given[0], [0.1, 0.9]))
    assert without_tags(world, ("ridge", "dfr"), shuffled=[splits])["shuffled_tags"] is CONSTANT


def test_an_aim_without_judged_images_counts_nothing(world):
    _, _, task = world
    judge = task.plan.judge
    none = torch.zeros(len(judge), dtype=torch.bool)
    right = (FAIR.logits(judge.features).argmax(1) == judge.labels).double().mean()
    assert controls._rates(FAIR, judge, none) == (0.0, pytest.approx(float(right)))
    own = judge.labels == 0
    assert controls._rates(CONSTANT, judge, own) == (1.0, 0.5)


def test_only_the_edit_of_neurons_has_random_neurons_beside_it(world, monkeypatch):
    monkeypatch.setattr(controls, "fit", lambda name, task: (Candidate(name), None))
    assert controls.controls("ridge", world[2]) == {"bias": "bias", "finetune": "finetune"}
    assert set(controls.controls("paper", world[2])) == {"bias", "finetune", "random"}
