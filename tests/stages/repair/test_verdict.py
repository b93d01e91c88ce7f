import pytest
import torch
from scipy.stats import binomtest

from neuroinspect_tui.results import ClassRef, Verdict
from neuroinspect_tui.stages.repair.verdict import Judged, class_changes, paired_interval, pass_verdict
from neuroinspect_tui.tensors import SplitFeatures

from .worlds import leaning_head, split_of

NAMES = ("boat", "bird")
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
    return Judged.of(judge, predicted, 0, NAMES)


def verdict(before, after, control, grouped=True, **others) -> Verdict:
    judge = judge_split(grouped)
    heads = {name: head_with_errors(judge, *errors) for name, errors in {"bias": control, **others}.items()}
    old, new = (head_with_errors(judge, *errors) for errors in (before, after))
    return pass_verdict(judge, 0, old, new, heads, NAMES)


def test_helps_where_the_class_gains_and_no_control_does_as_well():
    found = verdict((0, 60, 30, 0), (5, 20, 20, 5), (0, 55, 30, 0))
    assert found.outcome == "helps"
    own = found.on("class")
    assert (own.n, own.fixed, own.broken, own.before, own.after) == (200, 40, 5, 0.7, 0.875)
    assert own.p == pytest.approx(binomtest(5, 45).pvalue)
    assert found.comparisons[0] is own and found.aim == "class"
    every = found.on("all")
    assert (every.n, every.fixed, every.broken, every.before, every.after) == (400, 50, 10, 0.775, 0.875)


def test_the_worst_group_is_the_untouched_heads_for_every_opponent():
    """The control's own worst group is bird in v0; it is not what the repair is tested on."""
    found = verdict((0, 60, 30, 0), (5, 20, 20, 5), (0, 30, 45, 0))
    for against, before in (("untouched", 0.4), ("bias", 0.7)):
        line = found.on("worst_group", against)
        assert (line.n, line.before, line.after) == (100, before, 0.8)


def test_without_groups_there_is_no_line_of_them():
    found = verdict((40, 40, 10, 10), (10, 10, 10, 10), (40, 40, 10, 10), grouped=False)
    assert found.outcome == "helps"
    assert {line.metric for line in found.comparisons} == {"class", "all"}


def test_a_control_that_does_as_well_takes_the_credit():
    assert verdict((0, 60, 30, 0), (5, 20, 20, 5), (5, 21, 20, 5)).outcome == "no_better"


@pytest.mark.parametrize(
    ("before", "after", "control", "outcome"),
    [
        ((0, 60, 0, 0), (15, 5, 0, 0), (0, 20, 0, 0), "helps"),
        ((0, 60, 0, 0), (15, 5, 0, 0), (15, 5, 0, 0), "no_better"),
        ((0, 90, 0, 0), (40, 5, 0, 0), (0, 20, 0, 0), "no_better"),  # lags on the class
        ((0, 60, 0, 0), (15, 5, 20, 0), (0, 20, 0, 0), "no_better"),  # lags over all images
    ],
)
def test_a_control_that_does_less_for_the_worst_group_is_beaten(before, after, control, outcome):
    """The worst group is boat in v1, the second number of errors; of the class all have 20 but in the third case."""
    assert verdict(before, after, control).outcome == outcome


def test_a_control_that_is_bought_with_other_images_is_no_rival():
    """It gets every boat right, but loses 20 of 400 images on balance."""
    assert verdict((0, 60, 0, 0), (0, 20, 0, 0), (0, 0, 40, 40)).outcome == "helps"


def test_told_nothing_and_shuffled_tags_are_compared_but_do_not_decide():
    same = (5, 20, 20, 5)
    found = verdict((0, 60, 30, 0), same, (0, 55, 30, 0), told_nothing=same, shuffled_tags=same)
    assert found.outcome == "helps"
    line = found.on("class", "told_nothing")
    assert (line.fixed, line.broken, line.p) == (0, 0, 1.0)
    assert found.on("all", "shuffled_tags").after == 0.875


@pytest.mark.parametrize(("differing", "outcome"), [(5, "too_few"), (6, "helps")])
def test_fewer_than_six_differing_images_are_too_few(differing, outcome):
    """Exact McNemar: 2 / 2^5 = .0625, 2 / 2^6 = .03125."""
    found = verdict((0, differing, 0, 0), (0, 0, 0, 0), (0, differing, 0, 0))
    assert found.outcome == outcome
    assert found.on("class").p == 2 / 2**differing


@pytest.mark.parametrize(("images", "outcome"), [(19, "too_few"), (20, "helps")])
def test_fewer_than_twenty_images_of_the_aim_are_too_few(images, outcome):
    rows = torch.cat([torch.arange(images), torch.arange(200, 400)])
    judge = split_of("test", torch.zeros(len(rows), 8), LABELS[rows], leaning_head(), {})
    wrong = LABELS[rows].clone()
    wrong[:10] = 1
    heads = [Judged.of(judge, found, 0, NAMES) for found in (wrong, LABELS[rows])]
    assert pass_verdict(judge, 0, *heads, {}, NAMES).outcome == outcome


