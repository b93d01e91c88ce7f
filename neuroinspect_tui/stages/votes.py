"""The vote of a class's mistakes: Prec@5 and the two lists of culprits (arXiv 2310.07184, section 3.1)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

TOP = 5
CUT_PERCENT = 3.0
LONGEST_LIST = 30


@dataclass(frozen=True)
class Votes:
    """The vote of M mistakes for one kind of property.

    `top` [M,K] int64 are each mistake's neurons of largest positive score, best first, -1 where there are
    fewer; `score` [M,K] theirs; `total` [D] is the sum of all scores over the mistakes.
    """

    top: Tensor
    score: Tensor
    total: Tensor

    @classmethod
    def of(cls, scores: Tensor) -> Votes:
        """Let mistakes vote by their scores [M,D]."""
        return cls(*top_positive(scores), scores.sum(dim=0))

    @classmethod
    def join(cls, parts: list[Votes]) -> Votes:
        """Return the vote of all mistakes from that of its parts (at least one)."""
        return cls(
            torch.cat([part.top for part in parts]),
            torch.cat([part.score for part in parts]),
            torch.stack([part.total for part in parts]).sum(dim=0),
        )

    @property
    def prec_at_5(self) -> Tensor:
        """[D] float64: percent of the mistakes that have the neuron among their largest positive scores."""
        votes = torch.bincount(self.top[self.top >= 0], minlength=len(self.total))
        return 100 * votes.double() / max(len(self.top), 1)


def top_positive(scores: Tensor, count: int = TOP) -> tuple[Tensor, Tensor]:
    """Return (neurons, scores) of each row's `count` largest positive scores, [M,K] each, best first.

    Of equal scores the lower neuron comes first; -1 marks a place that no positive score takes.
    """
    positive = torch.where(scores > 0, scores, 0)
    # topk leaves open which of equal scores comes first, so rows with ties are sorted; one place more than
    # asked for shows a tie across the end. Most rows have none, and topk is several times faster.
    best = positive.topk(min(count + 1, scores.shape[1]), dim=1)
    tied = ((best.values[:, 1:] == best.values[:, :-1]) & (best.values[:, 1:] > 0)).any(dim=1)
    neurons = best.indices
    neurons[tied] = positive[tied].sort(dim=1, descending=True, stable=True).indices[:, : neurons.shape[1]]
    neurons = neurons[:, :count]
    values = positive.gather(1, neurons)
    return neurons.masked_fill(values <= 0, -1), values


def choose_culprits(insufficient: Votes, excessive: Votes) -> tuple[list[int], list[int]]:
    """Return the neurons of both lists, most votes first, of equals the larger total score, then the lower.

    Kept are those above 3 %; a neuron in both lists is dropped from both; at most 30 remain in each.
    """
    # A neuron that some mistakes have too little of and others too much is no common cause.
    contested = (insufficient.prec_at_5 > CUT_PERCENT) & (excessive.prec_at_5 > CUT_PERCENT)
    return _ranked(insufficient, contested), _ranked(excessive, contested)


def _ranked(votes: Votes, contested: Tensor) -> list[int]:
    """Return the list of one kind without the `contested` [D] neurons."""
    percent, total = votes.prec_at_5.tolist(), votes.total.tolist()
    kept = ((votes.prec_at_5 > CUT_PERCENT) & ~contested).nonzero().squeeze(1).tolist()
    return sorted(kept, key=lambda neuron: (-percent[neuron], -total[neuron]))[:LONGEST_LIST]
