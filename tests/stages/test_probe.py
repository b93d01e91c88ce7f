import numpy as np
import pytest
import torch

from neuroinspect_tui.stages.probe import STRENGTHS, fit_probe, margins


def problem(count: int = 24, neurons: int = 40, values: int = 3):
    generator = torch.Generator().manual_seed(1)
    codes = torch.arange(count) % values
    features = torch.randn(count, neurons, generator=generator)
    features[:, 0] += 3.0 * codes
    return features, codes


def primal(features: np.ndarray, codes: np.ndarray, weights: np.ndarray, strength: float, size: float):
    """The same ridge as normal equations over (z − mean, 1)."""
    x = np.hstack([features, np.ones((len(features), 1))])
    goal = np.eye(codes.max() + 1)[codes] - 1 / (codes.max() + 1)
    gram = x.T @ (weights[:, None] * x) + strength * size * np.eye(x.shape[1])
    return x, goal, np.linalg.solve(gram, x.T @ (weights[:, None] * goal))


@pytest.mark.parametrize("strength", [0.01, 1.0])
def test_the_dual_solution_equals_the_normal_equations(strength):
    features, codes = problem()
    centred = (features - features.mean(0)).double().numpy()
    weights = np.full(24, 1 / 24)
    size = (weights[:, None] * centred**2).sum(0).mean()
    x, _, solution = primal(centred, codes.numpy(), weights, strength, size)
    found = fit_probe(features, codes, 3, strengths=(strength,))
    np.testing.assert_allclose(found.scores(features).numpy(), x @ solution + 1 / 3, atol=1e-5)


def test_the_strength_and_the_noise_come_from_leaving_each_image_out():
    features, codes = problem()
    centred = (features - features.mean(0)).double().numpy()
    weights, strengths, errors = np.full(24, 1 / 24), (0.001, 0.1, 10.0), []
    size = (weights[:, None] * centred**2).sum(0).mean()
    for strength in strengths:
        left = 0.0
        for row in range(24):
            kept = np.arange(24) != row
            x, goal, _ = primal(centred, codes.numpy(), weights, strength, size)
            gram = x[kept].T @ (weights[kept, None] * x[kept]) + strength * size * np.eye(x.shape[1])
            solution = np.linalg.solve(gram, x[kept].T @ (weights[kept, None] * goal[kept]))
            left += weights[row] * ((goal[row] - x[row] @ solution) ** 2).sum()
        errors.append(left)
    found = fit_probe(features, codes, 3, strengths=strengths)
    best = fit_probe(features, codes, 3, strengths=(strengths[int(np.argmin(errors))],))
    torch.testing.assert_close(found.weight, best.weight)
    assert found.noise == pytest.approx(2 * min(errors), rel=1e-6)


def test_every_value_has_the_same_total_weight():
    features, _ = problem()
    codes = torch.tensor([0] * 20 + [1] * 4)
    centred = (features - features.mean(0)).double().numpy()
    weights = np.where(codes.numpy() == 0, 1 / 40, 1 / 8)
    size = (weights[:, None] * centred**2).sum(0).mean()
    x, _, solution = primal(centred, codes.numpy(), weights, 0.1, size)
    found = fit_probe(features, codes, 2, strengths=(0.1,))
    np.testing.assert_allclose(found.scores(features).numpy(), x @ solution + 0.5, atol=1e-5)


def test_scores_do_not_depend_on_blocks_and_sum_to_one(monkeypatch):
    features, codes = problem()
    probe = fit_probe(features, codes, 3)
    whole = probe.scores(features.half())
    monkeypatch.setattr("neuroinspect_tui.stages.probe.BLOCK_ELEMENTS", 40 * 5)
    torch.testing.assert_close(probe.scores(features.half()), whole)
    torch.testing.assert_close(whole.sum(1), torch.ones(24), atol=1e-3, rtol=0)


def test_chances_are_even_at_no_margin_and_follow_the_noise():
    features, codes = problem()
    probe = fit_probe(features, codes, 3)
    scores = torch.tensor([[0.4, 0.4, 0.2], [0.8, 0.3, -0.1]])
    torch.testing.assert_close(margins(scores), torch.tensor([0.0, 0.5]))
    expected = 1 / (1 + np.exp(-2 * 0.5 / probe.noise))
    assert probe.chances(scores).tolist() == pytest.approx([0.5, expected])


def test_the_scores_left_out_are_those_of_a_fit_without_the_image():
    features, codes = problem()
    centred = (features - features.mean(0)).double().numpy()
    weights = np.full(24, 1 / 24)
    size = (weights[:, None] * centred**2).sum(0).mean()
    x, goal, _ = primal(centred, codes.numpy(), weights, 0.1, size)
    found = fit_probe(features, codes, 3, strengths=(0.1,))
    for row in (0, 7, 23):
        kept = np.arange(24) != row
        gram = x[kept].T @ (weights[kept, None] * x[kept]) + 0.1 * size * np.eye(x.shape[1])
        solution = np.linalg.solve(gram, x[kept].T @ (weights[kept, None] * goal[kept]))
        np.testing.assert_allclose(found.left_out[row].numpy(), x[row] @ solution + 1 / 3, atol=1e-5)


def test_a_value_that_no_image_has_takes_no_part_of_the_weight():
    features, _ = problem()
    codes = torch.arange(24) % 2
    found = fit_probe(features, codes, 3, strengths=(0.1,))
    missed = torch.nn.functional.one_hot(codes, 3) - found.left_out
    assert found.noise == pytest.approx(2 * float(missed.double().square().sum()) / 24, rel=1e-5)


def test_the_strengths_go_from_a_ten_thousandth_to_a_hundred_by_half_decades():
    np.testing.assert_allclose(STRENGTHS, np.logspace(-4, 2, 13))
