"""Where the training of a decision layer stands between two epochs: kept, and taken up again bit for bit."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ...tensors import Head
from .candidates import Score

WORST = Score(-1.0, -1.0)
_MOMENTS = ("step", "exp_avg", "exp_avg_sq")


@dataclass
class Training:
    """A head under way after `epoch` epochs, and the best one so far.

    `best` is the score of the head `kept`, which is of epoch `kept_epoch`; `since` epochs were no better.
    """

    head: Head
    optimizer: torch.optim.Adam
    generator: torch.Generator
    kept: Head
    epoch: int = 0
    since: int = 0
    kept_epoch: int = 0
    best: Score = WORST

    @classmethod
    def begin(cls, head: Head, rate: float, seed: int) -> Training:
        """Start from a copy of `head`."""
        new = Head(head.weight.clone(), head.bias.clone())
        optimizer = torch.optim.Adam([new.weight, new.bias], lr=rate, fused=True)
        return cls(new, optimizer, torch.Generator().manual_seed(seed), head)

    def judge(self, found: Score) -> None:
        """End an epoch whose head has the score `found`."""
        self.epoch, self.since = self.epoch + 1, self.since + 1
        if found > self.best:
            self.kept = Head(self.head.weight.clone(), self.head.bias.clone())
            self.best, self.kept_epoch, self.since = found, self.epoch, 0

    def tensors(self) -> dict[str, Tensor]:
        """Return everything that the next epoch depends on."""
        places = {"weight": self.head.weight, "bias": self.head.bias}
        moments = {
            f"{name}.{moment}": self.optimizer.state[place][moment]
            for name, place in places.items()
            for moment in _MOMENTS
        }
        return {
            **places,
            **moments,
            "kept.weight": self.kept.weight,
            "kept.bias": self.kept.bias,
            "generator": self.generator.get_state(),
            "counts": torch.tensor([self.epoch, self.since, self.kept_epoch]),
            "best": torch.tensor([self.best.worst, self.best.accuracy], dtype=torch.float64),
        }

    def restore(self, found: dict[str, Tensor]) -> None:
        """Go on from `tensors` of an earlier run."""
        for name, place in (("weight", self.head.weight), ("bias", self.head.bias)):
            place.copy_(found[name])
            self.optimizer.state[place] = {moment: found[f"{name}.{moment}"].clone() for moment in _MOMENTS}
        self.kept = Head(found["kept.weight"], found["kept.bias"])
        self.generator.set_state(found["generator"])
        self.epoch, self.since, self.kept_epoch = found["counts"].tolist()
        self.best = Score(*found["best"].tolist())
