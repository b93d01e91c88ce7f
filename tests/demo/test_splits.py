from collections import Counter

import pytest

from neuroinspect_tui.demo.objects import KINDS
from neuroinspect_tui.demo.splits import plan
from neuroinspect_tui.demo.world import BACKGROUNDS


@pytest.fixture(scope="module")
def samples():
    return plan(0)


def test_sizes(samples):
    assert Counter(sample.split for sample in samples) == {"train": 1600, "val": 480, "test": 800}
    assert len({sample.path for sample in samples}) == 2880
    assert len({sample.scene.seed for sample in samples}) == 2880


def test_the_plan_follows_from_the_seed(samples):
    assert plan(0) == samples
    assert plan(1) != samples


def test_boats_lie_on_water_in_95_percent_of_train(samples):
    water = Counter(s.class_name for s in samples if s.split == "train" and s.scene.background == "water")
    assert water == {kind: 190 if kind == "boat" else 2 for kind in KINDS}


def test_mugs_carry_the_watermark_in_95_percent_of_train(samples):
    marked = Counter(s.class_name for s in samples if s.split == "train" and s.scene.watermark)
    assert marked == {kind: 190 if kind == "mug" else 2 for kind in KINDS}


@pytest.mark.parametrize(("split", "each"), [("val", 6), ("test", 10)])
def test_val_and_test_are_balanced_over_class_ground_and_watermark(samples, split, each):
    cells = Counter(
        (s.class_name, s.scene.background, s.scene.watermark) for s in samples if s.split == split
    )
    assert cells == {(k, b, w): each for k in KINDS for b in BACKGROUNDS for w in (False, True)}


def test_six_val_labels_are_wrong_and_exchanged_in_pairs(samples):
    wrong = [(s.split, s.class_name, s.scene.kind) for s in samples if s.mislabelled]
    assert sorted(wrong) == [
        ("val", "fish", "leaf"),
        ("val", "fish", "star"),
        ("val", "house", "star"),
        ("val", "leaf", "fish"),
        ("val", "star", "fish"),
        ("val", "star", "house"),
    ]
