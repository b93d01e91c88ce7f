"""The pictures while they are painted: what they start from, and one step for all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from ..data.transforms import Preprocess
from ..models.classifier import Activations
from ..models.device import is_out_of_memory
from .augment import Views, draw_views, view
from .fourier import FourierBasis, draw_coefficients
from .neuron_statistics import NeuronStatistics
from .objective import LOSSES, ActivationTracker, StepOutputs, own_and_rival, strongest_others
from .recipes import Recipe
from .row_adam import RowAdam
from .units import Network

_HALF_SCALE = 1024.0
_DIVERSITY = 1.0


@dataclass(frozen=True)
class Pair:
    """A picture to make: of `neuron` (or another unit's number), for class `target`, begun from `seed`."""

    neuron: int
    target: int
    seed: int = 0


class ImageEncoder(Protocol):
    """What illusions need of CLIP: unit embeddings [B,E] of images [B,3,H,W] in 0…1, differentiable."""

    def encode_image(self, images: Tensor) -> Tensor:
        """Return [B,E]."""
        ...


@dataclass(frozen=True)
class Guide:
    """CLIP and, by class, the text embedding `texts[c]` [E] and the cosines `real[c]` [R] of real images."""

    encoder: ImageEncoder
    texts: dict[int, Tensor]
    real: dict[int, Tensor]


@dataclass(frozen=True)
class _Taken:
    """What a step found for its rows: gradients, their new tracker and signatures [B,D]."""

    gradient: Tensor
    tracker: ActivationTracker
    signature: Tensor


class IllusionOptimizer:
    """P pictures painted side by side; each follows its own loss, its own views and its own seed.

    Steps go through the pictures in portions of `batch_size`; where memory runs out the portion is
    halved and the step repeated, which changes no result.
    """

    def __init__(
        self,
        classifier: Network,
        preprocess: Preprocess,
        guide: Guide | None,
        pairs: Sequence[Pair],
        statistics: NeuronStatistics,
        recipe: Recipe,
        batch_size: int,
    ) -> None:
        device, size = classifier.device, preprocess.image_size
        self.classifier, self.preprocess, self.guide, self.recipe = classifier, preprocess, guide, recipe
        self.batch_size = batch_size
        self.neurons = torch.tensor([pair.neuron for pair in pairs], device=device)
        self.targets = torch.tensor([pair.target for pair in pairs], device=device)
        self.texts = torch.stack([guide.texts[pair.target] for pair in pairs]).to(device) if guide else None
        self.scale = statistics.scale().to(device)
        self.basis = _basis(statistics, recipe, size).to(device)
        generators = [_generator(pair) for pair in pairs]
        starts = [draw_coefficients(generator, size, recipe.init_std) for generator in generators]
        views = [draw_views(generator, recipe.steps, recipe.views) for generator in generators]
        self.adam = RowAdam(torch.stack(starts).to(device), recipe)
        self.views = Views.stack(views).to(device)
        self.tracker = ActivationTracker.start(len(pairs), device)
        self.siblings = _siblings(pairs).to(device)
        self.signatures = torch.zeros(len(pairs), len(self.scale), device=device)
        self.active = torch.arange(len(pairs), device=device)

    def pictures(self, rows: Tensor) -> Tensor:
        """Return the present pictures [B,3,S,S] in 0…1 of `rows`."""
        with torch.no_grad():
            return self.basis.paint(self.adam.values[rows])

    def classify(self, pictures: Tensor) -> Activations:
        """Return what the classifier makes of pictures in 0…1."""
        return self.classifier.forward(self.preprocess.normalise(pictures))

    def losses(self, rows: Tensor, number: int) -> Tensor:
        """Return the loss [B] of `rows` at step `number`, from their present state."""
        return self._seen(self.adam.values[rows], rows, number)[0]

    def step(self, number: int) -> None:
        """Take step `number` (from 0) for every active picture."""
        start, signatures = 0, self.signatures.clone()
        while start < len(self.active):
            rows = self.active[start : start + self.batch_size]
            try:
                taken = self._take(rows, number)
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error) or self.batch_size == 1:
                    raise
                self.batch_size //= 2
                continue
            self.adam.update(rows, taken.gradient, number)
            self.tracker = self.tracker.put(rows, taken.tracker)
            signatures.index_copy_(0, rows, taken.signature)
            start += len(rows)
        self.signatures = signatures

    def remove_finished(self) -> list[int]:
        """Let the pictures that have reached their goal leave the batch, and return which did.

        The goal is reached in the views they were seen in, and the picture itself must identify its neuron.
        """
        leaving: list[int] = []
        if self.recipe.goal is None:
            return leaving
        reached = self.active[self.tracker[self.active].reached()]
        for start in range(0, len(reached), self.batch_size):
            rows = reached[start : start + self.batch_size]
            ratios = self.classify(self.pictures(rows)).features / self.scale
            own, rival = own_and_rival(ratios, self.neurons[rows])
            leaving += rows[(own >= self.recipe.goal) & (own > rival)].tolist()
        gone = set(leaving)
        stay = [row for row in self.active.tolist() if row not in gone]
        self.active = torch.tensor(stay, dtype=torch.int64, device=self.active.device)
        return leaving

    def _take(self, rows: Tensor, number: int) -> _Taken:
        values = self.adam.values[rows].requires_grad_()
        loss, found = self._seen(values, rows, number)
        scale = _HALF_SCALE if self.classifier.dtype == torch.float16 else 1.0
        (gradient,) = torch.autograd.grad(loss.sum() * scale, values)
        ratios, neurons, tracker = (
            found.features.detach() / self.scale,
            self.neurons[rows],
            self.tracker[rows],
        )
        if self.recipe.goal is not None:
            tracker = tracker.follow(*own_and_rival(ratios, neurons), self.recipe.goal)
        return _Taken(gradient / scale, tracker, _signature(ratios, neurons))

    def _seen(self, values: Tensor, rows: Tensor, number: int) -> tuple[Tensor, Activations]:
        """Return the losses [B] of coefficients `values`, and what the classifier made of their pictures."""
        pictures = view(self.basis.paint(values), self.views[rows, number])
        found, neurons, targets = self.classify(pictures), self.neurons[rows], self.targets[rows]
        ratios = found.features / self.scale
        outputs = StepOutputs(
            activation=chosen(found.features, neurons),
            drive=chosen(found.drive, neurons),
            quantile=self.scale[neurons],
            share=self.tracker.share[rows],
            others=strongest_others(ratios, neurons),
            logit=chosen(found.logits, targets),
            log_probability=chosen(found.logits.log_softmax(1), targets),
            cosine=self._cosine(pictures, rows) if number % self.recipe.clip_every == 0 else None,
            elapsed=number / self.recipe.steps,
        )
        signature = _signature(ratios, neurons)
        likeness = (signature * (self.siblings[rows] @ self.signatures)).sum(1)
        return LOSSES[self.recipe.objective](outputs, self.recipe) + _DIVERSITY * likeness, found

    def _cosine(self, pictures: Tensor, rows: Tensor) -> Tensor | None:
        if self.guide is None or self.texts is None:
            return None
        return (self.guide.encoder.encode_image(pictures) * self.texts[rows]).sum(1)


