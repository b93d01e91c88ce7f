from dataclasses import replace

import pytest
import torch
from scipy.stats import norm

from neuroinspect_tui.stages.repair import repair_class
from neuroinspect_tui.stages.repair.candidates import Candidate
from neuroinspect_tui.stages.repair.plan import plan_parts
from neuroinspect_tui.stages.repair.rare_cells import (
    _margins,
    _shifts,
    _totals,
    _unseen,
    choose_by_margins,
    has_rare_cells,
)
from neuroinspect_tui.tensors import Head

from .worlds import CULPRITS, NAMES, make_split, make_world


def skewed_world():
    """Val is as skewed as train: four images of each rare cell."""
    splits, head = make_world()
    sizes = {(0, 0): 96, (0, 1): 4, (1, 1): 96, (1, 0): 4}
    return {**splits, "val": make_split("val", sizes, head, 5)}, head


def test_cells_are_rare_where_fewer_than_thirty_unseen_images_have_the_value():
    splits, head = skewed_world()
    assert has_rare_cells(plan_parts(splits, "val", {}))
    assert not has_rare_cells(plan_parts(make_world()[0], "val", {}))
    assert not has_rare_cells(plan_parts(make_world(grouped=False)[0], "val", {}))
    for count in (29, 30):
        sizes = {(0, 0): 96, (0, 1): count, (1, 1): 96, (1, 0): count}
        val = make_split("val", sizes, head, 5)
        assert has_rare_cells(plan_parts({**splits, "val": val}, "val", {})) == (count < 30)


def test_the_shift_is_that_of_the_planted_neurons():
    """Background moves neurons 3-5 by 3 and no other."""
    splits, _ = skewed_world()
    plan = plan_parts(splits, "val", {})
    shifts = _shifts(plan, _unseen(plan), 2)
    torch.testing.assert_close(shifts, torch.tensor([[0.0, 0, 0, 3, 3, 3, 0, 0]] * 2), rtol=0, atol=0.45)


def test_margins_and_smoothed_correctness_by_hand():
    margins = _margins(torch.tensor([[2.0, 1.0, 0.0], [0.0, 3.0, 4.0]]), torch.tensor([0, 1]))
    assert margins.tolist() == [1.0, -1.0]
    labels, codes = torch.tensor([0, 1, 1, 1]), torch.tensor([0, 1, 1, -1])
    total, weight = _totals(torch.tensor([1.0, -1, 4, -9]), labels, codes, 2.0, 2)
    assert weight.tolist() == [1, 0, 0, 2]
    assert total.tolist() == pytest.approx([norm.cdf(0.5), 0, 0, norm.cdf(-0.5) + norm.cdf(2.0)], abs=1e-6)
    total, weight = _totals(torch.tensor([1.0, -1, 4, -9]), labels, codes, 2.0, 2, most=0.5)
    assert weight.tolist() == [0.5, 0, 0, 0.5]
    assert float(total[3]) == pytest.approx((norm.cdf(-0.5) + norm.cdf(2.0)) / 4, abs=1e-6)


def test_the_fair_head_is_chosen_and_the_old_one_kept_where_none_exceeds_it():
    splits, head = skewed_world()
    plan = plan_parts(splits, "val", {})
    fair = Candidate(replace(head, weight=head.weight * torch.tensor([2.0, 2, 2, 0, 0, 0, 0, 0])))
    worse = Candidate(Head(-head.weight, head.bias))
    chosen, scores = choose_by_margins(plan, head, [worse, fair])
    assert chosen is fair and scores[1] > scores[0]
    kept, _ = choose_by_margins(plan, fair.head, [worse])
    assert kept.head is fair.head


def test_auto_chooses_among_all_methods_that_need_groups():
    splits, head = skewed_world()
    found = repair_class(splits, head, 0, NAMES, "auto", CULPRITS)
    assert (found.choice.rule, found.choice.column) == ("rare", "place")
    assert set(found.choice.scores) == {"ridge", "dfr", "leace"}
    assert found.after.worst_group.accuracy > 0.85 > 0.3 > found.before.worst_group.accuracy
