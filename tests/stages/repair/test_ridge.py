import numpy as np
import pytest
import torch

from neuroinspect_tui.stages.repair import ridge as module
from neuroinspect_tui.stages.repair.examples import Examples
from neuroinspect_tui.stages.repair.leace import leace
from neuroinspect_tui.stages.repair.moments import moments
from neuroinspect_tui.stages.repair.ridge import old_scale, ridge, ridge_repairs
from neuroinspect_tui.tensors import Head

from .worlds import random_examples


def towards_old(examples: Examples, head: Head, strengths=module.STRENGTHS):
    weights = examples.balanced_weights()
    return ridge(examples, weights, moments(examples, weights), {"old head": head}, strengths)[0]


def plain_problem(examples: Examples, head: Head):
    """The ridge problem of the docstring in float64 numpy: x, residual targets, weights, scale, unit size."""
    features = examples.take(torch.arange(len(examples))).double().numpy()
    x = np.hstack([features, np.ones((len(features), 1))])
    logits = x @ np.hstack([head.weight.double().numpy(), head.bias.double().numpy()[:, None]]).T
    logits -= logits.mean(1, keepdims=True)
    goal = np.eye(head.classes)[examples.labels.numpy()] - 1 / head.classes
    weights = examples.balanced_weights().double().numpy()
    root = np.sqrt(weights)[:, None]
    scale = np.linalg.lstsq((root * logits).reshape(-1, 1), (root * goal).reshape(-1), rcond=None)[0][0]
    size = (weights[:, None] * features**2).sum(0).mean()
    return x, goal - scale * logits, weights, scale, size


def solve(x, residual, weights, penalty):
    """Penalised least squares through a generic solver on the stacked system."""
    root = np.sqrt(weights)[:, None]
    stacked = np.vstack([root * x, np.sqrt(penalty) * np.eye(x.shape[1])])
    right = np.vstack([root * residual, np.zeros((x.shape[1], residual.shape[1]))])
    return np.linalg.lstsq(stacked, right, rcond=None)[0]


@pytest.mark.parametrize("strength", [0.01, 0.3, 10.0])
def test_ridge_equals_generic_least_squares_on_the_stacked_system(strength):
    examples, head = random_examples(60, 7, 3, 2)
    x, residual, weights, scale, size = plain_problem(examples, head)
    expected = solve(x, residual, weights, strength * size).T / scale
    new = towards_old(examples, head, (strength,)).head
    np.testing.assert_allclose((new.weight - head.weight).numpy(), expected[:, :-1], rtol=1e-3, atol=1e-5)
    np.testing.assert_allclose((new.bias - head.bias).numpy(), expected[:, -1], rtol=1e-3, atol=1e-5)


def test_the_strength_is_chosen_by_refitting_without_each_image():
    examples, head = random_examples(40, 5, 3, 2, seed=3)
    x, residual, weights, _, size = plain_problem(examples, head)
    strengths, errors = (0.01, 0.1, 1.0, 10.0), []
    for strength in strengths:
        left = np.zeros(len(x))
        for row in range(len(x)):
            others = np.arange(len(x)) != row
            change = solve(x[others], residual[others], weights[others], strength * size)
            left[row] = ((residual[row] - x[row] @ change) ** 2).sum()
        errors.append(float((weights * left).sum()))
    chosen = towards_old(examples, head, strengths).parameters
    assert chosen["strength"] == strengths[int(np.argmin(errors))]
    assert chosen["error"] == pytest.approx(min(errors), rel=1e-4)


def test_of_many_rows_a_sample_estimates_the_error(monkeypatch):
    examples, head = random_examples(3000, 5, 3, 2, seed=4)
    exact = towards_old(examples, head, (0.1,)).parameters["error"]
    monkeypatch.setattr(module, "LEAVE_ONE_OUT_ROWS", 1000)
    sampled = towards_old(examples, head, (0.1,)).parameters["error"]
    assert sampled != exact
    assert sampled == pytest.approx(exact, rel=0.05)


def test_an_endless_strength_is_the_old_head():
    examples, head = random_examples(50, 6, 4, 2)
    new = towards_old(examples, head, (1e12,)).head
    torch.testing.assert_close(new.weight, head.weight, rtol=0, atol=1e-6)
    torch.testing.assert_close(new.bias, head.bias, rtol=0, atol=1e-6)


def test_the_result_does_not_depend_on_how_rows_are_blocked(monkeypatch):
    examples, head = random_examples(100, 6, 3, 2)
    whole = towards_old(examples, head).head
    monkeypatch.setattr("neuroinspect_tui.stages.repair.examples.BLOCK_ELEMENTS", 6 * 7)
    torch.testing.assert_close(towards_old(examples, head).head.weight, whole.weight, rtol=1e-4, atol=1e-5)


