"""The paper's edit; fault 9 of the published code (warm-up each epoch, penalty and batch) has its tests here."""

import math

import pytest
import torch

from neuroinspect_tui.stages.repair.candidates import Score
from neuroinspect_tui.stages.repair.gradient import EditSettings, edit, gradients
from neuroinspect_tui.tensors import Head

from .worlds import random_examples

NEURONS = torch.tensor([1, 4])


def plain_loss(weight, bias, features, labels, target, neurons, strength, goal):
    """The published loss as it is written."""
    mask = torch.ones(features.shape[1], dtype=features.dtype)
    mask[neurons] = 0
    chance = torch.softmax(features @ weight.T + bias, dim=1)[:, target]
    masked = torch.softmax((features * mask) @ weight.T + bias, dim=1)[:, target]
    penalty = torch.linalg.vector_norm(chance / (masked + 1e-9) - goal)
    return torch.nn.functional.cross_entropy(features @ weight.T + bias, labels) + strength * penalty


@pytest.mark.parametrize(("strength", "goal"), [(0.0, 1.0), (0.01, 1.0), (0.5, 1.3)])
def test_gradients_equal_autograd_on_the_loss_as_published(strength, goal):
    examples, head = random_examples(32, 6, 4, 2)
    features, labels = examples.take(torch.arange(32)).double(), examples.labels
    weight = head.weight.double().requires_grad_()
    bias = head.bias.double().requires_grad_()
    plain_loss(weight, bias, features, labels, 2, NEURONS, strength, goal).backward()
    double = Head(weight.detach(), bias.detach())
    found = gradients(double, features, labels, 2, NEURONS, EditSettings(strength=strength, goal=goal))
    torch.testing.assert_close(found[0], weight.grad, rtol=1e-9, atol=1e-12)
    torch.testing.assert_close(found[1], bias.grad, rtol=1e-9, atol=1e-12)


def test_edit_equals_an_autograd_loop_written_plainly():
    examples, head = random_examples(70, 6, 4, 2, seed=5)
    settings = EditSettings(strength=0.05, goal=1.1, rate=0.05, epochs=3)
    calls = iter([Score(0.1, 0), Score(0.2, 0), Score(0.3, 0)])
    found = edit(examples, head, 2, NEURONS, settings, lambda _: next(calls), seed=9)

    weight = head.weight.clone().requires_grad_()
    bias = head.bias.clone().requires_grad_()
    optimizer = torch.optim.Adam([weight, bias], lr=0.05)
    generator = torch.Generator().manual_seed(9)
    steps, step = 3 * 3, 0
    for _ in range(3):
        for batch in torch.randperm(70, generator=generator).split(32):
            progress = (step + 0.5) / steps
            fall = min(1, (1 - progress) / 0.25)
            optimizer.param_groups[0]["lr"] = (
                0.05 * (0.5 - 0.5 * math.cos(math.pi * fall)) * min(1, progress / 0.05)
            )
            optimizer.zero_grad()
            features, labels = examples.take(batch), examples.labels[batch]
            plain_loss(weight, bias, features, labels, 2, NEURONS, 0.05, 1.1).backward()
            optimizer.step()
            step += 1
    assert found.parameters == {"lambda": 0.05, "o": 1.1, "rate": 0.05, "epochs": 3}
    torch.testing.assert_close(found.head.weight, weight.detach(), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(found.head.bias, bias.detach(), rtol=1e-4, atol=1e-5)


def test_the_rate_warms_up_once_and_falls_once():
    settings = EditSettings()
    assert settings.rate_at(0.0) == 0.0
    assert settings.rate_at(0.025) == pytest.approx(0.5e-3)
    assert settings.rate_at(0.5) == pytest.approx(1e-3)
    assert settings.rate_at(0.875) == pytest.approx(0.5e-3)
    assert settings.rate_at(1.0) == 0.0


def test_an_epoch_is_bounded_and_drawn_anew(monkeypatch):
    monkeypatch.setattr("neuroinspect_tui.stages.repair.gradient.EPOCH_ROWS", 32)
    examples, head = random_examples(96, 6, 4, 2)
    taken = []
    monkeypatch.setattr(
        "neuroinspect_tui.stages.repair.examples.Examples.take",
        lambda self, index: taken.append(index) or self.sources[0][0][index],
    )
    edit(examples, head, 0, NEURONS, EditSettings(epochs=2), lambda _: Score(0, 0))
    assert [len(index) for index in taken] == [32, 32]
    assert set(taken[0].tolist()) != set(taken[1].tolist())


def test_the_best_epoch_is_kept_and_patience_stops_the_loop():
    examples, head = random_examples(64, 6, 4, 2)
    scores = iter([0.2, 0.5, 0.4, 0.3, 0.5])
    seen = []

    def score(new: Head) -> Score:
        seen.append(new.weight.clone())
        return Score(next(scores), 0.0)

    found = edit(examples, head, 0, NEURONS, EditSettings(patience=3), score)
    assert len(seen) == 5
    assert found.parameters["epochs"] == 2
    assert torch.equal(found.head.weight, seen[1])


def test_the_given_head_and_features_are_left_alone():
    examples, head = random_examples(64, 6, 4, 2)
    weight, features = head.weight.clone(), examples.sources[0][0].clone()
    edit(examples, head, 0, NEURONS, EditSettings(epochs=2), lambda _: Score(0, 0))
    assert torch.equal(head.weight, weight)
    assert torch.equal(examples.sources[0][0], features)


def test_the_penalty_grows_with_the_square_root_of_the_batch_as_published():
    examples, head = random_examples(32, 6, 4, 2)
    features, labels = examples.take(torch.arange(32)), examples.labels
    free = gradients(head, features, labels, 2, NEURONS, EditSettings(strength=0))[0]
    once = gradients(head, features, labels, 2, NEURONS, EditSettings())[0] - free
    twice = gradients(head, features.repeat(2, 1), labels.repeat(2), 2, NEURONS, EditSettings())[0] - free
    torch.testing.assert_close(twice, once * math.sqrt(2), rtol=1e-3, atol=1e-6)
