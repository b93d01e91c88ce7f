"""What an illusion is asked for: one loss for each picture, never coupled over the batch (design §3.3)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from .recipes import Recipe

CAP = 2.0
"""A neuron at twice its 99.9 % quantile is excited enough; beyond it the class and CLIP decide."""

_SMOOTHING = 0.8
_MARGIN = 0.25
_RIVALRY = 0.3
_GROWTH = 0.05
_LARGEST_SHARE = 10.0


@dataclass(frozen=True)
class Look:
    """What one step saw of B pictures, [B] each.

    The neuron's `activation` a, its `drive` before the ReLU, its `quantile` q and `share`; the a/q of the
    strongest `rival` neuron; the class's `logit` and `log_probability`; the `cosine` to the class's text,
    None without CLIP or where CLIP does not look.
    """

    activation: Tensor
    drive: Tensor
    quantile: Tensor
    share: Tensor
    rival: Tensor
    logit: Tensor
    log_probability: Tensor
    cosine: Tensor | None


def paper_loss(look: Look, recipe: Recipe) -> Tensor:
    """Return −(cos + ε)(a + γ·logit) as [B]; without CLIP −(a + γ·logit)."""
    wanted = look.activation + recipe.class_weight * look.logit
    return -wanted if look.cosine is None else -(look.cosine + recipe.clip_weight) * wanted


def default_loss(look: Look, recipe: Recipe) -> Tensor:
    """Return −(share·(min(a/q, 2) − κ·gap) + γ·log p_c + λ·cos) as [B].

    A silent neuron counts by its drive. `gap` is by how much another neuron's a/q comes nearer than a margin,
    κ = 0.3. λ is raised by the steps that CLIP sits out: its say does not depend on how often it looks.
    """
    activation = torch.where(look.activation > 0, look.activation, look.drive)
    ratio = activation / look.quantile
    gap = (look.rival + _MARGIN - (look.activation / look.quantile).detach()).clamp(min=0)
    wanted = look.share * (ratio.clamp(max=CAP) - _RIVALRY * gap) + recipe.class_weight * look.log_probability
    if look.cosine is not None:
        wanted = wanted + recipe.clip_weight * recipe.clip_every * look.cosine
    return -wanted


LOSSES = {"paper": paper_loss, "default": default_loss}


@dataclass(frozen=True)
class Standing:
    """How P pictures stand: smoothed a/q of the own neuron and of the strongest other, and its share."""

    own: Tensor
    rival: Tensor
    share: Tensor

    @classmethod
    def start(cls, count: int, device: torch.device) -> Standing:
        """Return the standing before the first step: silent neurons of share 1."""
        zeros = torch.zeros(count, device=device)
        return cls(zeros, zeros, torch.ones(count, device=device))

    def __getitem__(self, rows: Tensor) -> Standing:
        return Standing(self.own[rows], self.rival[rows], self.share[rows])

    def put(self, rows: Tensor, other: Standing) -> Standing:
        """Return this standing with `rows` replaced."""
        return Standing(
            self.own.index_copy(0, rows, other.own),
            self.rival.index_copy(0, rows, other.rival),
            self.share.index_copy(0, rows, other.share),
        )

    def follow(self, own: Tensor, rival: Tensor, goal: float) -> Standing:
        """Return the standing after a step: the share of a neuron grows while it lags, and shrinks back
        to 1.

        It lags below `goal`, or while another neuron is more active for its measure.
        """
        own = torch.lerp(own, self.own, _SMOOTHING)
        rival = torch.lerp(rival, self.rival, _SMOOTHING)
        lags = (own < goal) | (own < rival + _MARGIN)
        share = self.share * torch.where(lags, 1 + _GROWTH, 1 - _GROWTH)
        return Standing(own, rival, share.clamp(1, _LARGEST_SHARE))

    def reached(self) -> Tensor:
        """Tell [P] which pictures have their neuron at its cap and ahead of all others."""
        return (self.own >= CAP) & (self.own >= self.rival + _MARGIN)


def own_and_rival(ratios: Tensor, neurons: Tensor) -> tuple[Tensor, Tensor]:
    """Return own and strongest other a/q, [B] each, for a/q [B,D] and the pictures' neurons [B]."""
    own = ratios.gather(1, neurons[:, None])
    rival = ratios.scatter(1, neurons[:, None], -torch.inf).amax(1)
    return own[:, 0], rival
