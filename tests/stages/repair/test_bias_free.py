from dataclasses import replace

import pytest
import torch

from neuroinspect_tui.stages.repair.bias_free import constant_direction, without_bias
from neuroinspect_tui.stages.repair.examples import Examples
from neuroinspect_tui.stages.repair.run import repair_class
from neuroinspect_tui.tensors import Head

from .worlds import NAMES, make_split

SIZES = {(0, 0): 60, (0, 1): 20, (1, 0): 20, (1, 1): 60}


def test_where_a_neuron_is_always_on_the_bias_moves_there_exactly():
    features = torch.rand(200, 4, generator=torch.Generator().manual_seed(0))
    features[:, 2] = 2.0
    examples = Examples.plain(features, torch.zeros(200, dtype=torch.int64))
    untouched = Head(torch.eye(4)[:3], torch.zeros(3), has_bias=False)
    repaired = Head(untouched.weight + 0.5, torch.tensor([1.0, -2.0, 3.0]))
    moved = without_bias(repaired, untouched, constant_direction(examples))
    assert torch.equal(moved.bias, torch.zeros(3)) and not moved.has_bias
    assert torch.allclose(moved.logits(features), repaired.logits(features), atol=5e-3)


def test_the_direction_is_the_ridge_regression_of_one():
    features = torch.randn(50, 3, generator=torch.Generator().manual_seed(1)) + 1
    gram = features.double().T @ features.double()
    penalty = 1e-4 * gram.diagonal().mean() * torch.eye(3)
    expected = torch.linalg.solve(gram + penalty, features.double().sum(0)).float()
    found = constant_direction(Examples.plain(features, torch.zeros(50, dtype=torch.int64)))
    assert torch.allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize("method", ["ridge", "bias", "afr"])
def test_a_layer_without_bias_is_repaired_without_one(method):
    weight = torch.zeros(2, 8)
    weight[1, 3:6] = 1.0
    head = Head(weight, torch.zeros(2), has_bias=False)
    splits = {
        name: replace(split, features=split.features + 2)
        for seed, name in enumerate(("train", "val", "test"))
        if (split := make_split(name, SIZES, head, seed))
    }
    made = repair_class(splits, head, 0, NAMES, method, [3, 4, 5])
    assert torch.equal(made.head.bias, torch.zeros(2))
    if method == "ridge":
        assert made.after.accuracy > made.before.accuracy
