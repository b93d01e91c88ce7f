"""Repairs that refit the head on reweighted images: deep feature and automatic feature reweighting."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from ...tensors import Head, OnProgress, no_progress
from .candidates import Candidate, Score
from .examples import Examples
from .logistic import sparse, towards

GAMMAS = (0.5, 1.0, 2.0, 4.0)
PULLS = (1e-4, 1e-3, 1e-2)
AFR_ROWS = 16_384

INVERSE_PENALTIES = (0.03, 0.1, 0.3, 1.0)
FITS = 10
SMALLEST_CELL = 10
DFR_ROWS = 4096


def afr(
    examples: Examples,
    head: Head,
    seed: int = 0,
    on_progress: OnProgress = no_progress,
    device: torch.device | None = None,
) -> list[Candidate]:
    """Return heads refitted with the images that the old head is unsure of weighted up.

    Automatic feature reweighting (arXiv 2306.11074, eq. 2 and 3): minimise Σ w_i CE(W z_i + b, y_i) +
    λ ‖W − W_old‖² with w_i ∝ exp(−γ p_i) / N_y, p_i the old head's probability of the label y. Needs no
    groups, but images that the classifier was not trained on. Of many, 16 384 drawn by weight stand for all.
    Computes on `device`.
    """
    chance = examples.logits(head).softmax(dim=1).gather(1, examples.labels[:, None])[:, 0]
    share = 1.0 / torch.bincount(examples.labels, minlength=head.classes)[examples.labels]
    generator = torch.Generator().manual_seed(seed)
    found: list[Candidate] = []
    for gamma in GAMMAS:
        weights = share * torch.exp(-gamma * chance)
        weights /= weights.sum()
        chosen = torch.arange(len(examples))
        if len(examples) > AFR_ROWS:
            chosen = torch.multinomial(weights, AFR_ROWS, generator=generator)
            weights = torch.full((len(examples),), 1.0 / AFR_ROWS)
        features, labels = examples.take(chosen, device), examples.labels[chosen]
        for pull in PULLS:
            on_progress(len(found), len(GAMMAS) * len(PULLS))
            new = towards(features, labels, weights[chosen], head, pull)
            found.append(Candidate(new, {"gamma": gamma, "lambda": pull}))
    return found


@dataclass(frozen=True)
class _Standardised:
    """Features less their mean, over their deviation, as deep feature reweighting takes them."""

    mean: Tensor
    deviation: Tensor

    @classmethod
    def of(cls, features: Tensor) -> _Standardised:
        return cls(features.mean(dim=0), features.std(dim=0, correction=0).clamp(min=1e-6))

    def __call__(self, features: Tensor) -> Tensor:
        return (features - self.mean) / self.deviation

    def unfold(self, head: Head) -> Head:
        """Return the head on plain features that equals `head` on standardised ones."""
        weight = head.weight / self.deviation
        return Head(weight, head.bias - weight @ self.mean)


def dfr(
    examples: Examples,
    classes: int,
    score: Callable[[Head], Score],
    seed: int = 0,
    on_progress: OnProgress = no_progress,
    device: torch.device | None = None,
) -> Candidate:
    """Return the mean of ten ℓ1 logistic heads fitted from nothing on group-balanced subsets.

    Deep feature reweighting (arXiv 2204.02937, §4 and appendix B): features are standardised, a subset takes
    as many images of each (group value, class) as the smallest has (at least 10 where there are), C is the
    one of the best `score` after a single fit, the ten heads are averaged. A subset has at most 4096 images.
    Computes on `device`.
    """
    generator = torch.Generator().manual_seed(seed)
    scaling = _Standardised.of(examples.take(balanced_subset(examples, generator)))
    zero = Head(torch.zeros(classes, examples.neurons), torch.zeros(classes))
    steps, done = len(INVERSE_PENALTIES) + FITS, 0

    def fitted(start: Head, inverse: float) -> Head:
        nonlocal done
        on_progress(done, steps)
        done += 1
        rows = balanced_subset(examples, generator)
        penalty = 1.0 / (inverse * len(rows))
        features = scaling(examples.take(rows)).to(device)
        return sparse(features, examples.labels[rows], start, penalty)

    path: dict[float, Head] = {}
    start = zero
    for inverse in INVERSE_PENALTIES:
        start = path[inverse] = fitted(start, inverse)
    best = max(path, key=lambda inverse: score(scaling.unfold(path[inverse])))
    heads = [fitted(path[best], best) for _ in range(FITS)]
    mean = Head(
        torch.stack([head.weight for head in heads]).mean(0),
        torch.stack([head.bias for head in heads]).mean(0),
    )
    return Candidate(scaling.unfold(mean), {"C": best, "fits": FITS})


def balanced_subset(examples: Examples, generator: torch.Generator) -> Tensor:
    """Draw the same number of examples from every (group value, class): their indices, sorted by cell.

    Of several group columns, as many are drawn by `balanced_weights` as would be of the smallest cells.
    """
    if examples.codes.shape[1] > 1:
        return _balanced_draw(examples, generator)
    cell, count = examples.cells()
    quota = min(max(int(count.min()), SMALLEST_CELL), max(1, DFR_ROWS // len(count)))
    order = torch.randperm(len(examples), generator=generator)
    order = order[cell[order].sort(stable=True).indices]
    place = torch.arange(len(examples)) - (count.cumsum(0) - count)[cell[order]]
    return order[place < quota]


def _balanced_draw(examples: Examples, generator: torch.Generator) -> Tensor:
    """Draw examples by weights that balance each column, sorted: the smallest cell is drawn about whole."""
    counts = [count for _, count, _ in examples.marginals()]
    size = max(len(count) * max(int(count.min()), SMALLEST_CELL) for count in counts)
    size = min(size, DFR_ROWS, len(examples))
    weights = examples.balanced_weights()
    return torch.multinomial(weights, size, generator=generator).sort().values
