"""The paper's edit of the decision layer and its control, on cached features with written-out gradients."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from ...tensors import NO_MEMORY, Head, Memory, Tick, no_tick
from .candidates import Candidate, Score
from .examples import Examples
from .training import Training

CHUNK = 128
EPOCH_ROWS = 24_576
SMALLEST = 1e-9


@dataclass(frozen=True)
class Recipe:
    """The published constants: penalty λ and its goal o, Adam, and when to stop.

    `strength` 0 is the control `finetune`. The learning rate warms up over the first 5 % of the steps of the
    whole run and falls as a cosine over the last 25 % (the published loop restarts both each epoch).
    """

    strength: float = 0.01
    goal: float = 1.0
    rate: float = 1e-3
    batch: int = 32
    epochs: int = 20
    patience: int = 5

    def rate_at(self, progress: float) -> float:
        """Return the learning rate at `progress` 0…1 of the run."""
        fall = min(1.0, (1.0 - progress) / 0.25)
        return self.rate * (0.5 - 0.5 * math.cos(fall * math.pi)) * min(1.0, progress / 0.05)


def edit(
    examples: Examples,
    head: Head,
    target: int,
    neurons: Tensor,
    recipe: Recipe,
    score: Callable[[Head], Score],
    seed: int = 0,
    tick: Tick = no_tick,
    memory: Memory = NO_MEMORY,
) -> Candidate:
    """Train the head by the paper's loss (arXiv 2310.07184, stage 3) and return its best epoch by `score`.

    Each batch of features z minimises, by Adam,

        mean CE(W z + b, y) + λ ‖ p(z)_c / p(z ⊙ m)_c − o ‖₂,

    c the `target`, m 0 on `neurons` [K] and 1 elsewhere, the norm over the batch; 32 images a batch as
    published, because the penalty grows with the batch. An epoch is at most 24 576 images, drawn anew. Stops
    after `patience` epochs without a better score. Goes on from the last epoch that `memory` has.
    """
    name = _name(examples, target, neurons, recipe, seed)
    training = Training.begin(head, recipe.rate, seed)
    reached = memory.recall(name)
    if reached is not None:
        training.restore(reached)
    while training.epoch < recipe.epochs and training.since < recipe.patience:
        _train_epoch(training, examples, target, neurons, recipe, tick)
        training.judge(score(training.head))
        memory.keep(name, training.tensors())
    return Candidate(training.kept, _parameters(recipe, training.kept_epoch))


def _train_epoch(
    training: Training, examples: Examples, target: int, neurons: Tensor, recipe: Recipe, tick: Tick
) -> None:
    """Take the steps of one epoch."""
    new, optimiser = training.head, training.optimiser
    length = math.ceil(min(len(examples), EPOCH_ROWS) / recipe.batch)
    order = torch.randperm(len(examples), generator=training.generator)[:EPOCH_ROWS]
    batches = _batches(examples, order, recipe.batch)
    for step, (features, labels) in enumerate(batches, training.epoch * length):
        if step % CHUNK == 0:
            tick(step, recipe.epochs * length)
        optimiser.param_groups[0]["lr"] = recipe.rate_at((step + 0.5) / (recipe.epochs * length))
        new.weight.grad, new.bias.grad = gradients(new, features, labels, target, neurons, recipe)
        optimiser.step()


def _name(examples: Examples, target: int, neurons: Tensor, recipe: Recipe, seed: int) -> str:
    """Return a name for exactly this training."""
    asked = f"{recipe} {len(examples)} {target} {neurons.tolist()} {seed}"
    return hashlib.sha256(asked.encode()).hexdigest()[:16]


def _batches(examples: Examples, order: Tensor, size: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield (features [B,D], labels [B]) of the examples in `order`, read many batches at a time."""
    for chunk in order.split(CHUNK * size):
        features, labels = examples.take(chunk), examples.labels[chunk]
        yield from zip(features.split(size), labels.split(size), strict=True)


def _parameters(recipe: Recipe, epoch: int) -> dict[str, float | int | str]:
    return {"lambda": recipe.strength, "o": recipe.goal, "rate": recipe.rate, "epochs": epoch}


def gradients(
    head: Head, features: Tensor, labels: Tensor, target: int, neurons: Tensor, recipe: Recipe
) -> tuple[Tensor, Tensor]:
    """Return the gradients of the loss of `edit` on one batch: [C,D] for the weight, [C] for the bias.

    With r = p_c / (p̃_c + 1e-9), ∇r = r (∇log p_c − p̃_c / (p̃_c + 1e-9) ∇log p̃_c), and the logits without the
    neurons are the logits less z_S W_Sᵀ.
    """
    logits = head.logits(features)
    chance = logits.softmax(dim=1)
    kept = chance.clone()
    kept[torch.arange(len(labels)), labels] -= 1.0
    kept /= len(labels)
    if recipe.strength == 0:
        return kept.T @ features, kept.sum(dim=0)
    silenced = features[:, neurons]
    masked = (logits - silenced @ head.weight[:, neurons].T).softmax(dim=1)
    own, other = chance[:, target], masked[:, target]
    ratio = own / (other + SMALLEST)
    miss = ratio - recipe.goal
    push = (recipe.strength * miss / miss.norm().clamp(min=1e-12) * ratio)[:, None]
    kept += push * _log_gradient(chance, target)
    without = -push * (other / (other + SMALLEST))[:, None] * _log_gradient(masked, target)
    weight = (kept + without).T @ features
    weight[:, neurons] -= without.T @ silenced
    return weight, (kept + without).sum(dim=0)


def _log_gradient(chance: Tensor, target: int) -> Tensor:
    """Return ∂ log p_c / ∂ logits = e_c − p, [B,C]."""
    found = -chance
    found[:, target] += 1.0
    return found
