"""Stage 1 for one class: its mistakes vote for culprits, which are checked causally.

The equations: docs/method.md, Counterfactuals and culprits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ..config import Mode
from ..results import ClassRef, Culprit, CulpritReport, PropertyKind
from ..tensors import Head, OnProgress, SplitFeatures, no_progress, part_of
from .causal import Intervention, fixed_shares
from .counterfactual import STEP_LIMIT, Scores, contribution_scores, counterfactual_deltas
from .importance import mean_features, retaining_ratio
from .samples import select_rows
from .votes import TOP, Votes, choose_culprits

RANDOM_NEURONS = 32
RANDOM_SETS = 16
BLOCK_ELEMENTS = 1 << 20


@dataclass(frozen=True)
class ClassMistakes:
    """The mistakes of one class: `rows` [M] of `data`, `class_mean` [D] is μ of all its images."""

    data: SplitFeatures
    head: Head
    target: int
    rows: Tensor
    class_mean: Tensor

    @classmethod
    def of(
        cls, data: SplitFeatures, head: Head, target: int, on_progress: OnProgress = no_progress
    ) -> ClassMistakes:
        """Collect the mistakes of class `target`, as the evaluation pass itself found them."""
        members = select_rows(data, target, only_mistakes=False)
        mean = mean_features(data.features, members, on_progress).float()
        return cls(data, head, target, select_rows(data, target), mean)

    def set(self, raised: list[int], silenced: list[int]) -> Intervention:
        """Set the `raised` neurons to the class mean and the `silenced` ones to zero."""
        values = torch.cat([self.class_mean[raised], torch.zeros(len(silenced))])
        return Intervention(torch.tensor(raised + silenced, dtype=torch.int64), values)

    def fixed(self, interventions: list[Intervention], on_progress: OnProgress) -> list[float]:
        """Return the share of the mistakes that each intervention fixes."""
        inputs = (self.data.features, self.rows, self.target, self.head)
        return fixed_shares(*inputs, interventions, on_progress)


@dataclass(frozen=True)
class CausalCheck:
    """Share of the mistakes fixed by each of a kind's culprits alone, and by a random neuron on average."""

    alone: list[float]
    random: float


def find_culprits(
    data: SplitFeatures,
    head: Head,
    target: ClassRef,
    mode: Mode = "default",
    seed: int = 0,
    step_limit: int = STEP_LIMIT,
    on_progress: OnProgress = no_progress,
) -> CulpritReport:
    """Rank the neurons to blame for the mistakes of `target` on cached features; the backbone is not needed.

    `unflipped` counts the mistakes without an explanation: features that are not finite, or (paper mode) no
    flip within `step_limit` steps; they have no vote. The random controls are drawn from `seed`.
    """
    parts = [part_of(on_progress, number, 6) for number in range(6)]
    found = ClassMistakes.of(data, head, target.index, parts[0])
    insufficient, excessive, unflipped = count_votes(found, mode, step_limit, parts[1])
    raised, silenced = choose_culprits(insufficient, excessive)
    mean = mean_features(data.features, on_progress=parts[2]) if mode == "paper" else found.class_mean
    ratio = retaining_ratio(mean, head, target.index)
    checks = _check_each(found, raised, silenced, seed, parts[3:5])
    together, random_together = _check_together(found, raised[:TOP], silenced[:TOP], seed, parts[5])
    own = _own_culprits((insufficient, excessive), (raised, silenced), head.neurons)
    return CulpritReport(
        target=target,
        mode=mode,
        mistakes=len(found.rows),
        unflipped=unflipped,
        insufficient=_rows("insufficient", raised, insufficient, ratio, checks[0]),
        excessive=_rows("excessive", silenced, excessive, ratio, checks[1]),
        mended_together=together,
        mended_random_together=random_together,
        samples=tuple(
            replace(sample, culprits=neurons)
            for sample, neurons in zip(data.samples(found.rows), own, strict=True)
        ),
    )


