from dataclasses import replace

import torch

from neuroinspect_tui.stages.repair.verdict import Judged, pass_verdict
from neuroinspect_tui.tensors import SplitFeatures

from .worlds import leaning_head, split_of

LABELS = torch.tensor([0] * 200 + [1] * 200)
PLACE = torch.tensor(([0] * 100 + [1] * 100) * 2)


def judge_split(grouped: bool = True) -> SplitFeatures:
    groups = {"place": PLACE} if grouped else {}
    return split_of("test", torch.zeros(400, 8), LABELS, leaning_head(), groups)


def head_with_errors(judge: SplitFeatures, *errors: int) -> Judged:
    """A head with so many errors in each block of 100 images: (class 0, v0), (0, v1), (1, v0), (1, v1)."""
    predicted = LABELS.clone()
    for block, count in enumerate(errors):
        predicted[100 * block : 100 * block + count] = 1 - LABELS[100 * block]
    return Judged.of(judge, predicted, 0, ("boat", "bird"))


def verdict(before, after, control, grouped=True):
    judge = judge_split(grouped)
    heads = [head_with_errors(judge, *errors) for errors in (before, after, control)]
    return pass_verdict(judge, 0, heads[0], heads[1], {"bias": heads[2]}, ("boat", "bird"))


def test_helps_above_the_untouched_head_and_every_control():
    assert verdict((0, 60, 30, 0), (5, 20, 20, 5), (0, 55, 30, 0)) == (
        "helps",
        "worst group 40.0 % of boat, place v1 → 80.0 % of bird, place v0 (the control bias: 45.0 %), accuracy 77.5 → 87.5 %",
    )


def test_a_control_that_does_as_well_takes_the_credit():
    found, reason = verdict((0, 60, 30, 0), (5, 20, 20, 5), (5, 21, 20, 5))
    assert found == "no better than the control"
    assert "(the control bias: 79.0 %)" in reason and reason.endswith(
        "the lead over the control may be chance (p = 1)"
    )
    behind = verdict((0, 60, 30, 0), (5, 21, 20, 5), (5, 20, 20, 5))[1]
    assert "(the control bias: 80.0 %)" in behind and "chance" not in behind


def test_a_group_too_small_for_any_verdict_is_called_so():
    """Of five images even all five mended have p = 2 / 2^5 = 0.0625."""
    judge = judge_split()
    judge.groups["place"] = replace(judge.groups["place"], codes=(torch.arange(400) < 5).long())
    heads = []
    for errors in (5, 0, 5):
        predicted = LABELS.clone()
        predicted[:errors] = 1
        heads.append(Judged.of(judge, predicted, 0, ("boat", "bird")))
    assert pass_verdict(judge, 0, heads[0], heads[1], {"bias": heads[2]}, ("boat", "bird")) == (
        "too few images to tell",
        "worst group 0.0 % of boat, place v1 → 100.0 % of bird, place v0 (the control bias: 0.0 %), accuracy 98.8 → 100.0 %; "
        "on 5 images no gain is significant",
    )


def test_a_gain_that_may_be_chance_is_called_so():
    found, reason = verdict((0, 60, 30, 0), (0, 57, 30, 0), (0, 70, 30, 0))
    assert found == "no better than the control"
    assert reason.endswith("the gain over the untouched head may be chance (p = 0.25)")


def test_a_head_that_decides_as_before_is_said_to_change_nothing():
    assert verdict((0, 60, 30, 0), (0, 60, 30, 0), (0, 70, 30, 0)) == (
        "no better than the control",
        "worst group of boat, place v1: 40.0 → 40.0 % (the control bias: 30.0 %), accuracy 77.5 → 77.5 %; no decision changes",
    )


def test_others_that_pay_are_named():
    found, reason = verdict((0, 60, 10, 5), (0, 40, 45, 45), (0, 60, 10, 5))
    assert found == "hurts others"
    assert "points" in reason


def test_a_small_price_for_a_large_gain_is_no_hurt():
    assert verdict((0, 90, 0, 0), (8, 10, 8, 8), (0, 90, 0, 0))[0] == "helps"


def test_without_groups_the_aim_is_the_f1_of_the_class():
    found, reason = verdict((40, 40, 10, 10), (10, 10, 10, 10), (40, 40, 10, 10), grouped=False)
    assert found == "helps"
    assert reason.startswith(
        "F1 of the class 70.6 → 90.0 % (the control bias: 70.6 %), accuracy 75.0 → 90.0 %"
    )


def test_recall_bought_with_a_bias_shift_hurts_the_other_class():
    found, reason = verdict((40, 40, 0, 0), (0, 0, 60, 60), (40, 40, 0, 0), grouped=False)
    assert (found, reason.split("; ")[1]) == ("hurts others", "all other images lose 60.0 points")
