"""A repair without iterations: a group-weighted ridge towards an old head."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ...tensors import Head, OnProgress, no_progress
from .candidates import Candidate
from .examples import Examples, thinned
from .leace import erased_heads, has_groups
from .moments import Moments, dual_moments, is_wide, moments, with_one

STRENGTHS = tuple(10.0 ** (step / 2) for step in range(-6, 5))
LEAVE_ONE_OUT_ROWS = 2048
LARGEST_FIT = 16_384
LARGEST_DUAL = 4096
SEEN_UNSEEN = (0.25, 0.75)


def ridge_repairs(
    examples: Examples,
    head: Head,
    strengths: Sequence[float] = STRENGTHS,
    seed: int = 0,
    on_progress: OnProgress = no_progress,
) -> list[Candidate]:
    """Return ridge repairs that weight each (group value, class) the same, from one pass over the features.

    One is shrunk towards the old head and, where a class has two groups, another towards the old head with
    the groups erased (`leace`). Of two sources, the images that the classifier was trained on and unseen
    ones, the second has three quarters of the weight of every group: features of the first are overconfident
    (docs/benchmarks.md). Of more than 16 384 images the largest groups are thinned.
    """
    generator = torch.Generator().manual_seed(seed)
    if is_wide(examples):
        return _dual_repairs(thinned(examples, LARGEST_DUAL, generator), head, strengths, on_progress)
    examples = thinned(examples, LARGEST_FIT, generator)
    weights = examples.balanced_weights(SEEN_UNSEEN if len(examples.sources) == 2 else None)
    found = moments(examples, weights, on_progress)
    starts = {"old head": head}
    if has_groups(examples):
        starts["erased head"] = erased_heads(found, head)[-1].head
    return ridge(examples, weights, found, starts, strengths, seed)


def _dual_repairs(
    examples: Examples, head: Head, strengths: Sequence[float], on_progress: OnProgress
) -> list[Candidate]:
    """Return the same repairs in dual form: Δᵀ = Xᵀ (X Xᵀ + λ s)⁻¹ R, X of rows √w x and R of √w (t − a l).

    The leave-one-out residual is ((X Xᵀ + λ s)⁻¹ R)_i / ((X Xᵀ + λ s)⁻¹)_ii, at the cost of one N × N
    eigendecomposition.
    """
    weights = examples.balanced_weights(SEEN_UNSEEN if len(examples.sources) == 2 else None)
    found = dual_moments(examples, weights, on_progress)
    starts = {"old head": head}
    if has_groups(examples):
        starts["erased head"] = erased_heads(found, head)[-1].head
    values, vectors = torch.linalg.eigh((found.rows @ found.rows.T).double())
    root = weights.sqrt()[:, None]
    targets = centred_targets(examples.labels, head.classes)
    candidates = []
    for name, start in starts.items():
        logits = examples.logits(start)
        logits -= logits.mean(dim=1, keepdim=True)
        product, square = (float((weights[:, None] * logits * other).sum()) for other in (targets, logits))
        # A head whose logits run against the targets, or are all zero, has no scale to keep.
        scale = product / square if product > 0 else 1.0
        rotated = vectors.T @ (root * (targets - scale * logits)).double()
        errors, changes = [], []
        for strength in strengths:
            # Rounding leaves eigenvalues of a rank-deficient X Xᵀ slightly below 0.
            inverse = 1.0 / (values.clamp(min=0) + strength * found.size)
            dual = vectors @ (rotated * inverse[:, None])
            left_out = dual / (vectors.square() @ inverse)[:, None]
            errors.append(float(left_out.square().sum()))
            changes.append(dual)
        best = min(range(len(errors)), key=errors.__getitem__)
        change = (found.rows.T @ changes[best].float()).T / scale
        new = Head(start.weight + change[:, :-1], start.bias + change[:, -1])
        candidates.append(
            Candidate(new, {"strength": strengths[best], "error": errors[best], "towards": name})
        )
    return candidates


def ridge(
    examples: Examples,
    weights: Tensor,
    found: Moments,
    starts: Mapping[str, Head],
    strengths: Sequence[float],
    seed: int = 0,
) -> list[Candidate]:
    """Refit each of the heads in `starts` by weighted ridge regression to one-hot targets, shrunk towards it.

    With x = (z, 1), H = (W, b) of a start with its logits centred over the classes, centred one-hot targets t
    and a = the least-squares scale of the logits to t, solves

        min over Δ of  Σ_i w_i ‖a H x_i + Δ x_i − t_i‖² + λ s ‖Δ‖²,   new head = (W, b) + Δ / a,

    so λ → ∞ is the start, its confidence included. `found` are the moments of the examples with `weights`
    [N], s their size. λ is the one of `strengths` with the lowest leave-one-out error, the sum of
    w_i ‖e_i / (1 − h_i)‖², h_i the leverage: exact, from one eigendecomposition (Golub, Heath and Wahba,
    Technometrics 21 (1979), eq. 1.4). Of many rows, 2048 drawn by weight stand for all in that sum.
    """
    values, vectors = torch.linalg.eigh(found.gram.float())
    spectra = torch.stack([values + strength * found.size for strength in strengths])
    held = _HeldOut.draw(examples, weights, vectors, spectra, seed)
    return [_shrunk(found, held, name, start, strengths) for name, start in starts.items()]


def _shrunk(found: Moments, held: _HeldOut, name: str, start: Head, strengths: Sequence[float]) -> Candidate:
    """Return the ridge repair towards one start, at the strength of the lowest leave-one-out error."""
    scale = old_scale(found, start)
    rotated = held.vectors.T @ _cross(found, start, scale)
    errors = held.errors(start, scale, rotated)
    best = int(errors.argmin())
    change = (held.vectors @ (rotated / held.spectra[best][:, None])).T / scale
    new = Head(start.weight + change[:, :-1], start.bias + change[:, -1])
    return Candidate(new, {"strength": strengths[best], "error": float(errors[best]), "towards": name})


def old_scale(found: Moments, head: Head) -> float:
    """Return a = Σ w ⟨l, t⟩ / Σ w ‖l‖² for logits l centred over the classes; 1 if it is not positive."""
    rows = _centred_rows(head)
    product = float((rows * _targets_cross(found, head.classes).T).sum())
    square = float(((rows @ found.gram) * rows).sum())
    return product / square if product > 0 else 1.0


def centred_targets(labels: Tensor, classes: int) -> Tensor:
    """Return one-hot targets less 1/C, [N,C] float32: every row sums to 0."""
    return torch.nn.functional.one_hot(labels, classes).float() - 1.0 / classes


def _centred_rows(head: Head) -> Tensor:
    """Return (W, b) whose logits are centred over the classes, [C,D+1] float64."""
    rows = torch.cat([head.weight, head.bias[:, None]], dim=1).double()
    return rows - rows.mean(dim=0)


def _targets_cross(found: Moments, classes: int) -> Tensor:
    """Return Σ w x tᵀ, [D+1,C] float64."""
    return found.sums.T @ centred_targets(found.labels, classes).double()


def _cross(found: Moments, head: Head, scale: float) -> Tensor:
    """Return Σ w x (t − a l)ᵀ, [D+1,C] float32, l the head's logits centred over the classes."""
    return (_targets_cross(found, head.classes) - scale * found.gram @ _centred_rows(head).T).float()


