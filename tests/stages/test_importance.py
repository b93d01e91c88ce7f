import math

import pytest
import torch

from neuroinspect_tui.errors import Cancelled
from neuroinspect_tui.stages import importance
from neuroinspect_tui.stages.importance import mean_features, retaining_ratio
from neuroinspect_tui.tensors import Head

from .worlds import random_world


def naive_ratio(mean, head, target, neuron):
    """The definition: silence one neuron, run the decision layer again."""
    silenced = mean.clone()
    silenced[neuron] = 0
    weight, bias = head.weight.double(), head.bias.double()
    return float((weight @ mean + bias).softmax(0)[target] / (weight @ silenced + bias).softmax(0)[target])


def test_ratio_by_hand():
    head = Head(torch.tensor([[1.0, 0.0], [0.0, 1.0]]), torch.zeros(2))
    ratio = retaining_ratio(torch.tensor([math.log(3), 0.0]), head, 0)
    assert ratio.tolist() == pytest.approx([0.75 / 0.5, 1.0])


@pytest.mark.parametrize("target", [0, 3])
def test_closed_form_equals_the_naive_loop(target):
    data, head = random_world(0, neurons=40)
    mean = mean_features(data.features)
    expected = [naive_ratio(mean, head, target, neuron) for neuron in range(40)]
    assert retaining_ratio(mean, head, target).tolist() == pytest.approx(expected, rel=1e-12)


def test_fault_4_every_neuron_has_its_own_importance():
    data, head = random_world(0, neurons=40)
    ratio = retaining_ratio(mean_features(data.features), head, 2)
    assert len(set(ratio.tolist())) == 40


def test_chosen_neurons_and_blocks_change_nothing(monkeypatch):
    data, head = random_world(5)
    mean = mean_features(data.features)
    everything = retaining_ratio(mean, head, 1)
    chosen = torch.tensor([7, 0, 23])
    assert retaining_ratio(mean, head, 1, chosen).equal(everything[chosen])
    monkeypatch.setattr(importance, "BLOCK_ELEMENTS", head.classes * 5)
    assert retaining_ratio(mean, head, 1).tolist() == pytest.approx(everything.tolist(), rel=1e-12)
    assert retaining_ratio(mean, head, 1, torch.empty(0, dtype=torch.int64)).tolist() == []


def test_a_silent_neuron_has_ratio_one():
    data, head = random_world(5)
    mean = mean_features(data.features)
    mean[4] = 0
    assert float(retaining_ratio(mean, head, 1)[4]) == 1


def test_a_hopeless_class_keeps_a_finite_ratio():
    head = Head(torch.tensor([[1e4, 0.0], [0.0, 1.0]]), torch.zeros(2))
    ratio = retaining_ratio(torch.tensor([-1.0, 1.0]), head, 1)
    assert ratio.isfinite().all()
    head = Head(torch.tensor([[1e4, 0.0], [0.0, 1e4]]), torch.zeros(2))
    assert float(retaining_ratio(torch.tensor([1.0, 1.0]), head, 0)[0]) == pytest.approx(math.exp(700))


def test_mean_features_reads_blocks_and_chosen_rows(monkeypatch):
    data, _ = random_world(2)
    rows = torch.tensor([3, 50, 399, 3])
    monkeypatch.setattr(importance, "BLOCK_ELEMENTS", 24 * 9)
    expected = data.features.double()
    assert mean_features(data.features).tolist() == pytest.approx(expected.mean(0).tolist(), abs=1e-6)
    assert mean_features(data.features, rows).tolist() == pytest.approx(
        expected[rows].mean(0).tolist(), abs=1e-6
    )


def test_mean_features_leaves_out_rows_that_are_not_finite():
    features = torch.tensor([[1.0, 2.0], [float("nan"), 5.0], [3.0, 4.0], [1.0, float("inf")]]).half()
    assert mean_features(features).tolist() == [2.0, 3.0]
    assert mean_features(features, torch.tensor([1])).tolist() == [0.0, 0.0]


def test_mean_features_can_be_cancelled():
    def on_progress(done, total):
        raise Cancelled

    with pytest.raises(Cancelled):
        mean_features(torch.ones(3, 2), on_progress=on_progress)
