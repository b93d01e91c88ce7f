"""The cover test of a mode: is its cue taken out of the picture, does the classifier answer rightly?"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from ...data.transforms import Preprocess
from ...models.classifier import Classifier
from ...results.failure_modes import CoverTest, ImageStatistic
from ...tensors import OnProgress, SplitFeatures
from ..counterfactual_pictures import (
    CounterfactualPicture,
    ReadImages,
    cover_test,
    fixed_more,
    recoloured,
    without_cue,
)
from ..recolour import Recolour
from ..regions import SHARE
from .carried import concerned_classes
from .discover import FailureModes

COVERED = 64
OUTER = 0.25
"""Of each class, the share with the highest and with the lowest scores whose colours are compared."""

_FILLING = ("brightness", "contrast", "red", "green", "blue")
Outcome = tuple[CoverTest | None, float]


@dataclass(frozen=True)
class Covering:
    """The images of a split and the classifier to ask again."""

    data: SplitFeatures
    found: FailureModes
    classifier: Classifier
    preprocess: Preprocess
    read: ReadImages
    on_progress: OnProgress

    def best(self, mode: int, values: Tensor, statistic: ImageStatistic | None) -> Outcome:
        """Return the test of a mode with scores `values` [N], and its p.

        Its region is blurred; where a statistic of colour goes with it, its colours are changed as well: the
        test with the smaller p counts, its p doubled. At most 64 mistakes, spread over the mode's, are shown.
        """
        own = self.found.rows_of(mode)
        rows = own[torch.linspace(0, len(own) - 1, min(len(own), COVERED)).round().long()].tolist()
        direction = self.found.directions[mode]
        seen = self.classifier, self.preprocess
        blurred = self._outcome(
            without_cue(*seen, direction, rows, self.read, self.on_progress, SHARE), rows, "region"
        )
        if statistic is None or statistic.name.removeprefix("border ") not in _FILLING:
            return blurred
        colours = colour_change(self.data, self.found, mode, values, self.read)
        other = self._outcome(recoloured(*seen, colours, rows, self.read), rows, "colour")
        test, p = min(blurred, other, key=lambda outcome: outcome[1])
        return test, min(1.0, 2 * p)

    def _outcome(
        self, pictures: Iterable[CounterfactualPicture], rows: list[int], by: Literal["region", "colour"]
    ) -> Outcome:
        changed, labels = list(pictures), self.data.labels[rows].tolist()
        return cover_test(changed, labels, by), fixed_more(changed, labels)


def colour_change(
    data: SplitFeatures, found: FailureModes, mode: int, values: Tensor, read: ReadImages
) -> Recolour:
    """Compare the images of the mode's classes with the highest and with the lowest scores `values` [N]."""
    sides: tuple[list[int], list[int]] = [], []
    for label in concerned_classes(data.labels[found.rows_of(mode)]).tolist():
        rows = (data.labels == label).nonzero().squeeze(1)
        order = rows[values[rows].argsort(descending=True, stable=True)].tolist()
        count = max(1, round(OUTER * len(order)))
        for side, part in zip(sides, (order[:count], order[-count:]), strict=True):
            side += part
    with_cue, without = (read(side[:: 1 + len(side) // COVERED]) for side in sides)
    return Recolour.of(with_cue, without)
