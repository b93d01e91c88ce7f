"""The recipes by which illusions are made, as numbers (docs/method.md, Illusions)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from ..config import Mode
from .augment import ViewRange


@dataclass(frozen=True)
class Recipe:
    """One way to make illusions.

    `rate` falls along a cosine to `final_rate` of itself; `decay` is AdamW's; `class_weight` is γ;
    `clip_weight` is λ (default) or ε (paper), both of the default objective at the first step; CLIP looks at
    every `clip_every`-th step; `goal` is the activation / q99.9 at which a neuron counts as reached (None:
    pictures never leave early and no neuron's share grows).
    """

    objective: Literal["default", "paper"]
    steps: int
    rate: float
    final_rate: float
    betas: tuple[float, float]
    decay: float
    init_std: float
    views: ViewRange
    class_weight: float
    clip_weight: float
    clip_every: int
    goal: float | None


PAPER = Recipe(
    objective="paper",
    steps=450,
    rate=9e-3,
    final_rate=0.12,
    betas=(0.5, 0.99),
    decay=2e-4,
    init_std=1e-3,
    views=ViewRange(degrees=15, shift=0.15, smallest=0.6, largest=1.2, per_axis=True, colour=0.2),
    class_weight=0.5,
    clip_weight=0.05,
    clip_every=1,
    goal=None,
)

DEFAULT = Recipe(
    objective="default",
    steps=64,
    rate=0.3,
    final_rate=0.0,
    betas=(0.8, 0.99),
    decay=0.0,
    init_std=0.01,
    views=ViewRange(degrees=15, shift=0.2, smallest=0.6, largest=1.1),
    class_weight=0.1,
    clip_weight=0.25,
    clip_every=2,
    goal=1.25,
)


def recipe_for(mode: Mode, steps: int | None = None) -> Recipe:
    """Return the recipe of a mode, with its own number of steps or the one that is asked for."""
    recipe = PAPER if mode == "paper" else DEFAULT
    return recipe if steps is None else replace(recipe, steps=steps)
