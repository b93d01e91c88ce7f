from dataclasses import replace

import pytest
import torch
from scipy.stats import fisher_exact, mannwhitneyu

from neuroinspect_tui.results.failure_modes import CoverTest
from neuroinspect_tui.stages.concepts import Vocabulary
from neuroinspect_tui.stages.failure_modes import find_failure_modes, scores
from neuroinspect_tui.stages.failure_modes.arrays import split_of
from neuroinspect_tui.stages.failure_modes.carried import concerned_classes, threshold_of
from neuroinspect_tui.stages.failure_modes.exact import exact_p
from neuroinspect_tui.stages.failure_modes.exemplars import exemplars_of
from neuroinspect_tui.stages.failure_modes.naming import verified_name
from neuroinspect_tui.stages.failure_modes.spurious import is_spurious, transfer
from neuroinspect_tui.stages.failure_modes.statistics import NAMES, image_statistics, strongest_statistic
from neuroinspect_tui.tensors import Head

from .worlds import cue_world, lot_world

CLEAR = CoverTest(mended=0.6, elsewhere=0.1, images=40)
NONE = CoverTest(mended=0.1, elsewhere=0.1, images=40)


def test_a_planted_cue_is_carried_by_the_images_that_have_it():
    world = cue_world(share=0.5)
    found = find_failure_modes(world.data, world.head)
    mode, above = found.modes[0], scores(world.data.features, found.directions)[:, 0] > found.thresholds[0]
    assert torch.equal(above, world.cues[:, 0])
    wrong, classes = world.data.mistakes, list(mode.classes)
    inside = torch.isin(world.data.labels, torch.tensor(classes))
    assert mode.carried.mistakes == (int((wrong & inside & above).sum()), int((wrong & inside).sum()))
    assert mode.carried.right == (int((~wrong & inside & above).sum()), int((~wrong & inside).sum()))
    (a, n), (b, m) = mode.carried.mistakes, mode.carried.right
    chance = fisher_exact([[a, n - a], [b, m - b]], alternative="greater").pvalue
    assert mode.carried.p >= chance * (1 - 1e-9)
    assert mode.carried.p < 1e-6


def test_carried_by_rarely_speaks_of_mistakes_that_have_no_cause():
    alarms = 0
    for seed in range(20):
        world = lot_world(seed)
        modes = find_failure_modes(world.data, world.head, k=4, seed=seed).modes
        alarms += min(mode.carried.p for mode in modes) < 0.05
    assert alarms <= 2


def test_the_histogram_counts_the_images_of_the_modes_classes():
    world = cue_world(share=0.5)
    found = find_failure_modes(world.data, world.head)
    mode = found.modes[0]
    drawn = mode.histogram
    assert sum(drawn.mistakes) == mode.carried.mistakes[1]
    assert sum(drawn.right) == mode.carried.right[1]
    assert len(drawn.edges) == len(drawn.right) + 1 == 21
    assert drawn.threshold == pytest.approx(float(found.thresholds[0]))
    values = scores(world.data.features, found.directions)[:, 0]
    inside = torch.isin(world.data.labels, torch.tensor(mode.classes))
    first = inside & world.data.mistakes & (values < drawn.edges[1])
    assert drawn.mistakes[0] == int(first.sum())


def test_the_threshold_parts_two_clumps_and_knows_none():
    assert threshold_of(torch.tensor([0.0, 0.1, 0.2, 5.0, 5.2])) == pytest.approx(2.6)
    assert threshold_of(torch.tensor([3.0, 3.0])) == 3.0
    assert threshold_of(torch.empty(0)) == float("inf")


def test_the_classes_concerned_hold_nine_tenths_of_the_mistakes():
    labels = torch.tensor([4] * 12 + [1] * 7 + [2])
    assert concerned_classes(labels).tolist() == [4, 1]


def test_taking_a_planted_direction_out_mends_and_a_random_one_does_not():
    world = cue_world()
    removed = find_failure_modes(world.data, world.head).modes[0].projected
    assert removed.mended > 0.9
    assert removed.broken < 0.05
    assert removed.random < 0.3


def test_a_planted_cue_is_spurious_when_the_evidence_agrees():
    world = cue_world(images=480, pull=1.2)
    found = find_failure_modes(world.data, world.head)
    effect = transfer(world.data, found, 0)
    assert (effect.predicted, effect.classes, effect.same) == (0, 3, 3)
    assert effect.p < 1e-8
    assert is_spurious(found.modes[0], effect, CLEAR)
    assert is_spurious(found.modes[0], effect, None)


def test_the_exact_test_over_classes_is_fishers_for_one_and_adds_up_for_two():
    one = fisher_exact([[7, 3], [4, 16]], alternative="greater").pvalue
    assert exact_p([(7, 10, 11, 30)]) == pytest.approx(one)
    # Two strata of two images, one of them above and one taken: each has its hit with chance 1/2.
    assert exact_p([(1, 1, 1, 2), (1, 1, 1, 2)]) == pytest.approx(0.25)
    assert exact_p([(1, 1, 1, 2), (0, 1, 1, 2)]) == pytest.approx(0.75)
    assert exact_p([]) == 1.0


