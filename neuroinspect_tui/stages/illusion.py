"""CLIP-Illusion (NeuroInspect stage 2, arXiv 2310.07184): what a neuron has learned of a class."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from ..data.transforms import Preprocess
from ..models.classifier import Classifier
from ..models.device import is_out_of_memory
from ..tensors import OnProgress, no_progress
from .illusion_numbers import IllusionResult, measure
from .illusion_optimizer import Guide, IllusionOptimizer, Pair
from .neuron_statistics import NeuronStatistics
from .recipes import DEFAULT, Recipe
from .units import Network, UnitClassifier, Units

OnPreview = Callable[[Pair, int, int, Tensor, float], None]
"""`on_preview(pair, step, steps, rgb uint8 [H,W,3], ratio)`, every few steps for every active picture."""

_CHECK_EVERY = 8


def make_illusions(
    classifier: Classifier,
    preprocess: Preprocess,
    guide: Guide | None,
    pairs: Sequence[Pair],
    statistics: NeuronStatistics,
    recipe: Recipe = DEFAULT,
    on_preview: OnPreview | None = None,
    on_progress: OnProgress = no_progress,
    batch_size: int | None = None,
    dtype: torch.dtype | None = None,
    units: Units | None = None,
) -> list[IllusionResult]:
    """Paint a picture for every pair, all of them side by side; results in the order of `pairs`.

    A picture depends on its pair, never on its company (beyond rounding), but for seeds of the same
    neuron and class, which are pushed apart. They are painted in `dtype` (None: the classifier's own) and
    measured in the classifier's own. A pair's `neuron` may be the number of one of the `units`, with the
    statistics of `Units.statistics`. `on_progress` counts steps; raising from it between two steps
    stops everything.
    """
    if not pairs:
        return []
    portion = batch_size or (128 if classifier.device.type == "cuda" else 16)
    answering = UnitClassifier(classifier, units or Units.none(classifier.head.neurons))
    differentiable = answering.differentiable(dtype or classifier.dtype)
    optimizer = IllusionOptimizer(differentiable, preprocess, guide, pairs, statistics, recipe, portion)
    steps = [recipe.steps] * len(pairs)
    for number in range(recipe.steps):
        on_progress(number, recipe.steps)
        if number and number % _CHECK_EVERY == 0:
            if on_preview is not None:
                _show(optimizer, pairs, number, on_preview)
            for row in optimizer.remove_finished():
                steps[row] = number
        if not len(optimizer.active):
            break
        optimizer.step(number)
    on_progress(recipe.steps, recipe.steps)
    return _measured(optimizer, answering, pairs, steps)


def _show(optimizer: IllusionOptimizer, pairs: Sequence[Pair], number: int, on_preview: OnPreview) -> None:
    ratios = optimizer.tracker.own[optimizer.active].tolist()
    pictures = torch.cat(
        [to_bytes(optimizer.pictures(rows)) for rows in optimizer.active.split(optimizer.batch_size)]
    )
    for row, picture, ratio in zip(optimizer.active.tolist(), pictures.cpu(), ratios, strict=True):
        on_preview(pairs[row], number, optimizer.recipe.steps, picture, ratio)


def _measured(
    optimizer: IllusionOptimizer, classifier: Network, pairs: Sequence[Pair], steps: Sequence[int]
) -> list[IllusionResult]:
    results: list[IllusionResult] = []
    while len(results) < len(pairs):
        part = slice(len(results), len(results) + optimizer.batch_size)
        rows = torch.arange(len(pairs), device=classifier.device)[part]
        rgb = to_bytes(optimizer.pictures(rows))
        try:
            results += measure(
                classifier,
                optimizer.preprocess,
                optimizer.guide,
                pairs[part],
                rgb,
                steps[part],
                optimizer.scale,
            )
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error) or optimizer.batch_size == 1:
                raise
            optimizer.batch_size //= 2
    return results


def to_bytes(pictures: Tensor) -> Tensor:
    """Return pictures [B,3,H,W] in 0…1 as uint8 [B,H,W,3]."""
    return (pictures.clamp(0, 1) * 255).round().to(torch.uint8).permute(0, 2, 3, 1)
