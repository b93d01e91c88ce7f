"""Drop the neurons that fire more on mistakes than on right decisions, and refit the head without them."""

from __future__ import annotations

import torch
from torch import Tensor

from ...tensors import Head, OnProgress, no_progress
from .candidates import Candidate
from .examples import Examples
from .logistic import towards
from .reweight import AFR_ROWS

SHARES = (0.05, 0.1, 0.25, 0.5)
PULLS = (1e-4, 1e-3, 1e-2)
FEWEST_MISTAKES = 3


def neurontune(
    examples: Examples,
    head: Head,
    seed: int = 0,
    on_progress: OnProgress = no_progress,
    device: torch.device | None = None,
) -> list[Candidate]:
    """Return heads refitted, classes balanced and towards the old head, without the most biased neurons.

    After NeuronTune (arXiv 2505.24048): a neuron's bias in a class is its median over the mistakes less its
    median over the right decisions (`bias_scores`); its weights are set to zero where the bias is positive.
    The published rule drops every neuron with a positive bias in any class, which with many classes leaves
    none; here the largest 5, 10, 25 or 50 % of the neurons go. Needs no groups, but images that the
    classifier was not trained on. Of many images a random 16 384 are used.
    Computes on `device`.
    """
    generator = torch.Generator().manual_seed(seed)
    chosen = torch.randperm(len(examples), generator=generator)[:AFR_ROWS].sort().values
    features, labels = examples.take(chosen, device), examples.labels[chosen]
    share = 1.0 / torch.bincount(labels, minlength=head.classes)[labels]
    weights = share / share.sum()
    scores = bias_scores(features, labels.to(features.device), head).cpu()
    order = scores.sort(descending=True, stable=True).indices
    biased = int((scores > 0).sum())
    found: list[Candidate] = []
    for part in SHARES:
        dropped = order[: min(biased, int(part * head.neurons))]
        without = Head(head.weight.index_fill(1, dropped, 0.0), head.bias)
        for pull in PULLS:
            on_progress(len(found), len(SHARES) * len(PULLS))
            new = towards(features, labels, weights, without, pull, frozen=dropped)
            found.append(Candidate(new, {"dropped": len(dropped), "lambda": pull}))
    return found


def bias_scores(features: Tensor, labels: Tensor, head: Head) -> Tensor:
    """Return each neuron's largest bias over the classes, [D]: the median of features [N,D] over a class's
    mistakes less that over its right decisions, over the neuron's deviation. Classes with fewer than three
    of either do not count; with none left the biases are 0."""
    wrong = head.logits(features).argmax(dim=1) != labels
    deviation = features.std(dim=0, correction=0).clamp(min=1e-6)
    biases = [features.new_zeros(features.shape[1])]
    for label in labels.unique().tolist():
        own = labels == label
        if min(int((own & wrong).sum()), int((own & ~wrong).sum())) >= FEWEST_MISTAKES:
            mistakes, right = (features[own & part].median(dim=0).values for part in (wrong, ~wrong))
            biases.append((mistakes - right) / deviation)
    return torch.stack(biases[1:] or biases).max(dim=0).values
