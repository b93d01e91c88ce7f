"""How good a classifier is on a group that only tags know: an estimate with an interval.

The tags are carried to all images by a probe that errs, so the accuracy among the images that it calls "has"
is not that of the group. The tags of each stratum (carried value × right or wrong) say how many of its images
have the cue; the group's accuracy follows with all their uncertainty.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from ..results import GroupEstimate, WorstGroup
from ..tensors import GroupColumn, Head, SplitFeatures

AGREES, DIFFERS, UNCLEAR = 1.0, 0.25, 0.625
DRAWS = 4000
LEVEL = 0.9
Draws = NDArray[np.float64]
"""[DRAWS] draws of a number from its posterior."""


@dataclass(frozen=True)
class Evidence:
    """Images tagged by hand, of any split: what the probe says of them without their own tag, and the truth.

    `features` [n,D] float32, `labels` [n], `carried` [n] (-1 unclear) and `tags` [n] int64; `margins` [n] is
    how far the probe's two scores are apart.
    """

    features: Tensor
    labels: Tensor
    carried: Tensor
    tags: Tensor
    margins: Tensor

    def of_class(self, label: int) -> Evidence:
        """Return the images of one class."""
        own = self.labels == label
        return Evidence(*(column[own] for column in vars(self).values()))


def estimate_group(
    carried: Tensor, right: Tensor, tagged: Tensor, value: int, seed: int = 0
) -> GroupEstimate | None:
    """Estimate the accuracy on the images of a class whose true value is `value` (0 or 1).

    `carried` [N] int64 is the value by the probe (-1 unclear), `right` [N] bool the classifier's, `tagged`
    [N] int64 the value by hand (-1 untagged).
    """
    known = tagged >= 0
    taught = carried[known], right[known], tagged[known]
    return transported(carried, right, tagged, taught, value, seed)


def transported(
    carried: Tensor,
    right: Tensor,
    tagged: Tensor,
    taught: tuple[Tensor, Tensor, Tensor],
    value: int,
    seed: int = 0,
) -> GroupEstimate | None:
    """Estimate the same where the tagged images, `taught` [n] each, are or are not among those [N].

    In a stratum (carried value × right or wrong) n images are tagged and k of those have the value; the share
    p of the m untagged that have it has the posterior Beta(a + k, b + n − k), with (a, b) = (1, ¼) where the
    probe says the value, (¼, 1) where it says the other. The accuracy is Σ_right (t + m p) / Σ (t + m p) over
    draws of all p, t the tagged images [N] that have the value. The tags must not be chosen by what they turn
    out to be: images drawn because the probe doubts them count as a stratum of their own (unclear). None
    where no image may have the value.
    """
    generator = np.random.default_rng(seed)
    hits, total = np.zeros(DRAWS), np.zeros(DRAWS)
    for code in (-1, 0, 1):
        for is_right in (False, True):
            tags = taught[2][(taught[0] == code) & (taught[1] == is_right)]
            share = _share(int((tags == value).sum()), len(tags), code, value, generator)
            stratum = tagged[(carried == code) & (right == is_right)]
            untagged = int((stratum < 0).sum())
            have = int((stratum == value).sum()) + generator.binomial(untagged, share).astype(np.float64)
            total += have
            hits += have if is_right else 0.0
    if not float(total.mean()):
        return None
    rates = hits / np.maximum(total, 1e-9)
    low, middle, high = np.quantile(rates, [(1 - LEVEL) / 2, 0.5, (1 + LEVEL) / 2])
    return GroupEstimate(float(middle), (float(low), float(high)), float(total.mean()), len(taught[2]))


def _share(hits: int, count: int, code: int, value: int, generator: np.random.Generator) -> Draws:
    """Return draws of the share of a stratum that has the value; of `count` tagged images `hits` have it."""
    prior = {value: (AGREES, DIFFERS), -1: (UNCLEAR, UNCLEAR)}.get(code, (DIFFERS, AGREES))
    return generator.beta(prior[0] + hits, prior[1] + count - hits, DRAWS)


def precision_of_cell(carried: Tensor, tagged: Tensor, value: int) -> tuple[float, tuple[float, float]]:
    """Return which share of the images that the probe calls `value` has it, and its 90 % interval.

    From the tagged images [N] of a class among them: Beta(1 + k, ¼ + n − k).
    """
    own = tagged[(carried == value) & (tagged >= 0)]
    hits = int((own == value).sum())
    draws = np.random.default_rng(0).beta(AGREES + hits, DIFFERS + len(own) - hits, DRAWS)
    low, high = np.quantile(draws, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(draws.mean()), (float(low), float(high))


def with_estimate(
    group: WorstGroup, judge: SplitFeatures, predicted: Tensor, head: Head, evidence: Evidence
) -> WorstGroup:
    """Return a group whose values a probe carried with the estimate of the accuracy on the true one.

    `predicted` [N] is what `head` makes of the images of `judge`.
    """
    column: GroupColumn = judge.groups[group.column]
    own = judge.labels == group.class_index
    taught = evidence.of_class(group.class_index)
    tags = column.codes if column.by_hand is None else column.codes.where(column.by_hand, -1)
    found = transported(
        column.codes[own],
        predicted[own] == group.class_index,
        tags[own],
        (taught.carried, head.logits(taught.features).argmax(dim=1) == taught.labels, taught.tags),
        column.values.index(group.value),
    )
    return replace(group, estimate=found)