def test_a_gain_that_may_be_chance_is_no_better():
    judge = judge_split()
    old, new = LABELS.clone(), LABELS.clone()
    old[:14], new[20:26] = 1, 1
    heads = [Judged.of(judge, found, 0, NAMES) for found in (old, new, old)]
    found = pass_verdict(judge, 0, heads[0], heads[1], {"bias": heads[2]}, NAMES)
    assert (found.on("class").fixed, found.on("class").broken) == (14, 6)
    assert found.on("class").p == pytest.approx(binomtest(6, 20).pvalue) and found.on("class").p > 0.05
    assert found.outcome == "no_better"


def test_a_class_that_pays_too_much_hurts_and_is_named():
    found = verdict((40, 40, 0, 0), (0, 0, 60, 60), (40, 40, 0, 0), grouped=False)
    assert (found.outcome, found.hurt) == ("hurts", "all")
    [loser] = found.losers
    assert (loser.target, loser.before, loser.after, loser.count) == (ClassRef(1, "bird"), 1.0, 0.4, 200)


def test_a_small_price_is_named_but_no_hurt():
    found = verdict((0, 90, 0, 0), (0, 10, 8, 8), (0, 90, 0, 0))
    assert found.outcome == "helps"
    assert [(loser.target.name, loser.before, loser.after) for loser in found.losers] == [("bird", 1.0, 0.92)]


@pytest.mark.parametrize(("lost", "named"), [(4, False), (5, True)])
def test_a_class_is_named_where_fewer_than_one_in_twenty_would_lose_so_by_chance(lost, named):
    """One-sided: 1 / 2^4 = .0625, 1 / 2^5 = .031."""
    found = verdict((0, 90, 0, 0), (0, 10, lost, 0), (0, 90, 0, 0))
    assert bool(found.losers) == named


@pytest.mark.parametrize(
    ("images", "lost", "won", "named"),
    [(60, 3, 0, True), (61, 3, 0, False), (20, 2, 0, False), (60, 4, 2, False), (100, 5, 0, True)],
)
def test_a_class_that_loses_three_images_and_five_points_is_named_whatever_the_chance(
    images, lost, won, named
):
    labels = torch.tensor([0] * 100 + [1] * images)
    judge = split_of("test", torch.zeros(len(labels), 8), labels, leaning_head(), {})
    old, new = labels.clone(), labels.clone()
    old[:40] = 1
    old[100 : 100 + won], new[100 + won : 100 + won + lost] = 0, 0
    heads = [Judged.of(judge, found, 0, NAMES) for found in (old, new)]
    found = pass_verdict(judge, 0, *heads, {}, NAMES)
    assert [one.target.name for one in found.losers] == ["bird"] * named
    assert not found.estimated


def test_every_control_must_be_beaten():
    same, weak = (5, 20, 20, 5), (0, 55, 30, 0)
    assert verdict((0, 60, 30, 0), same, weak, finetune=same).outcome == "no_better"
    assert verdict((0, 60, 30, 0), same, weak, finetune=weak).outcome == "helps"


@pytest.mark.parametrize(("lost", "hurt"), [(13, None), (14, "others")])
def test_all_others_together_must_not_pay_most_of_the_gain(lost, hurt):
    """The first class gains 40 of 100 images; two others of 150 lose `lost` each, far less than 27 points."""
    labels = torch.tensor([0] * 100 + [1] * 150 + [2] * 150)
    judge = split_of("test", torch.zeros(400, 8), labels, leaning_head(), {})
    old, new = labels.clone(), labels.clone()
    old[:40], new[100 : 100 + lost], new[250 : 250 + lost] = 1, 0, 0
    heads = [Judged.of(judge, found, 0, ("a", "b", "c")) for found in (old, new)]
    found = pass_verdict(judge, 0, *heads, {"bias": heads[0]}, ("a", "b", "c"))
    assert (found.hurt, found.outcome) == (hurt, "hurts" if hurt else "helps")


def test_one_class_must_not_pay_most_of_the_gain():
    """Of three classes the first gains 30 points; the last, a hundred images, loses 19 or 21 of them."""
    labels = torch.tensor([0] * 200 + [1] * 100 + [2] * 100)
    judge = split_of("test", torch.zeros(400, 8), labels, leaning_head(), {})
    for lost, hurt in ((19, None), (21, "other_class")):
        old, new = labels.clone(), labels.clone()
        old[:60], old[200:250], new[300 : 300 + lost] = 1, 0, 0
        heads = [Judged.of(judge, found, 0, ("a", "b", "c")) for found in (old, new)]
        found = pass_verdict(judge, 0, *heads, {"bias": heads[0]}, ("a", "b", "c"))
        assert (found.hurt, found.outcome) == (hurt, "hurts" if hurt else "helps")


