import numpy as np
import pytest
import torch
from scipy.stats import beta

from neuroinspect_tui.results import WorstGroup
from neuroinspect_tui.stages.estimates import (
    Evidence,
    _share,
    estimate_group,
    precision_of_cell,
    with_estimate,
)
from neuroinspect_tui.tensors import GroupColumn, Head

from .worlds import split_features


def world(generator: np.random.Generator, tags: int):
    """300 images, a quarter with the cue (accuracy .5, else .9); the probe errs on a tenth."""
    truth = (generator.random(300) > 0.25).astype(int)
    right = generator.random(300) < np.where(truth == 0, 0.5, 0.9)
    carried = np.where(generator.random(300) < 0.1, 1 - truth, truth)
    tagged = np.full(300, -1)
    chosen = generator.permutation(300)[:tags]
    tagged[chosen] = truth[chosen]
    return (*(torch.tensor(part) for part in (carried, right, tagged)), right[truth == 0].mean())


def test_the_interval_covers_the_truth_at_its_level_and_is_narrower_than_that_of_the_tags_alone():
    generator = np.random.default_rng(0)
    covered, widths, plain = [], [], []
    for _ in range(120):
        carried, right, tagged, truth = world(generator, 40)
        found = estimate_group(carried, right, tagged, 0)
        covered.append(found.interval[0] <= truth <= found.interval[1])
        widths.append(found.interval[1] - found.interval[0])
        own = right[tagged == 0].float()
        plain.append(2 * 1.645 * float((own.mean() * (1 - own.mean()) / max(1, len(own))) ** 0.5))
    assert np.mean(covered) >= 0.85
    assert np.mean(widths) < 0.85 * np.mean(plain)


def test_with_every_image_tagged_nothing_is_left_to_estimate():
    carried = torch.tensor([0, 0, 1, 1, 0])
    right = torch.tensor([True, False, True, True, True])
    tagged = torch.tensor([0, 0, 1, 0, 0])
    found = estimate_group(carried, right, tagged, 0)
    assert (found.accuracy, found.interval, found.images, found.tagged) == (0.75, (0.75, 0.75), 4.0, 5)


def test_without_images_there_is_no_estimate():
    none = torch.empty(0, dtype=torch.int64)
    assert estimate_group(none, none.bool(), none, 0) is None


@pytest.mark.parametrize(
    ("code", "first", "second"), [(1, 1 + 2, 0.25 + 3), (0, 0.25 + 2, 1 + 3), (-1, 0.625 + 2, 0.625 + 3)]
)
def test_the_share_of_a_stratum_has_its_beta_posterior(code, first, second):
    """Two of five tagged images have value 1."""
    draws = _share(2, 5, code, 1, np.random.default_rng(0))
    assert draws.mean() == pytest.approx(beta(first, second).mean(), abs=0.01)
    assert draws.std() == pytest.approx(beta(first, second).std(), abs=0.006)
    unseen = _share(0, 0, -1, 1, np.random.default_rng(0))
    assert unseen.std() == pytest.approx(beta(0.625, 0.625).std(), abs=0.01)


def test_unclear_images_are_a_stratum_of_their_own():
    carried = torch.full((10,), -1)
    tagged, right = torch.tensor([0] * 4 + [1] * 6), torch.tensor([True] * 3 + [False] * 7)
    found = estimate_group(carried, right, tagged, 0)
    assert (found.accuracy, found.images) == (0.75, 4.0)
    assert estimate_group(carried, right, tagged, 0, seed=0) == found


@pytest.mark.parametrize("by_hand", [None, torch.ones(12, dtype=torch.bool)])
def test_a_group_is_estimated_on_the_judged_images_of_its_class(by_hand):
    """Three of the four images of class 0 without the cue are right, all of them tagged."""
    labels = torch.tensor([0] * 6 + [1] * 6)
    column = GroupColumn("cue", ("not", "has"), torch.tensor([0, 0, 0, 0, 1, 1] + [1] * 6), by_hand)
    head = Head(torch.eye(2), torch.zeros(2))
    judge = split_features(torch.eye(2)[labels], labels, head, {"cue": column})
    tagged = torch.tensor([0, 1, 1])
    evidence = Evidence(
        torch.eye(2)[tagged], tagged, torch.zeros_like(tagged), torch.zeros_like(tagged), torch.ones(3)
    )
    found = with_estimate(
        WorstGroup("cue", "not", 0, 0.5, 4),
        judge,
        torch.tensor([0, 0, 0, 1, 0, 0] + [0] * 6),
        head,
        evidence,
    )
    assert (found.estimate.accuracy, found.estimate.interval, found.estimate.images) == (
        0.75,
        (0.75, 0.75),
        4,
    )
    assert (found.accuracy, found.count, found.estimate.tagged) == (0.5, 4, 1)


def test_the_precision_of_a_cell_is_that_of_its_tags():
    """Ten tagged of those that the probe calls 0, two of them right: (1 + 2) / (1.25 + 10)."""
    carried = torch.tensor([0] * 20 + [1] * 20)
    tagged = torch.tensor([0] * 2 + [1] * 8 + [-1] * 10 + [0] * 20)
    mean, (low, high) = precision_of_cell(carried, tagged, 0)
    assert mean == pytest.approx(3 / 11.25, abs=0.01)
    assert (low, high) == pytest.approx(tuple(beta(3, 8.25).ppf([0.05, 0.95])), abs=0.02)
