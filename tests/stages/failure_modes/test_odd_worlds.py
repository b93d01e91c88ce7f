"""Worlds that no classifier should have and some do: what holds of failure modes holds there as well."""

import pytest
import torch

from neuroinspect_tui.stages.failure_modes import conclude, find_failure_modes
from neuroinspect_tui.stages.failure_modes.arrays import split_of
from neuroinspect_tui.tensors import Head


def drawn(*shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(len(shape) + sum(shape)))


EYE = torch.eye(8)[:2]
WORLDS = {
    "one neuron, two classes": (drawn(50, 1), [0, 1] * 25, torch.tensor([[1.0], [-1.0]])),
    "constant features": (torch.ones(60, 5), [0, 1, 2] * 20, drawn(3, 5)),
    "zero features": (torch.zeros(60, 5), [0, 1, 2] * 20, drawn(3, 5)),
    "a layer of zeros": (drawn(60, 5), [0, 1, 2] * 20, torch.zeros(3, 5)),
    "all mistakes of one class": (drawn(100, 8) + 3 * torch.eye(8)[0], [0] * 50 + [1] * 50, EYE),
    "one mistake": (
        torch.cat([torch.eye(3).repeat(20, 1), torch.eye(3)[:1]]),
        [0, 1, 2] * 20 + [1],
        torch.eye(3),
    ),
    "one wrong image": (torch.ones(1, 2), [0], torch.tensor([[0.0, 0.0], [1.0, 1.0]])),
    "no image": (torch.zeros(0, 4), [], drawn(2, 4)),
    "classes without images": (drawn(100, 6), [0, 1] * 50, drawn(50, 6)),
    "copies": (drawn(4, 6).repeat(50, 1), [0, 1, 2, 0] * 50, drawn(3, 6)),
    "one class": (drawn(30, 4), [0] * 30, drawn(1, 4)),
    "more neurons than images": (drawn(40, 300), [0, 1] * 20, drawn(2, 300)),
    "very large": (drawn(300, 20) * 1e18, [0, 1, 2] * 100, drawn(3, 20)),
    "very small": (drawn(300, 20) * 1e-18, [0, 1, 2] * 100, drawn(3, 20)),
    "yes or no": ((drawn(600, 12) > 0).float(), [0, 1, 2] * 200, drawn(3, 12)),
    "one neuron many times": (drawn(600, 1).repeat(1, 30), [0, 1, 2] * 200, drawn(3, 30)),
}


@pytest.mark.parametrize("k", [1, 8])
@pytest.mark.parametrize("name", WORLDS)
def test_every_mistake_is_in_one_mode_and_every_number_in_its_range(name, k):
    features, labels, weight = WORLDS[name]
    head = Head(weight, torch.zeros(len(weight)))
    data = split_of(features, torch.tensor(labels, dtype=torch.int64), head)
    found = find_failure_modes(data, head, k)
    assert torch.equal(found.rows, data.mistakes.nonzero()[:, 0])
    assert len(found.modes) <= min(k, max(1, len(found.rows) // 3)) * (len(found.rows) > 0)
    assert [mode.mistakes for mode in found.modes] == torch.bincount(
        found.members[found.members >= 0]
    ).tolist()
    assert torch.isfinite(found.directions).all()
    assert torch.isfinite(found.thresholds).all()
    for mode in conclude(data, found).modes:
        removed = mode.projected
        assert all(
            0 <= value <= 1 for value in (removed.mended, removed.broken, removed.random, mode.carried.p)
        )
        assert mode.carried.mistakes[0] <= mode.carried.mistakes[1] <= len(found.rows)
