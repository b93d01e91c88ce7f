import pytest
import torch

from neuroinspect_tui.stages import causal
from neuroinspect_tui.stages.causal import Intervention, fixed_shares
from neuroinspect_tui.tensors import Head

from .worlds import random_world


def brute_force(features, rows, target, head, change):
    """Set the neurons, decide again, count: one image after the other."""
    mended = 0
    for row in rows.tolist():
        z = features[row].float()
        before = int((head.weight @ z + head.bias).argmax())
        z[change.neurons] = change.values
        mended += before != target and int((head.weight @ z + head.bias).argmax()) == target
    return mended / len(rows)


def interventions(neurons, seed):
    generator = torch.Generator().manual_seed(seed)
    sizes = [1] * neurons + [2, 5, neurons]
    draws = [torch.randperm(neurons, generator=generator)[:size] for size in sizes]
    return [Intervention(draw, 3 * torch.rand(len(draw), generator=generator)) for draw in draws]


@pytest.mark.parametrize("block", [1, 7, 1 << 20])
def test_shares_equal_brute_force_in_blocks_of_any_size(monkeypatch, block):
    data, head = random_world(0, images=300, signal=0.3)
    monkeypatch.setattr(causal, "BLOCK_ELEMENTS", block * head.neurons)
    rows = (data.mistakes & (data.labels == 1)).nonzero().squeeze(1)
    changes = interventions(head.neurons, seed=1)
    found = fixed_shares(data.features, rows, 1, head, changes)
    assert found == [pytest.approx(brute_force(data.features, rows, 1, head, c)) for c in changes]
    assert len(set(found)) > 5


def test_what_the_stored_features_decide_rightly_is_mended_by_nothing():
    head = Head(torch.eye(2), torch.zeros(2))
    features = torch.tensor([[2.0, 1.0], [1.0, 2.0]])
    silence = Intervention(torch.tensor([1]), torch.zeros(1))
    assert fixed_shares(features, torch.tensor([0, 1]), 0, head, [silence]) == [0.5]


def test_features_that_are_not_finite_are_never_mended():
    head = Head(torch.eye(2), torch.zeros(2))
    features = torch.tensor([[float("nan"), 1.0], [1.0, 2.0]])
    silence = Intervention(torch.tensor([1]), torch.zeros(1))
    assert fixed_shares(features, torch.tensor([0, 1]), 0, head, [silence]) == [0.5]


def test_no_mistakes_and_no_neurons_mend_nothing():
    data, head = random_world(0)
    nothing = Intervention(torch.empty(0, dtype=torch.int64), torch.empty(0))
    rows = (data.mistakes & (data.labels == 1)).nonzero().squeeze(1)
    assert fixed_shares(data.features, rows, 1, head, [nothing]) == [0.0]
    assert fixed_shares(data.features, rows[:0], 1, head, [nothing]) == [0.0]
