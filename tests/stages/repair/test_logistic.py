import numpy as np
import pytest
import torch
from scipy.optimize import minimize
from sklearn.linear_model import LogisticRegression

from neuroinspect_tui.stages.repair.logistic import sparse, towards
from neuroinspect_tui.tensors import Head

from .worlds import random_examples


def problem(classes: int = 3, seed: int = 0):
    examples, head = random_examples(120, 5, classes, 2, seed)
    features = examples.take(torch.arange(120))
    weights = torch.rand(120, generator=torch.Generator().manual_seed(7))
    return features, examples.labels, weights / weights.sum(), head


def plain_loss(features, labels, weights, head: Head) -> float:
    logits = features.double() @ head.weight.double().T + head.bias.double()
    return float(
        (weights.double() * torch.nn.functional.cross_entropy(logits, labels, reduction="none")).sum()
    )


@pytest.mark.parametrize("strength", [0.001, 0.1])
def test_towards_reaches_the_minimum_that_autograd_and_scipy_find(strength):
    features, labels, weights, head = problem()
    origin = torch.cat([head.weight, head.bias[:, None]], dim=1).double()
    size = float((weights[:, None] * features**2).sum(0).mean())

    def objective(flat):
        point = torch.tensor(flat).view_as(origin).requires_grad_()
        logits = features.double() @ point[:, :-1].T + point[:, -1]
        loss = (weights * torch.nn.functional.cross_entropy(logits, labels, reduction="none")).sum()
        loss = loss + strength * size * ((point - origin) ** 2).sum()
        loss.backward()
        return float(loss.detach()), point.grad.numpy().ravel()

    expected = minimize(objective, np.zeros(origin.numel()), jac=True, method="BFGS").x.reshape(origin.shape)
    found = towards(features, labels, weights, head, strength, iterations=500)
    np.testing.assert_allclose(found.weight.numpy(), expected[:, :-1], atol=5e-3)
    np.testing.assert_allclose(found.bias.numpy(), expected[:, -1], atol=5e-3)


def test_towards_leaves_frozen_columns_as_they_are():
    features, labels, weights, head = problem()
    found = towards(features, labels, weights, head, 0.001, frozen=torch.tensor([1, 3]))
    assert torch.equal(found.weight[:, [1, 3]], head.weight[:, [1, 3]])
    assert not torch.allclose(found.weight[:, [0, 2]], head.weight[:, [0, 2]], atol=1e-3)


def test_an_endless_pull_is_the_old_head():
    features, labels, weights, head = problem()
    found = towards(features, labels, weights, head, 1e9)
    torch.testing.assert_close(found.weight, head.weight, rtol=0, atol=1e-5)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("penalty", [0.003, 0.03])
def test_sparse_reaches_the_loss_of_scikit_learn_and_its_zeros(penalty):
    features, labels, _, head = problem()
    even = torch.full((120,), 1 / 120)
    other = LogisticRegression(
        penalty="l1", solver="saga", C=1 / (120 * penalty), max_iter=20_000, tol=1e-8
    ).fit(features.numpy(), labels.numpy())
    expected = Head(torch.tensor(other.coef_), torch.tensor(other.intercept_))
    zero = Head(torch.zeros_like(head.weight), torch.zeros_like(head.bias))
    found = sparse(features, labels, zero, penalty, iterations=3000)

    def total(one: Head) -> float:
        return plain_loss(features, labels, even, one) + penalty * float(one.weight.double().abs().sum())

    assert total(found) == pytest.approx(total(expected), abs=1e-5)
    np.testing.assert_allclose(found.weight.numpy(), expected.weight.numpy(), atol=0.02)
    assert torch.equal(found.weight == 0, expected.weight.abs() < 1e-6)


def test_sparse_drops_every_weight_under_a_large_penalty():
    features, labels, _, head = problem()
    found = sparse(features, labels, Head(head.weight * 0, head.bias * 0), penalty=10.0, iterations=500)
    assert torch.count_nonzero(found.weight) == 0
    torch.testing.assert_close(found.bias.softmax(0), torch.bincount(labels) / 120.0, rtol=0, atol=1e-3)
