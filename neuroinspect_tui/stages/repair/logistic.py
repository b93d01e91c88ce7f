"""Multinomial logistic regression of a head: towards another head (ℓ2), or sparse (ℓ1)."""

from __future__ import annotations

import torch
from torch import Tensor

from ...tensors import Head

MEMORY = 10
POWER_STEPS = 30
SETTLED = 1e-5
LEAST_GAIN = 1e-7


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

    `features` [N,D] float32, on the device that is to compute; `weights` [N] that sum to 1, s the mean of
    diag Σ w z zᵀ, so that a strength means the same for features of any size. The columns of W at `frozen`
    [K] stay as they are.
    """
    labels, weights = labels.to(features.device), weights.to(features.device)
    origin = _joined(start, features.device)
    point, pull = origin.clone(), strength * float((weights @ features.square()).mean())

    def objective() -> Tensor:
        loss, gradient = _cross_entropy(features, labels, weights, point)
        away = point - origin
        gradient += 2 * pull * away
        if frozen is not None:
            gradient[:, frozen] = 0
        point.grad = gradient
        return loss + pull * away.square().sum()

    optimizer = torch.optim.LBFGS(
        [point],
        max_iter=iterations,
        max_eval=2 * iterations,
        history_size=MEMORY,
        tolerance_grad=0.0,
        tolerance_change=LEAST_GAIN,
        line_search_fn="strong_wolfe",
    )
    with torch.no_grad():
        optimizer.step(objective)
    return _parted(point)


def _joined(head: Head, device: torch.device) -> Tensor:
    """Return (W, b), [C,D+1], on `device`."""
    return torch.cat([head.weight, head.bias[:, None]], dim=1).to(device)


def _parted(point: Tensor) -> Head:
    """Return the head of (W, b), on the CPU."""
    return Head(point[:, :-1].cpu().contiguous(), point[:, -1].cpu().contiguous())


def _cross_entropy(features: Tensor, labels: Tensor, weights: Tensor, point: Tensor) -> tuple[Tensor, Tensor]:
    """Return the weighted cross-entropy of (W, b) `point` [C,D+1], and its gradient."""
    chance = Head(point[:, :-1], point[:, -1]).logits(features).log_softmax(dim=1)
    own = chance.gather(1, labels[:, None])[:, 0]
    push = chance.exp_()
    push[torch.arange(len(labels), device=labels.device), labels] -= 1.0
    push *= weights[:, None]
    gradient = torch.cat([push.T @ features, push.sum(dim=0)[:, None]], dim=1)
    return -(weights @ own), gradient


def sparse(features: Tensor, labels: Tensor, start: Head, penalty: float, iterations: int = 100) -> Head:
    """Minimise mean CE(W z_i + b, y_i) + penalty · ‖W‖₁, b free, by accelerated proximal gradient.

    `features` [N,D] float32, on the device that is to compute. FISTA (Beck and Teboulle, SIAM J. Imaging
    Sci. 2 (2009), eq. 4.1-4.3) with the restart of O'Donoghue and Candès (arXiv 1204.3982, §3.2); the step is
    1 / L, L = λ_max(xᵀx / N) / 2 the Lipschitz constant of the multinomial loss (Böhning, Ann. Inst. Stat.
    Math. 44 (1992)). Stops when a step changes the head by less than 1e-5 of its size.
    """
    labels = labels.to(features.device)
    weights = features.new_full((len(labels),), 1.0 / len(labels))
    step = 2.0 / _largest_eigenvalue(features, weights)
    now = _joined(start, features.device)
    ahead, momentum = now, 1.0
    for _ in range(iterations):
        _, gradient = _cross_entropy(features, labels, weights, ahead)
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
    return _parted(now)


def _largest_eigenvalue(features: Tensor, weights: Tensor) -> float:
    """Return λ_max of Σ w x xᵀ, x = (z, 1), by power iteration, with 5 % to spare."""
    vector, one, value = features.new_ones(features.shape[1]), features.new_ones(()), features.new_ones(())
    for _ in range(POWER_STEPS):
        along = (features @ vector + one) * weights
        vector, one = features.T @ along, along.sum()
        value = (vector.square().sum() + one**2).sqrt()
        vector, one = vector / value, one / value
    return 1.05 * float(value)
