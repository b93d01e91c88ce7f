"""The paper's edit of the decision layer and its control, on cached features with written-out gradients."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from ...tensors import NO_MEMORY, Head, Memory, OnProgress, no_progress
from .candidates import Candidate, Score
from .examples import Examples
from .training import Training

CHUNK = 128
EPOCH_ROWS = 24_576
SMALLEST = 1e-9


@dataclass(frozen=True)
class EditSettings:
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
    settings: EditSettings,
    score: Callable[[Head], Score],
    seed: int = 0,
    on_progress: OnProgress = no_progress,
    memory: Memory = NO_MEMORY,
) -> Candidate:
    """Train the head by the paper's loss (arXiv 2310.07184, stage 3) and return its best epoch by `score`.

    Each batch of features z minimises, by Adam,

        mean CE(W z + b, y) + λ ‖ p(z)_c / p(z ⊙ m)_c − o ‖₂,

    c the `target`, m 0 on `neurons` [K] and 1 elsewhere, the norm over the batch; 32 images a batch as
    published, because the penalty grows with the batch. An epoch is at most 24 576 images, drawn anew. Stops
    after `patience` epochs without a better score. Goes on from the last epoch that `memory` has.
    """
    name = _name(examples, target, neurons, settings, seed)
    training = Training.begin(head, settings.rate, seed)
    reached = memory.recall(name)
    if reached is not None:
        training.restore(reached)
    while training.epoch < settings.epochs and training.since < settings.patience:
        _train_epoch(training, examples, target, neurons, settings, on_progress)
        training.judge(score(training.head))
        memory.keep(name, training.tensors())
    return Candidate(training.kept, _parameters(settings, training.kept_epoch))


def _train_epoch(
    training: Training,
    examples: Examples,
    target: int,
    neurons: Tensor,
    settings: EditSettings,
    on_progress: OnProgress,
) -> None:
    """Take the steps of one epoch."""
    new, optimizer = training.head, training.optimizer
    length = math.ceil(min(len(examples), EPOCH_ROWS) / settings.batch)
    order = torch.randperm(len(examples), generator=training.generator)[:EPOCH_ROWS]
    batches = _batches(examples, order, settings.batch)
    for step, (features, labels) in enumerate(batches, training.epoch * length):
        if step % CHUNK == 0:
            on_progress(step, settings.epochs * length)
        optimizer.param_groups[0]["lr"] = settings.rate_at((step + 0.5) / (settings.epochs * length))
        new.weight.grad, new.bias.grad = gradients(new, features, labels, target, neurons, settings)
        optimizer.step()


def _name(examples: Examples, target: int, neurons: Tensor, settings: EditSettings, seed: int) -> str:
    """Return a name for exactly this training."""
    asked = f"{settings} {len(examples)} {target} {neurons.tolist()} {seed}"
    return hashlib.sha256(asked.encode()).hexdigest()[:16]


def _batches(examples: Examples, order: Tensor, size: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield (features [B,D], labels [B]) of the examples in `order`, read many batches at a time."""
    for chunk in order.split(CHUNK * size):
        features, labels = examples.take(chunk), examples.labels[chunk]
        yield from zip(features.split(size), labels.split(size), strict=True)


def _parameters(settings: EditSettings, epoch: int) -> dict[str, float | int | str]:
    return {"lambda": settings.strength, "o": settings.goal, "rate": settings.rate, "epochs": epoch}


def gradients(
    head: Head, features: Tensor, labels: Tensor, target: int, neurons: Tensor, settings: EditSettings
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
    if settings.strength == 0:
        return kept.T @ features, kept.sum(dim=0)
    silenced = features[:, neurons]
    masked = (logits - silenced @ head.weight[:, neurons].T).softmax(dim=1)
    own, other = chance[:, target], masked[:, target]
    ratio = own / (other + SMALLEST)
    miss = ratio - settings.goal
    push = (settings.strength * miss / miss.norm().clamp(min=1e-12) * ratio)[:, None]
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
