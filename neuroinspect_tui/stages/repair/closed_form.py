"""Repairs without iterations: a group-weighted ridge towards the old head, and the bias control."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ...tensors import Head, Tick, no_tick
from .candidates import Candidate
from .examples import Examples
from .moments import moments, with_one

STRENGTHS = tuple(10.0 ** (step / 2) for step in range(-6, 5))
LEAVE_ONE_OUT_ROWS = 4096
OFFSETS = 41


@dataclass(frozen=True)
class _Regression:
    """Weighted regression of what the scaled old head leaves: weights [N] and the old logits' scale a."""

    examples: Examples
    head: Head
    weights: Tensor
    scale: float

    def residual(self, rows: slice | Tensor, features: Tensor) -> Tensor:
        """Return t − a·l [B,C] float32, targets and old logits both centred over the classes."""
        logits = self.head.logits(features)
        centred = logits - logits.mean(dim=1, keepdim=True)
        return centred_targets(self.examples.labels[rows], self.head.classes) - self.scale * centred


def ridge(
    examples: Examples,
    head: Head,
    weights: Tensor | None = None,
    strengths: Sequence[float] = STRENGTHS,
    seed: int = 0,
    tick: Tick = no_tick,
) -> Candidate:
    """Refit the head by weighted ridge regression to one-hot targets, shrunk towards the old head.

    With x = (z, 1), H = (W, b), centred one-hot targets t and a = the least-squares scale of the old logits
    (centred over the classes) to t, solves

        min over Δ of  Σ_i w_i ‖a H x_i + Δ x_i − t_i‖² + λ s ‖Δ‖²,   new head = H + Δ / a,

    so λ → ∞ is the old head, its confidence included. s is the mean of diag Σ w z zᵀ; `weights` [N] (None:
    the same for each group value and class) sum to 1. λ is the one of `strengths` of the lowest leave-one-out
    error Σ w_i ‖e_i / (1 − h_i)‖², h_i the leverage: exact, from one eigendecomposition (Golub, Heath and
    Wahba, Technometrics 21 (1979), eq. 1.4). Of many rows, 4096 drawn by weight stand for all in that sum.
    """
    weights = examples.balanced_weights() if weights is None else weights
    task = _Regression(examples, head, weights, old_scale(examples, head, weights))
    found = moments(examples, weights, task.residual, tick)
    values, vectors = torch.linalg.eigh(found.gram)
    size = float(found.gram.diagonal()[:-1].mean())
    rotated = vectors.T @ found.cross
    spectra = [values + strength * size for strength in strengths]
    errors = _leave_one_out(task, vectors, rotated, spectra, seed)
    best = min(range(len(strengths)), key=errors.__getitem__)
    change = (vectors @ (rotated / spectra[best][:, None])).T / task.scale
    new = Head(head.weight + change[:, :-1], head.bias + change[:, -1])
    return Candidate(new, {"strength": strengths[best], "leave_one_out_error": errors[best]})


def centred_targets(labels: Tensor, classes: int) -> Tensor:
    """Return one-hot targets less 1/C, [N,C] float32: every row sums to 0."""
    return torch.nn.functional.one_hot(labels, classes).float() - 1.0 / classes


def old_scale(examples: Examples, head: Head, weights: Tensor) -> float:
    """Return a = Σ w ⟨l, t⟩ / Σ w ‖l‖² for the old logits l centred over the classes; 1 if not positive."""
    product = square = 0.0
    for where, features in examples.blocks():
        logits = head.logits(features)
        logits -= logits.mean(dim=1, keepdim=True)
        own = logits.gather(1, examples.labels[where, None])[:, 0]
        product += float((weights[where] * own).sum())
        square += float((weights[where] * logits.square().sum(dim=1)).sum())
    return product / square if product > 0 else 1.0


def _leave_one_out(
    task: _Regression, vectors: Tensor, rotated: Tensor, spectra: Sequence[Tensor], seed: int
) -> list[float]:
    """Return the weighted leave-one-out squared error for each regularised spectrum [D+1]."""
    chosen, share = torch.arange(len(task.examples)), task.weights
    if len(chosen) > LEAVE_ONE_OUT_ROWS:
        generator = torch.Generator().manual_seed(seed)
        chosen = torch.multinomial(task.weights, LEAVE_ONE_OUT_ROWS, replacement=True, generator=generator)
        share = torch.full((LEAVE_ONE_OUT_ROWS,), 1.0 / LEAVE_ONE_OUT_ROWS)
    features = task.examples.take(chosen)
    residual, projected = task.residual(chosen, features), with_one(features) @ vectors
    errors = []
    for spectrum in spectra:
        error = residual - projected @ (rotated / spectrum[:, None])
        leverage = task.weights[chosen] * (projected.square() @ (1.0 / spectrum))
        errors.append(float((share * (error / (1.0 - leverage)[:, None]).square().sum(dim=1)).sum()))
    return errors


def bias_offsets(examples: Examples, head: Head, target: int) -> list[Candidate]:
    """Return the control that moves one logit: the old head with its target bias raised or lowered.

    The offsets are 0 and the quantiles over the examples of (best other logit − target logit), the values
    at which decisions change.
    """
    logits = examples.logits(head)
    own = logits[:, target].clone()
    logits[:, target] = -torch.inf
    margins = logits.max(dim=1).values - own
    margins = margins[:: 1 + len(margins) // 1_000_000]
    steps = torch.quantile(margins, torch.linspace(0.01, 0.99, OFFSETS - 1))
    return [_with_offset(head, target, offset) for offset in (0.0, *steps.tolist())]


def _with_offset(head: Head, target: int, offset: float) -> Candidate:
    bias = head.bias.clone()
    bias[target] += offset
    return Candidate(Head(head.weight, bias), {"offset": offset})
