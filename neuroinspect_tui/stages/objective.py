"""What an illusion is asked for: one loss for each picture, never coupled over the batch.

The two objectives: docs/method.md, Illusions.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from .recipes import Recipe

CAP = 2.0
"""A neuron at twice its 99.9 % quantile is excited enough; beyond it the class and CLIP decide."""

_SMOOTHING = 0.8
_MARGIN = 0.15
_SOFTNESS = 0.1
_GROWTH = 0.1
_LARGEST_SHARE = 30.0


@dataclass(frozen=True)
class StepOutputs:
    """What one step saw of B pictures, [B] each.

    The neuron's `activation` a, its `drive` before the ReLU, its `quantile` q and `share`; the a/q of the
    `others` of all other neurons, a soft maximum; the class's `logit` and `log_probability`; the `cosine` to
    the class's text, None without CLIP or where CLIP does not outputs. `elapsed` is the share of steps taken.
    """

    activation: Tensor
    drive: Tensor
    quantile: Tensor
    share: Tensor
    others: Tensor
    logit: Tensor
    log_probability: Tensor
    cosine: Tensor | None
    elapsed: float


def paper_loss(outputs: StepOutputs, recipe: Recipe) -> Tensor:
    """Return −(cos + ε)(a + γ·logit) as [B]; without CLIP −(a + γ·logit)."""
    wanted = outputs.activation + recipe.class_weight * outputs.logit
    return -wanted if outputs.cosine is None else -(outputs.cosine + recipe.clip_weight) * wanted


def default_loss(outputs: StepOutputs, recipe: Recipe) -> Tensor:
    """Return −(share·(min(a/q, 2) − κ·gap) + (1 − t/2)·(γ·log p_c + λ·cos)) as [B].

    A silent neuron counts by its drive. `gap` is by how much the others's a/q comes nearer than a margin, and
    κ = min(a/q, 1)²: first awake, then ahead. Class and CLIP lay the picture out and lose half their say
    over the steps, t = `elapsed`. λ is raised by the steps that CLIP sits out: its say does not depend on how
    often it looks.
    """
    activation = torch.where(outputs.activation > 0, outputs.activation, outputs.drive)
    own = (outputs.activation / outputs.quantile).detach()
    gap = (outputs.others + _MARGIN - own).clamp(min=0)
    excited = (activation / outputs.quantile).clamp(max=CAP) - own.clamp(0, 1) ** 2 * gap
    scene = recipe.class_weight * outputs.log_probability
    if outputs.cosine is not None:
        scene = scene + recipe.clip_weight * recipe.clip_every * outputs.cosine
    return -(outputs.share * excited + (1 - outputs.elapsed / 2) * scene)


LOSSES = {"paper": paper_loss, "default": default_loss}


@dataclass(frozen=True)
class ActivationTracker:
    """How P pictures stand: smoothed a/q of the own neuron and of the strongest other, and its share."""

    own: Tensor
    rival: Tensor
    share: Tensor

    @classmethod
    def start(cls, count: int, device: torch.device) -> ActivationTracker:
        """Return the tracker before the first step: silent neurons of share 1."""
        zeros = torch.zeros(count, device=device)
        return cls(zeros, zeros, torch.ones(count, device=device))

    def __getitem__(self, rows: Tensor) -> ActivationTracker:
        return ActivationTracker(self.own[rows], self.rival[rows], self.share[rows])

    def put(self, rows: Tensor, other: ActivationTracker) -> ActivationTracker:
        """Return this tracker with `rows` replaced."""
        return ActivationTracker(
            self.own.index_copy(0, rows, other.own),
            self.rival.index_copy(0, rows, other.rival),
            self.share.index_copy(0, rows, other.share),
        )

    def follow(self, own: Tensor, rival: Tensor, goal: float) -> ActivationTracker:
        """Return the tracker after a step: the share of a neuron grows while it lags, and shrinks back
        to 1.

        It lags below `goal`, or while another neuron is more active for its measure.
        """
        own = torch.lerp(own, self.own, _SMOOTHING)
        rival = torch.lerp(rival, self.rival, _SMOOTHING)
        lags = (own < goal) | (own < rival + _MARGIN)
        share = self.share * torch.where(lags, 1 + _GROWTH, 1 - _GROWTH)
        return ActivationTracker(own, rival, share.clamp(1, _LARGEST_SHARE))

    def reached(self) -> Tensor:
        """Tell [P] which pictures have their neuron at its cap and ahead of all others."""
        return (self.own >= CAP) & (self.own >= self.rival + _MARGIN)


def own_and_rival(ratios: Tensor, neurons: Tensor) -> tuple[Tensor, Tensor]:
    """Return own and strongest other a/q, [B] each, for a/q [B,D] and the pictures' neurons [B]."""
    return ratios.gather(1, neurons[:, None])[:, 0], _others(ratios, neurons).amax(1)


def strongest_others(ratios: Tensor, neurons: Tensor) -> Tensor:
    """Return [B]: the soft maximum over a/q [B,D] of all neurons but the pictures' own [B].

    All that are nearly the strongest have a gradient: a picture that lowers one at a time never gets ahead.
    """
    return _SOFTNESS * (_others(ratios, neurons) / _SOFTNESS).logsumexp(1)


def _others(ratios: Tensor, neurons: Tensor) -> Tensor:
    return ratios.scatter(1, neurons[:, None], -torch.inf)
