import math

import pytest
import torch

from neuroinspect_tui.stages.masks import DIMMED, activation_mask, dim, standardise, upsample


def test_upsampling_is_bilinear_between_pixel_centres():
    grown = upsample(torch.tensor([[0.0, 4.0]]), 2, 4)
    assert grown.tolist() == [[0, 1, 3, 4], [0, 1, 3, 4]]
    assert upsample(torch.zeros(5, 2, 3, 3), 6, 7).shape == (5, 2, 6, 7)


def test_scores_are_standard_deviations_above_the_mean():
    scores = standardise(torch.tensor([[1.0, 1.0], [1.0, 5.0]]))
    assert scores.flatten().tolist() == pytest.approx([-1 / math.sqrt(3)] * 3 + [math.sqrt(3)])


def test_the_mask_keeps_what_is_above_the_threshold_and_dims_the_rest():
    neuron_map = torch.tensor([[0.0, 0.0], [0.0, 9.0]])
    mask = activation_mask(neuron_map, 2, 2)
    assert mask.tolist() == [[DIMMED, DIMMED], [DIMMED, 1.0]]
    assert torch.equal(activation_mask(neuron_map * 1000 + 5, 2, 2), mask)


@pytest.mark.parametrize("level", [0.0, 3.0, 1e6])
def test_a_neuron_without_a_place_keeps_the_whole_picture(level):
    assert torch.all(activation_mask(torch.full((4, 4), level), 8, 8) == 1)
    assert torch.all(activation_mask(torch.full((1, 1), level), 8, 8) == 1)


def test_every_map_of_a_batch_is_judged_by_itself():
    maps = torch.stack([torch.zeros(2, 2), torch.tensor([[0.0, 0.0], [0.0, 9.0]])])
    masks = activation_mask(maps, 2, 2)
    assert torch.all(masks[0] == 1) and masks[1].sum() == 1 + 3 * DIMMED


def test_dimming_rounds_and_leaves_what_is_kept():
    rgb = torch.tensor([[[201, 100, 0], [201, 100, 0]]], dtype=torch.uint8)
    assert dim(rgb, torch.tensor([[1.0, 0.5]])).tolist() == [[[201, 100, 0], [100, 50, 0]]]
