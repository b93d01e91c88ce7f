"""A head that a method proposes, and how well it does on the images it is chosen by."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import torch
from torch import Tensor

from ...tensors import Head, OnProgress, no_progress
from .examples import Examples


@dataclass(frozen=True)
class Candidate:
    """A proposed head and the parameters that made it."""

    head: Head
    parameters: dict[str, float | int | str] = field(default_factory=dict)


@dataclass(frozen=True, order=True)
class Score:
    """What heads are compared by: the worst cell's accuracy first, then the accuracy over all images."""

    worst: float
    accuracy: float


def score(examples: Examples, predicted: Tensor) -> Score:
    """Score predictions [N]: the worst (group value, class) where a value is known, else the worst class.

    Images of unknown group count for the accuracy alone; with no known group at all, classes are the cells.
    """
    right = predicted == examples.labels
    anything = bool((examples.codes >= 0).any())
    worst = []
    for cell, count, codes in examples.marginals():
        known = codes >= 0 if anything else torch.ones_like(codes, dtype=torch.bool)
        hits = torch.bincount(cell[right], minlength=len(count)).double() / count
        present = torch.bincount(cell[known], minlength=len(count)) > 0
        worst += [float(hits[present].min())] if bool(present.any()) else []
    return Score(min(worst), float(right.double().mean()))


def choose(
    examples: Examples, candidates: Iterable[Candidate], on_progress: OnProgress = no_progress
) -> tuple[Candidate, Score]:
    """Return the candidate of the highest score and that score; of equals the first."""
    scored = [(one, score(examples, examples.predictions(one.head, on_progress))) for one in candidates]
    best = max(range(len(scored)), key=lambda index: (scored[index][1], -index))
    return scored[best]
