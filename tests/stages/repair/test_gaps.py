from dataclasses import replace

import pytest
import torch

from neuroinspect_tui.results import CueGap
from neuroinspect_tui.stages.repair import repair_class
from neuroinspect_tui.stages.repair.gaps import cue_gaps
from neuroinspect_tui.stages.repair.plan import plan_parts
from neuroinspect_tui.tensors import GroupColumn

from .worlds import NAMES, make_world


def judged(values: dict[tuple[int, int], int]):
    """A world whose test has so many images of each (label, value of the column `cue`)."""
    splits, _ = make_world()
    labels, codes = (
        torch.tensor([pair[place] for pair, count in values.items() for _ in range(count)])
        for place in (0, 1)
    )
    test = splits["test"]
    column = GroupColumn("cue", ("not", "has"), codes)
    rows = torch.arange(len(labels))
    test = replace(test, features=test.features[rows], labels=labels, rows=rows, groups={"cue": column})
    train = splits["train"]
    # Of class 0 most have the cue, of class 1 most have not.
    said = GroupColumn("cue", ("not", "has"), torch.where(train.labels == 0, 1, 0))
    return {**splits, "train": replace(train, groups={**train.groups, "cue": said}), "test": test}


def test_the_gap_is_between_the_usual_value_and_the_others_by_hand():
    """Class 0: with the cue 10 of 20 right, then 20; without 5 of 10, then 5. Class 1: all right, then none."""
    splits = judged({(0, 1): 20, (0, 0): 10, (1, 0): 10, (1, 1): 20})
    plan = plan_parts(splits, "val", {}, columns=("place",))
    labels = splits["test"].labels
    before, after = labels.clone(), labels.clone()
    before[:10], before[20:25], after[20:25] = 1, 1, 1
    after[40:] = 0  # those of class 1 with its rarer value
    own, every = cue_gaps(splits, plan, 0, before, after)
    assert (own.column, own.label, own.n, own.estimated) == ("cue", 0, 30, False)
    assert (own.before, own.after) == pytest.approx((0.5 - 0.5, 1.0 - 0.5))
    assert (every.label, every.n) == (None, 60)
    assert (every.before, every.after) == pytest.approx((0.0, (0.5 + 1.0) / 2))
    # Of 20 images 10 improve: the variance of 0 and 1 is 10/19·½, over 20 images; the others are constant.
    half = 1.959964 * (0.5 * 10 / 19 / 20) ** 0.5
    assert own.growth == pytest.approx((0.5 - half, 0.5 + half), abs=1e-6)
    assert own.fed and every.fed


@pytest.mark.parametrize(
    ("after", "growth", "fed"),
    [(0.33, (0.01, 0.05), True), (0.33, (-0.01, 0.07), False), (0.32, (0.01, 0.03), False)],
)
def test_a_cue_is_fed_by_more_than_two_points_beyond_doubt(after, growth, fed):
    assert CueGap("cue", 0, 0.3, after - 1e-9, 100, growth).fed == fed


def test_columns_that_were_told_and_classes_with_few_images_are_not_compared():
    splits = judged({(0, 1): 20, (0, 0): 9, (1, 0): 30, (1, 1): 10})
    plan = plan_parts(splits, "val", {}, columns=("place",))
    labels = splits["test"].labels
    (only,) = cue_gaps(splits, plan, 0, labels, labels)
    assert (only.label, only.n, only.before, only.after) == (None, 40, 0.0, 0.0)
    given = replace(plan, columns=("place", "cue"))
    assert cue_gaps(splits, given, 0, labels, labels) == ()


def test_a_repair_carries_the_gaps_of_what_it_was_not_given():
    splits, head = make_world()
    splits = {
        name: replace(split, groups={**split.groups, "other": replace(split.groups["place"], name="other")})
        for name, split in splits.items()
    }
    from neuroinspect_tui.stages.repair import GroupInfo

    found = repair_class(splits, head, 0, NAMES, "ridge", (), GroupInfo(columns=("place",)))
    assert [(gap.column, gap.label) for gap in found.gaps] == [("other", 0), ("other", None)]
    # The same values as the column that was repaired: the gap closes.
    assert found.gaps[1].after < 0.5 * found.gaps[1].before
    assert not found.gaps[1].fed
