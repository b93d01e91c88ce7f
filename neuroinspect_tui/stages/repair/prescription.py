"""What to train with: sampler weights by cell, and what more images of a rare cell would bring."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ...results import MoreImages, SampledCell
from ...tensors import Head, OnProgress, SplitFeatures, no_progress
from ..metrics import Z_95, predict
from .examples import Examples
from .plan import Plan
from .ridge import ridge_repairs

CAP = 20.0
ADDED = 100
SHARES = (0.25, 0.5)
DRAWS, RESAMPLES = 6, 200
FEWEST_FITTED, FEWEST_JUDGED = 12, 20
MOST_CELLS = 2
LEAST_ERROR = 0.002
RARE = 0.5
"""A cell is rare that has at most half as many images as its class's largest of that column."""


def sampler_weights(examples: Examples, trust: Tensor, cap: float = CAP) -> Tensor:
    """Return weights [N], over images of known groups 1 on average, before they are cut at `cap`.

    Of each column every (class, value) is drawn as often, as far as its images can be trusted: `trust` [N] is
    the chance that their groups are right. Images of unknown groups weigh 1.
    """
    weights = torch.ones(len(examples))
    known = (examples.codes >= 0).all(dim=1).nonzero()[:, 0]
    if len(known):
        own = examples.subset(known)
        balanced = replace(own, trust=torch.ones(len(own))).balanced_weights()
        weights[known] = (balanced * len(known)).clamp(max=cap) * trust[known]
    return weights


def sampled_cells(
    examples: Examples, weights: Tensor, by_hand: Tensor, values: Sequence[Sequence[str]]
) -> tuple[SampledCell, ...]:
    """Return each cell with its weight; `values` are those of each column, `by_hand` [N] a mask."""
    cell, count = examples.cells()
    total = float(weights.sum())
    found = []
    for number, images in enumerate(count.tolist()):
        rows = cell == number
        first = int(rows.nonzero()[0, 0])
        codes = examples.codes[first].tolist()
        drawn = float(weights[rows].sum())
        found.append(
            SampledCell(
                label=int(examples.labels[first]),
                values=tuple(own[code] if code >= 0 else "" for own, code in zip(values, codes, strict=True)),
                images=images,
                by_hand=int(by_hand[rows].sum()),
                weight=drawn / images,
                share=drawn / total,
            )
        )
    return tuple(found)


@dataclass(frozen=True)
class Cell:
    """The images of class `label` with `code` in column number `column`: rows of a plan's fit and judge."""

    label: int
    column: int
    code: int
    fitted: Tensor
    judged: Tensor


def more_images(
    plan: Plan,
    head: Head,
    target: int,
    values: Sequence[Sequence[str]],
    seed: int = 0,
    on_progress: OnProgress = no_progress,
) -> tuple[MoreImages, ...]:
    """Estimate what more images of the rarest cells would bring, those of class `target` first.

    Ridge is fitted again with a quarter and half of the cell's images; the error on its judged images is
    taken to fall as a power of their number, and is extrapolated over as many doublings as were seen at
    most. The interval comes from resampling the images and the draws, and from how far draws differ.
    """
    cells = _rare_cells(plan, target)[:MOST_CELLS]
    enough = [_enough(cell) for cell in cells]
    whole = ridge_repairs(plan.fit, head, seed=seed)[0].head if any(enough) else head
    found = []
    for number, (cell, measured) in enumerate(zip(cells, enough, strict=True)):
        on_progress(number, len(cells))
        added = min(ADDED, 3 * len(cell.fitted))
        gain = _gain(plan, head, whole, cell, added, seed) if measured else (None, None)
        column = plan.columns[cell.column]
        counts = (len(cell.fitted), len(cell.judged), added)
        found.append(MoreImages(cell.label, column, values[cell.column][cell.code], *counts, *gain))
    return tuple(found)


def _enough(cell: Cell) -> bool:
    return len(cell.fitted) >= FEWEST_FITTED and len(cell.judged) >= FEWEST_JUDGED