def test_the_worst_group_must_not_pay_for_the_class():
    found = verdict((60, 0, 70, 0), (0, 0, 90, 0), (60, 0, 70, 0))
    assert found.on("all").after > found.on("all").before
    assert (found.outcome, found.hurt) == ("hurts", "worst_group")


def of_classes(fixed: list[int], broken: list[int], sizes: list[int]) -> Verdict:
    """The verdict on a head that fixes and breaks so many images of each class; no control."""
    names = tuple("abc")[: len(sizes)]
    labels = torch.cat([torch.full((size,), index) for index, size in enumerate(sizes)])
    old, new, start = labels.clone(), labels.clone(), 0
    for index, size in enumerate(sizes):
        other, end = (index + 1) % len(sizes), start + fixed[index]
        old[start:end], new[end : end + broken[index]] = other, other
        start += size
    judge = split_of("test", torch.zeros(len(labels), 8), labels, leaning_head(), {})
    heads = [Judged.of(judge, found, 0, names) for found in (old, new)]
    return pass_verdict(judge, 0, *heads, {}, names)


def test_as_many_fixed_as_broken_are_enough_to_tell_that_nothing_is_gained():
    assert of_classes([3, 0], [3, 0], [50, 50]).outcome == "no_better"


def test_a_class_may_pay_just_two_thirds_of_the_gain():
    """75 of 100 images gained, 50 of 100 lost."""
    assert of_classes([75, 0], [0, 50], [100, 100]).hurt is None
    assert of_classes([75, 0], [0, 51], [100, 100]).hurt == "other_class"


def test_without_a_gain_a_class_that_loses_a_few_of_many_is_hurt():
    """9 of 2000 images, p = 2 / 2^9; the third class makes up for it over all images."""
    assert of_classes([0, 0, 9], [0, 9, 0], [50, 2000, 100]).hurt == "other_class"


def test_all_others_may_pay_just_two_thirds_of_what_is_gained_on_balance():
    assert of_classes([30, 0, 0], [0, 10, 10], [100, 150, 150]).hurt is None
    assert of_classes([40, 0, 0], [20, 14, 14], [100, 150, 150]).hurt == "others"


@pytest.mark.parametrize(("images", "hurt"), [(0, "other_class"), (1, None)])
def test_a_class_is_beyond_doubt_by_the_number_of_classes_that_have_images(images, hurt):
    """6 of 12 lost: p = .031, below .05 of one class and not below .05 / 2."""
    assert of_classes([40, 0, 0], [0, 6, 0], [100, 12, images]).hurt == hurt


def test_losers_come_with_the_largest_loss_first():
    found = of_classes([40, 40, 5], [0, 50, 55], [100, 100, 100])
    rates = [(one.target.name, one.before, one.after, one.count) for one in found.losers]
    assert rates == [("c", 0.95, 0.45, 100), ("b", 0.6, 0.5, 100)]
    assert of_classes([40, 0], [0, 30], [100, 30]).losers[0].after == 0.0


def test_without_controls_too_the_worst_group_must_not_pay():
    judge = judge_split()
    before, after = (head_with_errors(judge, *errors) for errors in ((60, 0, 70, 0), (0, 0, 90, 0)))
    assert pass_verdict(judge, 0, before, after, {}, NAMES).hurt == "worst_group"


def test_a_failure_mode_is_judged_on_its_own_images():
    judge = judge_split()
    mode = torch.zeros(400, dtype=torch.bool)
    mode[150:230] = True
    before, after = (head_with_errors(judge, *errors) for errors in ((0, 60, 30, 0), (0, 0, 20, 0)))
    found = pass_verdict(judge, 0, before, after, {"bias": before}, NAMES, mode=mode)
    own = found.on("mode")
    assert (found.aim, own.n, own.fixed, own.before, own.after) == ("mode", 80, 20, 0.5, 0.75)
    assert found.on("class") is None


def test_every_class_has_its_change_and_one_without_images_none():
    judge = split_of("test", torch.zeros(4, 8), torch.tensor([0, 0, 1, 1]), leaning_head(), {})
    changes = class_changes(judge, torch.tensor([0, 1, 1, 1]), torch.tensor([0, 0, 0, 1]), ("a", "b", "c"))
    assert [(one.index, one.name, one.count, one.before, one.after) for one in changes] == [
        (0, "a", 2, 0.5, 1.0),
        (1, "b", 2, 1.0, 0.5),
        (2, "c", 0, None, None),
    ]


def test_the_paired_interval_by_hand():
    """Bonett and Price: (15 + 1 − 0 − 1) / 42 = .357, half 1.96 √((17/42 − .357²) / 42) = .159."""
    low, high = paired_interval(15, 0, 40)
    assert (low, high) == pytest.approx((0.3571 - 0.1592, 0.3571 + 0.1592), abs=1e-3)
    assert paired_interval(0, 0, 0) == (-1.0, 1.0)
    assert paired_interval(0, 0, 1000) == pytest.approx((-0.002766, 0.002766), abs=1e-6)
    assert paired_interval(3, 5, 50) == tuple(-bound for bound in reversed(paired_interval(5, 3, 50)))