def chosen(table: Tensor, columns: Tensor) -> Tensor:
    """Return [B]: of each row of `table` [B,K] the entry in its column of `columns` [B]."""
    return table.gather(1, columns[:, None])[:, 0]


def _basis(statistics: NeuronStatistics, recipe: Recipe, size: int) -> FourierBasis:
    if recipe.objective == "paper":
        return FourierBasis.published(size)
    return statistics.basis or FourierBasis.natural(size)


def _generator(pair: Pair) -> torch.Generator:
    """Return a generator of the pair's own, so that a picture does not depend on its company."""
    seed = (pair.seed * 1_000_003 + pair.neuron) * 10_007 + pair.target
    return torch.Generator().manual_seed(seed)


def _signature(ratios: Tensor, neurons: Tensor) -> Tensor:
    """Return [B,D]: which neurons but its own a picture excites more than others, as unit vectors."""
    others = ratios.scatter(1, neurons[:, None], 0.0)
    return F.normalize(others - others.mean(1, keepdim=True), dim=1)


def _siblings(pairs: Sequence[Pair]) -> Tensor:
    """Return [P,P]: 1/(number of other seeds) where two pairs differ in the seed alone."""
    keys = torch.tensor([[pair.neuron, pair.target] for pair in pairs])
    same = (keys[:, None] == keys[None]).all(2).float().fill_diagonal_(0)
    return same / same.sum(1, keepdim=True).clamp_min(1)
