"""Which neurons would have to change to flip a mistake to its label (arXiv 2310.07184, stage 1).

Two recipes: `counterfactual_deltas` is the paper's optimisation, solved for all mistakes at once on the
cached features; `contribution_scores` is the default recipe, one subtraction and one product a neuron.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ..tensors import Head, OnProgress, no_progress

LEARNING_RATE = 0.01
MOMENTUM = 0.9
ALPHA = 0.1
BETA = 0.01
STEP_LIMIT = 1000


@dataclass(frozen=True)
class Scores:
    """How strongly a neuron should be raised (`insufficient`) or lowered (`excessive`), [M,D] each.

    A mistake that is not `explained` [M] bool scores 0 everywhere.
    """

    insufficient: Tensor
    excessive: Tensor
    explained: Tensor


@dataclass(frozen=True)
class Deltas:
    """Counterfactuals of M mistakes: `delta` [M,D] float64, `steps` [M] int64, `flipped` [M] bool."""

    delta: Tensor
    steps: Tensor
    flipped: Tensor

    def scores(self) -> Scores:
        """Return δ as insufficient and -δ as excessive scores; what did not flip explains nothing."""
        delta = torch.where(self.flipped[:, None], self.delta, 0)
        return Scores(delta, -delta, self.flipped)


def counterfactual_deltas(
    features: Tensor,
    labels: Tensor,
    head: Head,
    step_limit: int = STEP_LIMIT,
    on_progress: OnProgress = no_progress,
) -> Deltas:
    """Change features [M,D] by δ, from 0, until the decision is `labels` [M]; all rows at once, in float64.

    Each row minimises CE(W(z+δ)+b, y) + α‖δ‖₁/D + β‖δ‖₂/D by SGD with momentum and stops at the first
    step at which argmax = y; a norm's gradient at 0 is 0. A row that already decides for y takes 0 steps.
    A row with features that are not finite, or not flipped after `step_limit` steps, is not `flipped`.
    """
    z, weight, bias = features.double(), head.weight.double(), head.bias.double()
    delta = torch.zeros_like(z)
    steps = torch.zeros(len(z), dtype=torch.int64)
    flipped = torch.zeros(len(z), dtype=torch.bool)
    active = z.isfinite().all(dim=1).nonzero().squeeze(1)
    z, labels = z[active], labels[active]
    change, velocity = torch.zeros_like(z), torch.zeros_like(z)
    for step in range(step_limit + 1):
        logits = torch.addmm(bias, z + change, weight.T)
        stays = logits.argmax(dim=1) != labels
        if not bool(stays.all()):
            flipped[active[~stays]], delta[active[~stays]] = True, change[~stays]
            active, labels, z, logits = active[stays], labels[stays], z[stays], logits[stays]
            change, velocity = change[stays], velocity[stays]
        if step == step_limit or not len(active):
            break
        on_progress(len(flipped) - len(active), len(flipped))
        velocity.mul_(MOMENTUM).add_(_gradient(logits, labels, change, weight))
        change.sub_(velocity, alpha=LEARNING_RATE)
        steps[active] += 1
    delta[active] = change
    return Deltas(delta, steps, flipped)


def _gradient(logits: Tensor, labels: Tensor, change: Tensor, weight: Tensor) -> Tensor:
    """Return the gradient [M,D] of the loss at δ = `change` for rows whose logits are [M,C]."""
    residual = logits.softmax(dim=1)
    residual[torch.arange(len(labels)), labels] -= 1
    length = torch.linalg.vector_norm(change, dim=1, keepdim=True)
    gradient = residual @ weight
    gradient.add_(change.sign(), alpha=ALPHA / change.shape[1])
    return gradient.addcdiv_(change, length.masked_fill_(length == 0, 1), value=BETA / change.shape[1])


def contribution_scores(
    features: Tensor, predicted: Tensor, target: int, class_mean: Tensor, head: Head
) -> Scores:
    """Score mistakes [M,D] of class y = `target` that were predicted as c = `predicted` [M], in float32.

    insufficient_n = (W_yn - W_cn)(μ_yn - z_n), excessive_n = (W_cn - W_yn) z_n, with μ_y = `class_mean` [D],
    where both factors are positive and 0 elsewhere: raising a neuron must help y and lowering it must hurt c.
    Two negative factors make a positive product too, but of the opposite property: a cue above its class
    mean that pushes to c would count as insufficient *and* excessive, and be dropped from both lists. A
    silent neuron (z_n = 0) is never excessive; features that are not finite explain nothing.
    """
    z = features.float()
    explained = z.isfinite().all(dim=1)
    z = torch.where(explained[:, None], z, 0)
    preference = (head.weight[target] - head.weight[predicted]) * explained[:, None]
    insufficient = preference.clamp(min=0) * (class_mean.float() - z).clamp(min=0)
    return Scores(insufficient, (-preference).clamp(min=0) * z.clamp(min=0), explained)
