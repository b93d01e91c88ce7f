"""Pictures with and without a cue, and what the model says of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from ..data.transforms import Preprocess
from ..models.classifier import Classifier
from ..models.device import by_halves
from ..results.failure_modes import CoverTest, FlipChange, FlipRate
from ..tensors import OnProgress, no_progress
from .metrics import wilson_interval
from .recolour import Recolour
from .regions import CUE_SHARE, cover, elsewhere, put_in, strongest_region

ReadImages = Callable[[Sequence[int]], Tensor]
"""`read(rows)` returns these rows' images [n,3,S,S] in 0…1, framed as the classifier is shown them."""

BATCH = 32


@dataclass(frozen=True)
class Answer:
    """What the model says of a picture: the class and its probability."""

    predicted: int
    confidence: float


@dataclass(frozen=True)
class CounterfactualPicture:
    """Image `row`, changed: `rgb` uint8 [S,S,3], `region` bool [S,S] covered or put in from image `donor`.

    `before` and `after` are the model's answers, `controls` those with the same region elsewhere.
    """

    row: int
    donor: int | None
    rgb: Tensor
    region: Tensor
    before: Answer
    after: Answer
    controls: tuple[Answer, ...]


def without_cue(
    classifier: Classifier,
    preprocess: Preprocess,
    direction: Tensor,
    rows: Sequence[int],
    read: ReadImages,
    on_progress: OnProgress = no_progress,
    share: float = CUE_SHARE,
) -> Iterator[CounterfactualPicture]:
    """Yield each of the images `rows` with the `share` covered where `direction` [D] fires most."""
    for start in range(0, len(rows), BATCH):
        on_progress(start, len(rows))
        part = list(rows[start : start + BATCH])
        images = read(part).to(classifier.device)
        region = _region(classifier, preprocess, direction, images, share)
        changed = cover(images, region)
        controls = [cover(images, moved) for moved in elsewhere(region)]
        yield from _pictures(classifier, preprocess, part, None, images, changed, region, controls)


def recoloured(
    classifier: Classifier,
    preprocess: Preprocess,
    recolour: Recolour,
    rows: Sequence[int],
    read: ReadImages,
    on_progress: OnProgress = no_progress,
) -> Iterator[CounterfactualPicture]:
    """Yield each of the images `rows` in the colours of images without the cue; the region is all of it.

    The controls have their mean colour moved as far in other directions.
    """
    for start in range(0, len(rows), BATCH):
        on_progress(start, len(rows))
        part = list(rows[start : start + BATCH])
        images = read(part).to(classifier.device)
        region = torch.ones(len(part), *images.shape[-2:], dtype=torch.bool)
        changed, controls = recolour.applied(images), recolour.controls(images)
        yield from _pictures(classifier, preprocess, part, None, images, changed, region, controls)


def with_cue(
    classifier: Classifier,
    preprocess: Preprocess,
    direction: Tensor,
    rows: Sequence[int],
    donors: Sequence[int],
    read: ReadImages,
    on_progress: OnProgress = no_progress,
    share: float = CUE_SHARE,
) -> Iterator[CounterfactualPicture]:
    """Yield each of the images `rows` with what `direction` [D] sees in its donor put in at the same place.

    `donors` are as many rows, images that carry the cue. The controls are the donor's pixels elsewhere.
    """
    for start in range(0, len(rows), BATCH):
        on_progress(start, len(rows))
        part, given = (list(each[start : start + BATCH]) for each in (rows, donors))
        images, others = (read(each).to(classifier.device) for each in (part, given))
        region = _region(classifier, preprocess, direction, others, share)
        changed = put_in(images, others, region)
        controls = [put_in(images, others, moved) for moved in elsewhere(region)]
        yield from _pictures(classifier, preprocess, part, given, images, changed, region, controls)


def cover_test(
    pictures: Sequence[CounterfactualPicture],
    labels: Sequence[int],
    by: Literal["region", "colour"] = "region",
) -> CoverTest | None:
    """Return the shares of mistakes, with these `labels`, that the change and its controls fix."""
    if not pictures:
        return None
    fixed = [picture.after.predicted == label for picture, label in zip(pictures, labels, strict=True)]
    controls = [
        control.predicted == label
        for picture, label in zip(pictures, labels, strict=True)
        for control in picture.controls
    ]
    return CoverTest(sum(fixed) / len(fixed), sum(controls) / len(controls), len(fixed), by)


def fixed_more(pictures: Sequence[CounterfactualPicture], labels: Sequence[int]) -> float:
    """Return the exact p of as many fixed by their own region as were, were it like the controls'.

    Of an image's regions, its own and the controls', any is then as likely to be among those that fix it: the
    count over images is a sum of independent draws (a randomisation test, paired by image).
    """
    chances, seen = [1.0], 0
    for picture, label in zip(pictures, labels, strict=True):
        own = picture.after.predicted == label
        fixed = own + sum(control.predicted == label for control in picture.controls)
        share, seen = fixed / (1 + len(picture.controls)), seen + own
        moved = zip([*chances, 0.0], [0.0, *chances], strict=True)
        chances = [(1 - share) * stay + share * step for stay, step in moved]
    return min(1.0, sum(chances[seen:]))


def flip_rates(
    pictures: Sequence[CounterfactualPicture],
    labels: Sequence[int],
    change: FlipChange = "covered",
    by: Literal["region", "colour"] = "region",
) -> tuple[FlipRate, ...]:
    """Return, by class of the images, how often the answer changes; classes in order."""
    rates = []
    for target in sorted(set(labels)):
        own = [picture for picture, label in zip(pictures, labels, strict=True) if label == target]
        flipped = sum(picture.after.predicted != picture.before.predicted for picture in own)
        moved = [
            control.predicted != picture.before.predicted for picture in own for control in picture.controls
        ]
        control = sum(moved) / len(moved) if moved else 0.0
        interval = wilson_interval(flipped, len(own))
        rates.append(FlipRate(target, len(own), flipped, interval, control, change, by))
    return tuple(rates)


def _region(
    classifier: Classifier, preprocess: Preprocess, direction: Tensor, images: Tensor, share: float
) -> Tensor:
    maps, _ = classifier.direction_maps(preprocess.normalise(images), direction[None])
    height, width = images.shape[-2:]
    return strongest_region(maps[:, 0], height, width, share)


def _pictures(
    classifier: Classifier,
    preprocess: Preprocess,
    rows: Sequence[int],
    donors: Sequence[int] | None,
    images: Tensor,
    changed: Tensor,
    region: Tensor,
    controls: Sequence[Tensor],
) -> Iterator[CounterfactualPicture]:
    before, after, *moved = (_answers(classifier, preprocess, part) for part in (images, changed, *controls))
    rgb = (changed.clamp(0, 1) * 255).round().to(torch.uint8).permute(0, 2, 3, 1).cpu()
    for place, row in enumerate(rows):
        donor = donors[place] if donors is not None else None
        elsewhere_ = tuple(answers[place] for answers in moved)
        yield CounterfactualPicture(
            row, donor, rgb[place], region[place].cpu(), before[place], after[place], elsewhere_
        )


def _answers(classifier: Classifier, preprocess: Preprocess, images: Tensor) -> list[Answer]:
    def answer(part: Tensor) -> tuple[Tensor]:
        return (classifier.forward(preprocess.normalise(part)).logits.softmax(dim=1),)

    with torch.no_grad():
        (chances,) = by_halves(answer, images)
    best = chances.max(dim=1)
    return [Answer(*pair) for pair in zip(best.indices.tolist(), best.values.tolist(), strict=True)]