def _rare_cells(plan: Plan, target: int) -> list[Cell]:
    """Return the cells that are rare in what is fitted on, those of `target` first, then the rarest."""
    found: list[tuple[bool, float, Cell]] = []
    for column, name in enumerate(plan.columns):
        codes = plan.fit.codes[:, column]
        for label in plan.fit.labels.unique().tolist():
            own = codes[(plan.fit.labels == label) & (codes >= 0)]
            counts = torch.bincount(own) if len(own) else torch.zeros(0)
            for code in counts.nonzero()[:, 0].tolist():
                share = float(counts[code] / counts.max())
                if share <= RARE:
                    found.append((label != target, share, _cell(plan, label, column, code, name)))
    return [cell for *_, cell in sorted(found, key=lambda row: row[:2])]


def _cell(plan: Plan, label: int, column: int, code: int, name: str) -> Cell:
    fitted = (plan.fit.labels == label) & (plan.fit.codes[:, column] == code)
    judged = torch.zeros(len(plan.judge), dtype=torch.bool)
    if name in plan.judge.groups:
        judged = (plan.judge.labels == label) & (plan.judge.groups[name].codes == code)
    return Cell(label, column, code, fitted.nonzero()[:, 0], judged.nonzero()[:, 0])


def _gain(
    plan: Plan, head: Head, whole: Head, cell: Cell, added: int, seed: int
) -> tuple[float, tuple[float, float]]:
    """Return the gain of `added` more images and its interval."""
    generator = torch.Generator().manual_seed(seed)
    right = [_right(plan.judge, whole, cell)[None].expand(DRAWS, -1)]
    sizes = [len(cell.fitted)]
    for share in SHARES:
        kept = max(1, round(share * len(cell.fitted)))
        sizes.append(kept)
        draws = [_refit(plan, head, cell, kept, generator, seed) for _ in range(DRAWS)]
        right.append(torch.stack([_right(plan.judge, one, cell) for one in draws]))
    answers = torch.stack(right)
    doublings = torch.tensor([math.log2(size) for size in sizes], dtype=torch.float64)
    further = math.log2((len(cell.fitted) + added) / len(cell.fitted))
    gain = _extrapolated(doublings, answers.mean((1, 2)), further)
    others = [_extrapolated(doublings, _resampled(answers, generator), further) for _ in range(RESAMPLES)]
    # Another draw of as many images would have given another accuracy, and so would the added ones.
    between = float(answers[-1].mean(1).var()) * (1 + len(cell.fitted) / (len(cell.fitted) + added))
    half = Z_95 * math.sqrt(float(torch.tensor(others).var()) + between)
    now = float(answers[0, 0].mean())
    return gain, (max(-now, gain - half), min(1 - now, gain + half))


def _extrapolated(doublings: Tensor, rates: Tensor, further: float) -> float:
    """Return the gain after `further` doublings, the error falling as a power of the number of images.

    `rates` [S] are the accuracies with 2^`doublings` [S] images, the first those with all (Cortes et al.,
    NIPS 1993).
    """
    errors = (1 - rates).clamp(min=LEAST_ERROR)
    centred = doublings - doublings.mean()
    slope = float((centred * errors.log2()).sum() / centred.square().sum())
    return float(errors[0]) * (1 - 2 ** (slope * further))


def _refit(plan: Plan, head: Head, cell: Cell, kept: int, generator: torch.Generator, seed: int) -> Head:
    """Return ridge towards the old head, fitted with so many of the cell's images."""
    order = torch.randperm(len(cell.fitted), generator=generator)
    rest = torch.ones(len(plan.fit), dtype=torch.bool)
    rest[cell.fitted[order[kept:]]] = False
    return ridge_repairs(plan.fit.subset(rest.nonzero()[:, 0]), head, seed=seed)[0].head


def _right(judge: SplitFeatures, head: Head, cell: Cell) -> Tensor:
    """Return [J] float64: 1 where the cell's judged image is right."""
    return (predict(head, judge.features[cell.judged]) == cell.label).double()


def _resampled(answers: Tensor, generator: torch.Generator) -> Tensor:
    """Return the accuracies [S] of answers [S,R,J] with the draws and the images drawn anew."""
    sizes, draws, images = answers.shape
    rows = torch.randint(images, (images,), generator=generator)
    turns = torch.randint(draws, (sizes, draws), generator=generator)
    return torch.stack([answers[size, turns[size]][:, rows].mean() for size in range(sizes)])
