"""Rare cells of a cue: the (class, value) that few images have, and how far what is carried there is right.

A repair gives every cell the same weight, so the images of a rare one weigh most, and with them the probe's
errors: where a twentieth of a class has a value, a probe that is right on 93 % of the class leaves half
of the cell wrong.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..results import RareCell, Tag
from ..tensors import SplitFeatures
from .estimates import AGREES, DIFFERS, DRAWS, LEVEL, Draws, Evidence

VALUES: tuple[Tag, Tag] = ("has", "not")
RARE = 0.5
"""A cell is rare that has at most half as many images as the other value has in its class."""
RIGHT, WRONG = 0.5, 1.0
"""The prior by which a rare cell is doubted and trusted: a third is right until tags speak for more."""
MISSED, MISSED_UNCLEAR = (0.1, 5.0), (0.25, 1.0)
"""Priors of the shares that belong to a rare cell: of what is said to have the other value, and of what is
unclear. Those are rarer than the tags say, which are given to the images that the probe doubts."""
MOST = 64
"""The cells that are looked at: those of tagged classes first."""


@dataclass(frozen=True)
class CarriedSplit:
    """What a cue's tags say of one split: `codes` [N] (-1 unclear), which are tags, and margins [N]."""

    codes: Tensor
    by_hand: Tensor
    margins: Tensor


@dataclass(frozen=True)
class Carried:
    """The same of several splits, one after another; `splits` and `rows` [N] int64 say where an image is."""

    splits: Tensor
    rows: Tensor
    labels: Tensor
    codes: Tensor
    by_hand: Tensor
    margins: Tensor

    @classmethod
    def of(cls, splits: Mapping[str, SplitFeatures], carried: Mapping[str, CarriedSplit]) -> Carried:
        """Join the splits in their order."""
        parts = [
            (torch.full((len(split),), number), torch.arange(len(split)), split.labels,
             carried[name].codes, carried[name].by_hand, carried[name].margins)
            for number, (name, split) in enumerate(splits.items())
        ]  # fmt: skip
        return cls(*(torch.cat(column) for column in zip(*parts, strict=True)))


@dataclass(frozen=True)
class Cell:
    """The images of class `label` whose value is said to be `code`.

    `members` [M] int64 are the places of those that the probe put there, `by_hand` as many are tagged so;
    `sure` and `unsure` are (right, tagged) of the tagged images that the probe would put there without their
    tag, with a margin above the members' median and below it; `tags` counts these and the images by hand.
    """

    label: int
    code: int
    members: Tensor
    by_hand: int
    sure: tuple[int, int]
    unsure: tuple[int, int]
    tags: int

    @property
    def images(self) -> int:
        """How many images are counted in it."""
        return self.by_hand + len(self.members)

    @property
    def rate(self) -> float:
        """About which share of the members is right."""
        halves = (self.sure, self.unsure)
        return sum((RIGHT + right) / (RIGHT + WRONG + tagged) for right, tagged in halves) / 2

    @property
    def precision(self) -> float:
        """About which share of the counted images is right."""
        return (self.by_hand + len(self.members) * self.rate) / max(1, self.images)


def rare_table(labels: Tensor, codes: Tensor) -> Tensor:
    """Return which cells are rare, [C,2] bool, for labels [N] and codes [N] (-1 unclear)."""
    classes = int(labels.max()) + 1 if len(labels) else 0
    cell = (labels * 2 + codes)[codes >= 0]
    count = torch.bincount(cell, minlength=2 * classes).view(classes, 2)
    return (count > 0) & (count <= RARE * count.flip(1))


def unconfirmed(rare: Tensor, evidence: Evidence) -> Tensor:
    """Return which of the `rare` cells [C,2] no tag confirms."""
    found = torch.zeros_like(rare)
    inside = evidence.labels < len(rare)
    found[evidence.labels[inside], evidence.tags[inside]] = True
    return rare & ~found


def rare_cells(carried: Carried, evidence: Evidence) -> list[Cell]:
    """Return the rare cells, those of tagged classes first, then the largest."""
    rare = rare_table(carried.labels, carried.codes)
    tagged = torch.bincount(evidence.labels, minlength=len(rare))
    key = torch.where(carried.codes >= 0, carried.labels * 2 + carried.codes, -1)
    count = torch.bincount(key[key >= 0], minlength=2 * len(rare)).tolist()
    cells = sorted(
        rare.flatten().nonzero()[:, 0].tolist(), key=lambda one: (-int(tagged[one // 2]), -count[one])
    )
    return [_cell(carried, evidence, key == one, one // 2, one % 2) for one in cells[:MOST]]


def _cell(carried: Carried, evidence: Evidence, inside: Tensor, label: int, code: int) -> Cell:
    members = (inside & ~carried.by_hand).nonzero()[:, 0]
    middle = float(carried.margins[members].median()) if len(members) else 0.0
    here = (evidence.labels == label) & (evidence.carried == code)
    right = evidence.tags == code
    halves = (here & (evidence.margins >= middle), here & (evidence.margins < middle))
    sure, unsure = ((int((half & right).sum()), int(half.sum())) for half in halves)
    given = here | ((evidence.labels == label) & right)
    return Cell(label, code, members, int((inside & carried.by_hand).sum()), sure, unsure, int(given.sum()))


def described(cell: Cell, carried: Carried, evidence: Evidence, seed: int = 0) -> RareCell:
    """Return a cell's precision and recall with 90 % intervals, from draws of every share that is not known.

    The share of right ones among the surer and the less sure half of its members is Beta(1 + k, ¼ + n − k), k
    right of n tagged; those of the class's other images that belong here have the priors `MISSED` and
    `MISSED_UNCLEAR`.
    """
    generator = np.random.default_rng(seed)
    half = len(cell.members) // 2
    right = np.full(DRAWS, float(cell.by_hand))
    for (hits, tagged), images in ((cell.sure, len(cell.members) - half), (cell.unsure, half)):
        right += generator.binomial(images, generator.beta(AGREES + hits, DIFFERS + tagged - hits, DRAWS))
    missed = np.zeros(DRAWS)
    for code, prior in ((1 - cell.code, MISSED), (-1, MISSED_UNCLEAR)):
        elsewhere = (carried.labels == cell.label) & (carried.codes == code) & ~carried.by_hand
        tags = evidence.tags[(evidence.labels == cell.label) & (evidence.carried == code)]
        hits = int((tags == cell.code).sum())
        share = generator.beta(prior[0] + hits, prior[1] + len(tags) - hits, DRAWS)
        missed += generator.binomial(int(elsewhere.sum()), share)
    recall = right / np.maximum(1.0, right + missed)
    return RareCell(
        label=cell.label,
        value=VALUES[cell.code],
        images=cell.images,
        right=float(right.mean()),
        interval=_interval(right),
        tagged=cell.tags,
        recall=float(recall.mean()),
        recall_interval=_interval(recall),
        confirmed=cell.by_hand > 0,
    )


def _interval(draws: Draws) -> tuple[float, float]:
    low, high = np.quantile(draws, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)
