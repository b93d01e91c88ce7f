"""Stage 1 for one class: its mistakes vote for culprits, which are checked causally (design §3.1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ..config import Mode
from ..results import ClassRef, Culprit, CulpritReport, PropertyKind
from ..tensors import Head, SplitFeatures, Tick, no_tick, part_of
from .causal import Intervention, mended_shares
from .counterfactual import STEP_LIMIT, Scores, contribution_scores, counterfactual_deltas
from .importance import mean_features, retaining_ratio
from .samples import select_rows
from .vote import TOP, Ballot, choose_culprits

RANDOM_NEURONS = 32
RANDOM_SETS = 16
BLOCK_ELEMENTS = 1 << 20


@dataclass(frozen=True)
class Case:
    """A class on trial: its mistakes are `rows` [M] of `data`, `class_mean` [D] is μ of all its images."""

    data: SplitFeatures
    head: Head
    target: int
    rows: Tensor
    class_mean: Tensor

    @classmethod
    def of(cls, data: SplitFeatures, head: Head, target: int, tick: Tick = no_tick) -> Case:
        """Collect the mistakes of class `target`, as the evaluation pass itself found them."""
        members = select_rows(data, target, only_mistakes=False)
        mean = mean_features(data.features, members, tick).float()
        return cls(data, head, target, select_rows(data, target), mean)

    def set(self, raised: list[int], silenced: list[int]) -> Intervention:
        """Set the `raised` neurons to the class mean and the `silenced` ones to zero."""
        values = torch.cat([self.class_mean[raised], torch.zeros(len(silenced))])
        return Intervention(torch.tensor(raised + silenced, dtype=torch.int64), values)

    def mended(self, interventions: list[Intervention], tick: Tick) -> list[float]:
        """Return the share of the mistakes that each intervention mends."""
        return mended_shares(self.data.features, self.rows, self.target, self.head, interventions, tick)


@dataclass(frozen=True)
class Verdict:
    """Share of the mistakes mended by each of a kind's culprits alone, and by a random neuron on average."""

    alone: list[float]
    random: float


def find_culprits(
    data: SplitFeatures,
    head: Head,
    target: ClassRef,
    mode: Mode = "default",
    seed: int = 0,
    step_limit: int = STEP_LIMIT,
    tick: Tick = no_tick,
) -> CulpritReport:
    """Rank the neurons to blame for the mistakes of `target` on cached features; the backbone is not needed.

    `unflipped` counts the mistakes without an explanation: features that are not finite, or (paper mode) no
    flip within `step_limit` steps; they have no vote. The random controls are drawn from `seed`.
    """
    parts = [part_of(tick, number, 6) for number in range(6)]
    case = Case.of(data, head, target.index, parts[0])
    insufficient, excessive, unflipped = hold_vote(case, mode, step_limit, parts[1])
    raised, silenced = choose_culprits(insufficient, excessive)
    mean = mean_features(data.features, tick=parts[2]) if mode == "paper" else case.class_mean
    ratio = retaining_ratio(mean, head, target.index)
    verdicts = _check_alone(case, raised, silenced, seed, parts[3:5])
    together, random_together = _check_together(case, raised[:TOP], silenced[:TOP], seed, parts[5])
    own = _own_culprits((insufficient, excessive), (raised, silenced), head.neurons)
    return CulpritReport(
        target=target,
        mode=mode,
        mistakes=len(case.rows),
        unflipped=unflipped,
        insufficient=_rows("insufficient", raised, insufficient, ratio, verdicts[0]),
        excessive=_rows("excessive", silenced, excessive, ratio, verdicts[1]),
        mended_together=together,
        mended_random_together=random_together,
        samples=tuple(
            replace(sample, culprits=neurons)
            for sample, neurons in zip(data.samples(case.rows), own, strict=True)
        ),
    )


