"""The numbers that come with every illusion, measured on the picture as it is saved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ..data.transforms import Preprocess, as_pixels
from .augment import Views, draw_views, view
from .illusion_optimizer import Guide, Pair, chosen
from .masks import activation_mask
from .recipes import DEFAULT
from .units import Network

_ROBUST_VIEWS = 16
_ROBUST_SEED = 1


@dataclass(frozen=True)
class IllusionResult:
    """A finished picture `rgb` uint8 [H,W,3] with its `mask` float [H,W], and numbers measured on these
    bytes.

    `ratio` activation / q99.9; `robust_ratio` its mean over random views; `rank` of the neuron among all
    by that ratio (1: the picture identifies it); class `probability` and `logit`; `clip_similarity` the
    cosine to the class's text and `clip_percentile` (0…100) its place among real images of the class,
    None without CLIP. `features` [D] are what the picture excites; `steps` how many it took.
    """

    pair: Pair
    rgb: Tensor
    mask: Tensor
    features: Tensor
    steps: int
    activation: float
    ratio: float
    robust_ratio: float
    rank: int
    probability: float
    logit: float
    clip_similarity: float | None
    clip_percentile: float | None


def measure(
    classifier: Network,
    preprocess: Preprocess,
    guide: Guide | None,
    pairs: Sequence[Pair],
    rgb: Tensor,
    steps: Sequence[int],
    scale: Tensor,
) -> list[IllusionResult]:
    """Measure pictures `rgb` uint8 [B,H,W,3], painted in `steps` [B], by the neurons' `scale` q [D]."""
    pixels = as_pixels(rgb).to(classifier.device)
    places = torch.tensor([(pair.neuron, pair.target) for pair in pairs], device=classifier.device)
    neurons, targets = places.unbind(1)
    maps, found = classifier.maps_and_activations(preprocess.normalise(pixels), neurons[:, None])
    ratios = found.features / scale
    columns = {
        "activation": chosen(found.features, neurons),
        "ratio": chosen(ratios, neurons),
        "robust_ratio": _robust_ratio(classifier, preprocess, pixels, neurons, scale),
        "probability": chosen(found.logits.softmax(1), targets),
        "logit": chosen(found.logits, targets),
    }
    ranks = ((ratios > columns["ratio"][:, None]).sum(1) + 1).tolist()
    numbers = torch.stack(list(columns.values()), 1).tolist()
    similarities = _similarities(guide, pixels, pairs)
    masks = activation_mask(maps[:, 0], *pixels.shape[-2:]).cpu()
    return [
        IllusionResult(
            pair=pair,
            rgb=rgb[row].cpu(),
            mask=masks[row],
            features=found.features[row].cpu(),
            steps=steps[row],
            rank=ranks[row],
            clip_similarity=similarities[row][0],
            clip_percentile=similarities[row][1],
            **dict(zip(columns, numbers[row], strict=True)),
        )
        for row, pair in enumerate(pairs)
    ]


def _robust_ratio(
    classifier: Network, preprocess: Preprocess, pixels: Tensor, neurons: Tensor, scale: Tensor
) -> Tensor:
    """Return [B]: the mean a/q over random views, the same views for every picture."""
    total = torch.zeros(len(pixels), device=pixels.device)
    drawn = draw_views(torch.Generator().manual_seed(_ROBUST_SEED), _ROBUST_VIEWS, DEFAULT.views)
    drawn = drawn.to(pixels.device)
    for index in range(_ROBUST_VIEWS):
        same = Views(*(part[index].expand(len(pixels), *part.shape[1:]) for part in vars(drawn).values()))
        features = classifier.forward(preprocess.normalise(view(pixels, same))).features
        total += chosen(features, neurons) / scale[neurons]
    return total / _ROBUST_VIEWS


def _similarities(
    guide: Guide | None, pixels: Tensor, pairs: Sequence[Pair]
) -> list[tuple[float | None, float | None]]:
    """Return cosine and percentile for every picture, None for what cannot be known."""
    if guide is None:
        return [(None, None)] * len(pairs)
    with torch.no_grad():
        embeddings = guide.encoder.encode_image(pixels).cpu()
    found: list[tuple[float | None, float | None]] = []
    for pair, embedding in zip(pairs, embeddings, strict=True):
        cosine = float(embedding @ guide.texts[pair.target].cpu())
        real = guide.real.get(pair.target)
        known = () if real is None else real.tolist()
        below = sum(value <= cosine for value in known)
        found.append((cosine, 100 * below / len(known) if known else None))
    return found
