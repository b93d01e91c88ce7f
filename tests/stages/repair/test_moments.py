import numpy as np
import torch

from neuroinspect_tui.stages.repair.moments import moments

from .worlds import random_examples


def test_moments_equal_plain_products_however_rows_are_blocked(monkeypatch):
    monkeypatch.setattr("neuroinspect_tui.stages.repair.examples.BLOCK_ELEMENTS", 6 * 7)
    examples, _ = random_examples(100, 6, 3, 2)
    weights = examples.balanced_weights()
    found = moments(examples, weights)
    x = np.hstack([examples.take(torch.arange(100)).double().numpy(), np.ones((100, 1))])
    plain = weights.double().numpy()
    np.testing.assert_allclose(found.gram.numpy(), x.T @ (plain[:, None] * x), rtol=1e-5)
    np.testing.assert_allclose(found.mean.numpy(), plain @ x[:, :-1], rtol=1e-5)
    np.testing.assert_allclose(found.size, (plain[:, None] * x[:, :-1] ** 2).sum(0).mean(), rtol=1e-5)
    for cell, (label, code) in enumerate(zip(found.labels, found.codes, strict=True)):
        own = ((examples.labels == label) & (examples.codes == code).all(dim=1)).numpy()
        np.testing.assert_allclose(found.sums[cell].numpy(), plain[own] @ x[own], rtol=1e-5)
    assert len(found.labels) == 6
