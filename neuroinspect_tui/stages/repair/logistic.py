"""Multinomial logistic regression of a head: towards another head (ℓ2), or sparse (ℓ1)."""

from __future__ import annotations

import numpy as np
import torch
from scipy.optimize import minimize
from torch import Tensor

from ...tensors import Head

MEMORY = 10
POWER_STEPS = 30
SETTLED = 1e-5


def towards(
    features: Tensor,
    labels: Tensor,
    weights: Tensor,
    start: Head,
    strength: float,
    frozen: Tensor | None = None,
    iterations: int = 50,
) -> Head:
    """Minimise Σ w_i CE(W z_i + b, y_i) + strength · s · ‖(W, b) − start‖² by L-BFGS, from `start`.

    `features` [N,D] float32, `weights` [N] that sum to 1, s the mean of diag Σ w z zᵀ, so that a strength
    means the same for features of any size. The columns of W at `frozen` [K] stay as they are.
    """
    size = float((weights @ features.square()).mean())
    origin = torch.cat([start.weight, start.bias[:, None]], dim=1)

    def objective(flat: np.ndarray) -> tuple[float, np.ndarray]:
        point = torch.from_numpy(flat).float().view_as(origin)
        loss, gradient = _cross_entropy(features, labels, weights, Head(point[:, :-1], point[:, -1]))
        away = point - origin
        gradient += 2 * strength * size * away
        if frozen is not None:
            gradient[:, frozen] = 0
        total = loss + strength * size * float(away.square().sum())
        return total, gradient.double().numpy().ravel()

    options = {"maxiter": iterations, "maxcor": MEMORY, "ftol": 1e-7}
    found = minimize(objective, origin.double().numpy().ravel(), jac=True, method="L-BFGS-B", options=options)
    point = torch.from_numpy(found.x).float().view_as(origin)
    return Head(point[:, :-1].contiguous(), point[:, -1].contiguous())


def _cross_entropy(features: Tensor, labels: Tensor, weights: Tensor, head: Head) -> tuple[float, Tensor]:
    """Return the weighted cross-entropy and its gradient for (W, b), [C,D+1]."""
    chance = head.logits(features).log_softmax(dim=1)
    own = chance.gather(1, labels[:, None])[:, 0]
    push = chance.exp_()
    push[torch.arange(len(labels)), labels] -= 1.0
    push *= weights[:, None]
    gradient = torch.cat([push.T @ features, push.sum(dim=0)[:, None]], dim=1)
    return -float(weights @ own), gradient


def sparse(features: Tensor, labels: Tensor, start: Head, penalty: float, iterations: int = 100) -> Head:
    """Minimise mean CE(W z_i + b, y_i) + penalty · ‖W‖₁, b free, by accelerated proximal gradient.

    `features` [N,D] float32. FISTA (Beck and Teboulle, SIAM J. Imaging Sci. 2 (2009), eq. 4.1-4.3) with the
    restart of O'Donoghue and Candès (arXiv 1204.3982, §3.2); the step is 1 / L, L = λ_max(xᵀx / N) / 2 the
    Lipschitz constant of the multinomial loss (Böhning, Ann. Inst. Stat. Math. 44 (1992)). Stops when a step
    changes the head by less than 1e-5 of its size.
    """
    weights = torch.full((len(labels),), 1.0 / len(labels))
    step = 2.0 / _largest_eigenvalue(features, weights)
    now = torch.cat([start.weight, start.bias[:, None]], dim=1)
    ahead, momentum = now, 1.0
    for _ in range(iterations):
        _, gradient = _cross_entropy(features, labels, weights, Head(ahead[:, :-1], ahead[:, -1]))
        moved = ahead - step * gradient
        shrunk = moved[:, :-1]
        moved[:, :-1] = shrunk.sign() * (shrunk.abs() - step * penalty).clamp(min=0)
        if float(((ahead - moved) * (moved - now)).sum()) > 0:
            momentum = 1.0
        following = (1 + (1 + 4 * momentum**2) ** 0.5) / 2
        ahead = moved + (momentum - 1) / following * (moved - now)
        still = float((moved - now).norm()) < SETTLED * float(moved.norm())
        now, momentum = moved, following
        if still:
            break
    return Head(now[:, :-1].contiguous(), now[:, -1].contiguous())


def _largest_eigenvalue(features: Tensor, weights: Tensor) -> float:
    """Return λ_max of Σ w x xᵀ, x = (z, 1), by power iteration, with 5 % to spare."""
    vector, one = torch.ones(features.shape[1]), torch.ones(())
    value = torch.ones(())
    for _ in range(POWER_STEPS):
        along = (features @ vector + one) * weights
        vector, one = features.T @ along, along.sum()
        value = (vector.square().sum() + one**2).sqrt()
        vector, one = vector / value, one / value
    return 1.05 * float(value)