def count_votes(
    found: ClassMistakes, mode: Mode, step_limit: int, on_progress: OnProgress = no_progress
) -> tuple[Votes, Votes, int]:
    """Return the votes for insufficient and excessive properties, and how many mistakes explain nothing."""
    block = max(1, BLOCK_ELEMENTS // max(found.head.classes, found.head.neurons))
    votes: list[tuple[Votes, Votes]] = []
    explained = 0
    for start in range(0, max(len(found.rows), 1), block):

        def report(done: int, _: int, start: int = start) -> None:
            on_progress(start + done, len(found.rows))

        scores = _score(found, found.rows[start : start + block], mode, step_limit, report)
        votes.append((Votes.of(scores.insufficient), Votes.of(scores.excessive)))
        explained += int(scores.explained.sum())
    insufficient, excessive = (Votes.join(list(parts)) for parts in zip(*votes, strict=True))
    return insufficient, excessive, len(found.rows) - explained


def _score(
    found: ClassMistakes, rows: Tensor, mode: Mode, step_limit: int, on_progress: OnProgress
) -> Scores:
    """Score some of the mistakes in the given mode."""
    features = found.data.features[rows]
    if mode == "paper":
        labels = torch.full_like(rows, found.target)
        return counterfactual_deltas(features, labels, found.head, step_limit, on_progress).scores()
    on_progress(0, len(rows))
    return contribution_scores(
        features, found.data.predicted[rows], found.target, found.class_mean, found.head
    )


def _check_each(
    found: ClassMistakes, raised: list[int], silenced: list[int], seed: int, progress: Sequence[OnProgress]
) -> tuple[CausalCheck, CausalCheck]:
    """Set each culprit alone, and as many random neurons as are affordable, in both ways."""
    random = _draw(found.head.neurons, RANDOM_NEURONS, torch.Generator().manual_seed(seed))
    raising = found.fixed([found.set([neuron], []) for neuron in raised + random], progress[0])
    silencing = found.fixed([found.set([], [neuron]) for neuron in silenced + random], progress[1])
    return _split(raising, len(raised)), _split(silencing, len(silenced))


def _split(shares: list[float], culprits: int) -> CausalCheck:
    """Split `shares` into those of the first `culprits` and the mean of the others."""
    random = shares[culprits:]
    return CausalCheck(shares[:culprits], sum(random) / len(random))


def _check_together(
    found: ClassMistakes, raised: list[int], silenced: list[int], seed: int, on_progress: OnProgress
) -> tuple[float | None, float | None]:
    """Set the first culprits of both lists at once, and as many random neurons, averaged over draws."""
    size = len(raised) + len(silenced)
    if size == 0:
        return None, None
    generator = torch.Generator().manual_seed(seed)
    draws = [_draw(found.head.neurons, size, generator) for _ in range(RANDOM_SETS)]
    sets = [found.set(draw[: len(raised)], draw[len(raised) :]) for draw in draws]
    check = _split(found.fixed([found.set(raised, silenced), *sets], on_progress), 1)
    return check.alone[0], check.random


def _draw(neurons: int, count: int, generator: torch.Generator) -> list[int]:
    """Draw up to `count` different neurons."""
    return torch.randperm(neurons, generator=generator)[:count].tolist()


def _rows(
    kind: PropertyKind, neurons: list[int], votes: Votes, ratio: Tensor, check: CausalCheck
) -> tuple[Culprit, ...]:
    """Return the rows of one list."""
    percent = votes.prec_at_5
    return tuple(
        Culprit(neuron, kind, float(percent[neuron]), float(ratio[neuron]), fixed, check.random)
        for neuron, fixed in zip(neurons, check.alone, strict=True)
    )


def _own_culprits(
    votes: tuple[Votes, Votes], lists: tuple[list[int], list[int]], neurons: int
) -> list[tuple[int, ...]]:
    """Return, for each mistake, the listed culprits that it voted for itself, strongest first."""
    tops, scores = [], []
    for one, chosen in zip(votes, lists, strict=True):
        listed = torch.zeros(neurons, dtype=torch.bool)
        listed[chosen] = True
        # A place without a vote is -1, which would index the last neuron: read neuron 0, then leave it out.
        own = listed[one.top.clamp(min=0)] & (one.top >= 0)
        tops.append(one.top.masked_fill(~own, -1))
        scores.append(one.score.masked_fill(~own, 0))
    order = torch.cat(scores, dim=1).sort(dim=1, descending=True, stable=True).indices
    ranked = torch.cat(tops, dim=1).gather(1, order)
    return [tuple(neuron for neuron in row if neuron >= 0) for row in ranked.tolist()]