def hold_vote(case: Case, mode: Mode, step_limit: int, tick: Tick = no_tick) -> tuple[Ballot, Ballot, int]:
    """Return the votes for insufficient and excessive properties, and how many mistakes explain nothing."""
    block = max(1, BLOCK_ELEMENTS // max(case.head.classes, case.head.neurons))
    ballots: list[tuple[Ballot, Ballot]] = []
    explained = 0
    for start in range(0, max(len(case.rows), 1), block):

        def report(done: int, _: int, start: int = start) -> None:
            tick(start + done, len(case.rows))

        scores = _score(case, case.rows[start : start + block], mode, step_limit, report)
        ballots.append((Ballot.cast(scores.insufficient), Ballot.cast(scores.excessive)))
        explained += int(scores.explained.sum())
    insufficient, excessive = (Ballot.join(list(parts)) for parts in zip(*ballots, strict=True))
    return insufficient, excessive, len(case.rows) - explained


def _score(case: Case, rows: Tensor, mode: Mode, step_limit: int, tick: Tick) -> Scores:
    """Score some of the mistakes in the given mode."""
    features = case.data.features[rows]
    if mode == "paper":
        labels = torch.full_like(rows, case.target)
        return counterfactual_deltas(features, labels, case.head, step_limit, tick).scores()
    tick(0, len(rows))
    return contribution_scores(features, case.data.predicted[rows], case.target, case.class_mean, case.head)


def _check_alone(
    case: Case, raised: list[int], silenced: list[int], seed: int, ticks: Sequence[Tick]
) -> tuple[Verdict, Verdict]:
    """Set each culprit alone, and as many random neurons as are affordable, in both ways."""
    random = _draw(case.head.neurons, RANDOM_NEURONS, torch.Generator().manual_seed(seed))
    raising = case.mended([case.set([neuron], []) for neuron in raised + random], ticks[0])
    silencing = case.mended([case.set([], [neuron]) for neuron in silenced + random], ticks[1])
    return _verdict(raising, len(raised)), _verdict(silencing, len(silenced))


def _verdict(shares: list[float], culprits: int) -> Verdict:
    """Split `shares` into those of the first `culprits` and the mean of the others."""
    random = shares[culprits:]
    return Verdict(shares[:culprits], sum(random) / len(random))


def _check_together(
    case: Case, raised: list[int], silenced: list[int], seed: int, tick: Tick
) -> tuple[float | None, float | None]:
    """Set the first culprits of both lists at once, and as many random neurons, averaged over draws."""
    size = len(raised) + len(silenced)
    if size == 0:
        return None, None
    generator = torch.Generator().manual_seed(seed)
    draws = [_draw(case.head.neurons, size, generator) for _ in range(RANDOM_SETS)]
    sets = [case.set(draw[: len(raised)], draw[len(raised) :]) for draw in draws]
    verdict = _verdict(case.mended([case.set(raised, silenced), *sets], tick), 1)
    return verdict.alone[0], verdict.random


def _draw(neurons: int, count: int, generator: torch.Generator) -> list[int]:
    """Draw up to `count` different neurons."""
    return torch.randperm(neurons, generator=generator)[:count].tolist()


def _rows(
    kind: PropertyKind, neurons: list[int], ballot: Ballot, ratio: Tensor, verdict: Verdict
) -> tuple[Culprit, ...]:
    """Return the rows of one list."""
    percent = ballot.prec_at_5
    return tuple(
        Culprit(neuron, kind, float(percent[neuron]), float(ratio[neuron]), mended, verdict.random)
        for neuron, mended in zip(neurons, verdict.alone, strict=True)
    )


def _own_culprits(
    ballots: tuple[Ballot, Ballot], lists: tuple[list[int], list[int]], neurons: int
) -> list[tuple[int, ...]]:
    """Return, for each mistake, the listed culprits that it voted for itself, strongest first."""
    tops, scores = [], []
    for ballot, chosen in zip(ballots, lists, strict=True):
        listed = torch.zeros(neurons, dtype=torch.bool)
        listed[chosen] = True
        own = listed[ballot.top.clamp(min=0)] & (ballot.top >= 0)
        tops.append(ballot.top.masked_fill(~own, -1))
        scores.append(ballot.score.masked_fill(~own, 0))
    order = torch.cat(scores, dim=1).sort(dim=1, descending=True, stable=True).indices
    ranked = torch.cat(tops, dim=1).gather(1, order)
    return [tuple(neuron for neuron in row if neuron >= 0) for row in ranked.tolist()]