def test_old_scale_is_one_for_a_head_that_knows_nothing():
    examples, head = random_examples(50, 6, 3, 2)
    found = moments(examples, examples.balanced_weights())
    assert old_scale(found, Head(-head.weight, -head.bias)) == 1.0
    assert 0 < old_scale(found, head) < 1.0


def test_ridge_is_shrunk_towards_the_old_head_and_towards_the_erased_one():
    examples, head = random_examples(200, 6, 3, 2)
    old, erased = ridge_repairs(examples, head, strengths=(1e12,))
    assert (old.parameters["towards"], erased.parameters["towards"]) == ("old head", "erased head")
    torch.testing.assert_close(old.head.weight, head.weight, rtol=0, atol=1e-6)
    torch.testing.assert_close(erased.head.weight, leace(examples, head)[-1].head.weight, rtol=0, atol=1e-5)


def test_unseen_images_have_three_quarters_of_the_weight():
    seen, head = random_examples(80, 6, 3, 2, seed=1)
    unseen, _ = random_examples(40, 6, 3, 2, seed=2)
    both = Examples.join([seen, unseen])
    weights = both.balanced_weights((0.25, 0.75))
    assert float(weights[80:].sum()) == pytest.approx(0.75)
    expected = ridge(both, weights, moments(both, weights), {"old head": head}, (0.1,))[0].head
    found = ridge_repairs(both, head, strengths=(0.1,))[0].head
    torch.testing.assert_close(found.weight, expected.weight)


def test_without_groups_there_is_no_erased_head_to_shrink_towards():
    examples, head = random_examples(50, 6, 3, 2)
    plain = Examples.plain(examples.take(torch.arange(50)), examples.labels)
    assert [one.parameters["towards"] for one in ridge_repairs(plain, head)] == ["old head"]


def test_very_wide_heads_are_repaired_alike_through_the_images(monkeypatch):
    """Where D × D would not fit, ridge and leace work on N × N: the same heads."""
    seen, head = random_examples(60, 40, 3, 2, seed=1)
    unseen, _ = random_examples(30, 40, 3, 2, seed=2)
    both = Examples.join([seen, unseen])
    wanted = [*ridge_repairs(both, head), *leace(both, head)]
    monkeypatch.setattr("neuroinspect_tui.stages.repair.moments.WIDE", 40)
    found = [*ridge_repairs(both, head), *leace(both, head)]
    for one, other in zip(wanted, found, strict=True):
        for name in ("strength", "towards", "share"):
            assert one.parameters.get(name) == other.parameters.get(name)
        assert one.parameters.get("error", 0.0) == pytest.approx(other.parameters.get("error", 0.0), rel=1e-3)
        torch.testing.assert_close(one.head.weight, other.head.weight, rtol=1e-3, atol=1e-4)
        torch.testing.assert_close(one.head.bias, other.head.bias, rtol=1e-3, atol=1e-4)


def test_a_logit_scale_of_zero_is_none():
    """A head that says nothing has no scale to be shrunk in: its logits are kept as they are, not divided by 0."""
    examples, head = random_examples(50, 6, 3, 2)
    silent = Head(torch.zeros_like(head.weight), torch.zeros_like(head.bias))
    found = moments(examples, examples.balanced_weights())
    assert old_scale(found, silent) == 1.0
    (made,) = ridge(examples, examples.balanced_weights(), found, {"old head": silent}, (0.1,))
    assert bool(made.head.weight.isfinite().all())


@pytest.mark.parametrize("wide", [False, True])
def test_a_head_of_zeros_is_refitted_without_a_scale(monkeypatch, wide):
    """Its logits have no scale to the targets: 1 stands for it, and the result is plain ridge regression."""
    examples, _ = random_examples(60, 7, 3, 1)
    zeros = Head(torch.zeros(3, 7), torch.zeros(3))
    assert old_scale(moments(examples, examples.balanced_weights()), zeros) == 1.0
    if wide:
        monkeypatch.setattr("neuroinspect_tui.stages.repair.moments.WIDE", 7)
    x, _, weights, _, size = plain_problem(examples, Head(torch.ones(3, 7), torch.zeros(3)))
    goal = np.eye(3)[examples.labels.numpy()] - 1 / 3
    found = ridge_repairs(examples, zeros, strengths=(0.1,))[0].head
    expected = solve(x, goal, weights, 0.1 * size).T
    np.testing.assert_allclose(found.weight.numpy(), expected[:, :-1], rtol=1e-3, atol=1e-5)
