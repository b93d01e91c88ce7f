"""How good a classifier is on a group that only tags know: an estimate with an interval.

The tags are carried to all images by a probe that errs, so the accuracy among the images that it calls "has"
is not that of the group. The tags of each stratum (carried value × right or wrong) say how many of its images
have the cue; the group's accuracy follows with all their uncertainty.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from ..results import GroupEstimate

AGREES, DIFFERS, UNCLEAR = 1.0, 0.25, 0.625
DRAWS = 4000
LEVEL = 0.9


def estimate_group(
    carried: Tensor, right: Tensor, tagged: Tensor, value: int, seed: int = 0
) -> GroupEstimate | None:
    """Estimate the accuracy on the images of a class whose true value is `value` (0 or 1).

    `carried` [N] int64 is the value by the probe (-1 unclear), `right` [N] bool the classifier's, `tagged`
    [N] int64 the value by hand (-1 untagged). In a stratum of m images of which n are tagged and k of those
    have the value, the share p of the untagged that have it has the posterior Beta(a + k, b + n − k), with
    (a, b) = (1, ¼) where the probe says the value, (¼, 1) where it says the other. The accuracy is
    Σ_right (k + (m − n) p) / Σ (k + (m − n) p) over draws of all p. The tags must not be chosen by what they
    turn out to be: images drawn because the probe doubts them count as a stratum of their own (unclear).
    None where no image may have the value.
    """
    generator = np.random.default_rng(seed)
    hits, total = np.zeros(DRAWS), np.zeros(DRAWS)
    for code in (-1, 0, 1):
        for is_right in (False, True):
            stratum = (carried == code) & (right == is_right)
            have = _have(tagged[stratum], code, value, generator)
            total += have
            hits += have if is_right else 0.0
    if not float(total.mean()):
        return None
    rates = hits / np.maximum(total, 1e-9)
    low, middle, high = np.quantile(rates, [(1 - LEVEL) / 2, 0.5, (1 + LEVEL) / 2])
    known = int((tagged >= 0).sum())
    return GroupEstimate(float(middle), (float(low), float(high)), float(total.mean()), known)


def _have(tagged: Tensor, code: int, value: int, generator: np.random.Generator) -> NDArray[np.float64]:
    """Return draws [DRAWS] of how many images of one stratum have the value."""
    count = len(tagged)
    if not count:
        return np.zeros(DRAWS)
    known, hits = int((tagged >= 0).sum()), int((tagged == value).sum())
    prior = {value: (AGREES, DIFFERS), -1: (UNCLEAR, UNCLEAR)}.get(code, (DIFFERS, AGREES))
    share = generator.beta(prior[0] + hits, prior[1] + known - hits, DRAWS)
    return hits + generator.binomial(count - known, share).astype(np.float64)


def precision_of_cell(carried: Tensor, tagged: Tensor, value: int) -> tuple[float, tuple[float, float]]:
    """Return which share of the images that the probe calls `value` has it, and its 90 % interval.

    From the tagged images [N] of a class among them: Beta(1 + k, ¼ + n − k).
    """
    own = tagged[(carried == value) & (tagged >= 0)]
    hits = int((own == value).sum())
    draws = np.random.default_rng(0).beta(AGREES + hits, DIFFERS + len(own) - hits, DRAWS)
    low, high = np.quantile(draws, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(draws.mean()), (float(low), float(high))