def test_a_cover_that_mends_no_more_than_chance_makes_nothing_spurious():
    world = cue_world(images=480, pull=1.2)
    mode = replace(find_failure_modes(world.data, world.head).modes[0], projected=None)
    effect = transfer(world.data, find_failure_modes(world.data, world.head), 0)
    assert is_spurious(mode, effect, CLEAR, 1e-4)
    assert not is_spurious(mode, effect, CLEAR, 0.2)


def test_a_cue_that_is_the_class_itself_is_not_spurious():
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(400) % 4
    features = 0.1 * torch.rand(400, 8, generator=generator)
    features[torch.arange(400), labels] += 1
    mixed = (torch.rand(400, generator=generator) < 0.3) & (labels > 0)
    features[mixed, 0] += 1.2
    head = Head(torch.eye(4, 8), torch.zeros(4))
    data = split_of(features, labels, head)
    found = find_failure_modes(data, head)
    effect = transfer(data, found, 0)
    assert effect.same == 3
    assert effect.own < 0.98 or not is_spurious(found.modes[0], effect, CLEAR)


def test_without_a_cue_nothing_is_spurious():
    generator = torch.Generator().manual_seed(1)
    labels = torch.arange(400) % 4
    features = torch.rand(400, 12, generator=generator) + 0.5 * torch.eye(4, 12)[labels]
    head = Head(torch.eye(4, 12), torch.zeros(4))
    data = split_of(features, labels, head)
    found = find_failure_modes(data, head)
    assert len(found.rows) > 20
    assert not any(is_spurious(mode, transfer(data, found, mode.id), NONE) for mode in found.modes)


def test_statistics_of_hand_made_pictures():
    picture = torch.zeros(1, 3, 24, 24)
    picture[:, 0] = 1.0
    values = dict(zip(NAMES, image_statistics(picture, torch.tensor([[200, 100]]))[0].tolist(), strict=True))
    assert values["brightness"] == pytest.approx(0.299)
    assert values["contrast"] == pytest.approx(0, abs=1e-6)
    assert values["sharpness"] == pytest.approx(0, abs=1e-6)
    assert (values["red"], values["green"]) == pytest.approx((1.0, 0.0))
    assert (values["border red"], values["border blue"]) == pytest.approx((1.0, 0.0))
    assert (values["width"], values["height"], values["aspect"]) == pytest.approx(
        (200, 100, 0.6931), abs=1e-4
    )


def test_the_statistic_that_goes_with_a_cue_is_found_within_classes():
    generator = torch.Generator().manual_seed(0)
    labels, carries = torch.arange(200) % 2, torch.rand(200, generator=generator) < 0.4
    table = torch.rand(200, 12, generator=generator)
    table[:, 1] += 5 * labels
    table[:, 3] += 0.7 * carries
    found = strongest_statistic(table, labels, carries, modes=8)
    assert found.name == "red"
    expected = [
        mannwhitneyu(own[having], own[~having]).statistic / (having.sum() * (~having).sum())
        for own, having in ((table[labels == y, 3].numpy(), carries[labels == y].numpy()) for y in (0, 1))
    ]
    assert found.effect == pytest.approx(2 * sum(expected) / 2 - 1, abs=0.02)
    assert found.p < 1e-6
    assert strongest_statistic(torch.rand(200, 12, generator=generator), labels, carries, modes=8) is None
    assert strongest_statistic(table, labels, torch.zeros(200, dtype=torch.bool)) is None


def test_a_name_is_given_only_when_it_holds_on_other_pictures():
    generator = torch.Generator().manual_seed(0)
    texts = torch.nn.functional.normalize(torch.eye(5, 16), dim=1)
    vocabulary = Vocabulary(("sea", "snow", "sand", "sky", "soil"), texts)
    noise = 0.3 * torch.randn(48, 16, generator=generator)
    with_sea, without = noise[:24] + texts[0], noise[24:]
    name = verified_name(with_sea, without, vocabulary)
    assert name.label == "sea"
    assert name.auroc > 0.9
    assert verified_name(noise[:24], without, vocabulary) is None
    only_found = with_sea.clone()
    only_found[1::2] = noise[1:24:2]
    assert verified_name(only_found, without, vocabulary) is None
    assert verified_name(with_sea[:4], without, vocabulary) is None


def test_exemplars_are_the_highest_of_each_kind():
    world = cue_world()
    found = find_failure_modes(world.data, world.head)
    values = scores(world.data.features, found.directions)[:, 0]
    images = exemplars_of(world.data, found, 0, values, 5)
    assert images.mistakes[0] == int(found.rows_of(0)[values[found.rows_of(0)].argmax()])
    assert all(world.cues[list(images.mistakes), 0])
    assert not any(world.cues[list(images.without), 0])
    assert not world.data.mistakes[list(images.right)].any()
    assert set(world.data.labels[list(images.others)].tolist()).isdisjoint(found.modes[0].classes)
