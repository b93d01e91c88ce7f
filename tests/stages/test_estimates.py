import numpy as np
import pytest
import torch

from neuroinspect_tui.stages.estimates import estimate_group, precision_of_cell


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


def test_the_precision_of_a_cell_is_that_of_its_tags():
    """Ten tagged of those that the probe calls 0, two of them right: (1 + 2) / (1.25 + 10)."""
    carried = torch.tensor([0] * 20 + [1] * 20)
    tagged = torch.tensor([0] * 2 + [1] * 8 + [-1] * 10 + [0] * 20)
    mean, (low, high) = precision_of_cell(carried, tagged, 0)
    assert mean == pytest.approx(3 / 11.25, abs=0.01)
    assert low < mean < high < 0.55