@dataclass(frozen=True)
class _HeldOut:
    """Examples [M] that stand for all in the leave-one-out error, and the regularised eigenvalues.

    `vectors` [D+1,D+1] and `spectra` [S,D+1] belong to the Gram matrix, `projected` [M,D+1] is x in its
    eigenbasis, `leverages` [S,M] are w x (Σ w x xᵀ + λ s)⁻¹ xᵀ, `shares` [M] the parts of each in the error.
    """

    vectors: Tensor
    spectra: Tensor
    features: Tensor
    labels: Tensor
    projected: Tensor
    leverages: Tensor
    shares: Tensor

    @classmethod
    def draw(
        cls, examples: Examples, weights: Tensor, vectors: Tensor, spectra: Tensor, seed: int
    ) -> _HeldOut:
        """Take all examples or, of many, 2048 drawn by weight."""
        chosen, shares = torch.arange(len(examples)), weights
        if len(chosen) > LEAVE_ONE_OUT_ROWS:
            generator = torch.Generator().manual_seed(seed)
            chosen = torch.multinomial(weights, LEAVE_ONE_OUT_ROWS, replacement=True, generator=generator)
            # Drawn by weight, each row stands for the same part of the weighted sum.
            shares = torch.full((LEAVE_ONE_OUT_ROWS,), 1.0 / LEAVE_ONE_OUT_ROWS)
        features = examples.take(chosen)
        projected = with_one(features) @ vectors
        leverages = (projected.square() @ (1.0 / spectra).T).T * weights[chosen]
        return cls(vectors, spectra, features, examples.labels[chosen], projected, leverages, shares)

    def errors(self, start: Head, scale: float, rotated: Tensor) -> Tensor:
        """Return the leave-one-out error at each spectrum, [S], for the cross moments in the eigenbasis."""
        logits = start.logits(self.features)
        residual = centred_targets(self.labels, start.classes)
        residual -= scale * (logits - logits.mean(dim=1, keepdim=True))
        errors = []
        for spectrum, leverage in zip(self.spectra, self.leverages, strict=True):
            left_out = (residual - self.projected @ (rotated / spectrum[:, None])) / (1.0 - leverage)[:, None]
            errors.append((self.shares * left_out.square().sum(dim=1)).sum())
        return torch.stack(errors)
