import pytest
import torch

from neuroinspect_tui.stages.exemplars import Ranked, crop_from_map, rank_exemplars
from neuroinspect_tui.stages.masks import DIMMED
from neuroinspect_tui.tensors import Head, SplitFeatures

HEAD = Head(torch.tensor([[1.0, 0.0], [-2.0, 0.0], [0.5, 1.0]]), torch.zeros(3))


def split(activations, labels, top_classes):
    count = len(labels)
    return SplitFeatures(
        split="val",
        features=torch.tensor([[value, 9.0] for value in activations]).half(),
        labels=torch.tensor(labels),
        top_logits=torch.zeros(count, 2),
        top_classes=torch.tensor(top_classes),
        confidence=torch.zeros(count),
        paths=[str(row) for row in range(count)],
        rows=torch.arange(count),
    )


DATA = split(
    activations=[1.0, 4.0, 0.0, 2.0, 3.0, 2.0],
    labels=[0, 1, 0, 0, 0, 2],
    top_classes=[[0, 1], [1, 2], [2, 0], [1, 0], [0, 2], [2, 1]],
)


def test_the_strongest_images_of_all_of_the_class_and_of_its_mistakes():
    ranked = rank_exemplars(DATA, HEAD, target=0, neuron=0, count=3)
    assert [item.row for item in ranked["overall"]] == [1, 4, 3]
    assert [item.row for item in ranked["class"]] == [4, 3, 0]
    assert [item.row for item in ranked["mistakes"]] == [3]


def test_the_contribution_is_the_lead_over_the_true_class_or_the_runner_up():
    ranked = rank_exemplars(DATA, HEAD, target=0, neuron=0, count=9)
    assert ranked["class"] == [
        Ranked(4, 3.0, 3 * (1 - 0.5)),
        Ranked(3, 2.0, 2 * (-2 - 1)),
        Ranked(0, 1.0, 1 * (1 + 2)),
    ]


def test_by_contribution_the_order_changes():
    ranked = rank_exemplars(DATA, HEAD, target=0, neuron=0, count=2, order="contribution")
    assert [item.row for item in ranked["class"]] == [0, 4]
    assert [item.row for item in ranked["overall"]] == [5, 0]


def test_equal_activations_keep_the_order_of_the_data_and_silent_images_are_left_out():
    data = split([1.0, 1.0, 0.0, 1.0], [0, 0, 0, 0], [[0, 1]] * 4)
    assert [item.row for item in rank_exemplars(data, HEAD, 0, 0, 4)["class"]] == [0, 1, 3]
    assert rank_exemplars(data, HEAD, 1, 0, 4)["class"] == []


def test_the_crop_surrounds_the_peak_and_stays_inside_the_image():
    neuron_map = torch.zeros(8, 8)
    neuron_map[6, 1] = 1.0
    (left, top, right, bottom), mask = crop_from_map(96, 96, neuron_map)
    assert right - left == bottom - top == 32
    assert left == 18 - 17 and abs((top + bottom) / 2 - 78) <= 2
    assert mask[78, 18] == 1 and mask[10, 80] == DIMMED
    neuron_map = torch.zeros(8, 8)
    neuron_map[0, 7] = 1.0
    assert crop_from_map(96, 96, neuron_map)[0] == (64, 0, 96, 32)


def test_a_wide_region_gets_a_wider_crop_and_a_wide_image_a_square_one():
    neuron_map = torch.zeros(8, 16)
    neuron_map[1:7, 5:11] = 1.0
    (left, top, right, bottom), _ = crop_from_map(80, 160, neuron_map)
    assert 27 < right - left == bottom - top <= 80


@pytest.mark.parametrize("size", [1, 7])
def test_a_constant_map_keeps_the_whole_image(size):
    box, mask = crop_from_map(20, 30, torch.full((size, size), 2.0))
    assert box == (0, 0, 30, 20)
    assert torch.all(mask == 1)
