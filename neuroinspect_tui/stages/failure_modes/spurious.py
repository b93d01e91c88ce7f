"""Is a mode a spurious cue? Decided by several pieces of evidence together, never by one number."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from ...results.failure_modes import CoverTest, FailureMode
from ...tensors import SplitFeatures
from .directions import scores
from .discover import FailureModes
from .exact import exact_p
from .ranks import average_ranks

SIGNIFICANT, CERTAIN = 1e-3, 1e-8
ALIKE = 0.6
FIXED, TIMES = 0.25, 3.0
ITS_CLASS, HARDLY_ITS_CLASS = 0.98, 0.8
_FEWEST = 3


@dataclass(frozen=True)
class Transfer:
    """What a mode's cue does to images of all classes but the one that it pulls to, `predicted`.

    In `same` of `classes` (with at least three images above the mode's threshold and three below), those
    above are predicted as it more often; `p` is of this pull over all of them (Fisher's exact test with the
    classes as strata). `own` is the AUROC of the score for the images of `predicted`: near 1, the cue is the
    class itself.
    """

    predicted: int
    classes: int
    same: int
    p: float
    own: float


def transfer(data: SplitFeatures, found: FailureModes, mode: int) -> Transfer:
    """Measure a mode's effect on the images of other classes."""
    values = scores(data.features, found.directions[mode][None])[:, 0]
    above = values > found.thresholds[mode]
    predicted = int(data.predicted[found.rows_of(mode)].mode().values)
    taken = data.predicted == predicted
    same = classes = 0
    tables: list[tuple[int, int, int, int]] = []
    for label in data.labels.unique().tolist():
        own = data.labels == label
        first, second = int((own & above).sum()), int((own & ~above).sum())
        if label == predicted or min(first, second) < _FEWEST:
            continue
        hits, total, size = int((own & above & taken).sum()), int((own & taken).sum()), first + second
        classes += 1
        same += hits * second > (total - hits) * first
        tables.append((hits, first, total, size))
    return Transfer(predicted, classes, same, exact_p(tables), _own_class(data, values, predicted))


def is_spurious(mode: FailureMode, effect: Transfer, cover: CoverTest | None, cover_p: float = 0.0) -> bool:
    """Say whether the evidence together makes a mode a spurious cue.

    The cue must not be the class itself, it must pull most other classes alike, and its removal must fix:
    covered in the picture, a quarter of the mistakes and three times as many as elsewhere, by no chance
    (`cover_p`, of `fixed_more`); or, where it was not covered or fills the picture, taken out of the features
    half of them, breaking few right answers,
    with a pull that is beyond doubt and a score that says little of the class.
    """
    alike = effect.classes > 0 and effect.same >= ALIKE * effect.classes
    if effect.own >= ITS_CLASS or not alike or effect.p >= SIGNIFICANT:
        return False
    covered = cover is not None and cover.mended >= max(FIXED, TIMES * cover.elsewhere)
    if covered and cover_p < SIGNIFICANT:
        return True
    removed = mode.projected
    if removed is None or effect.p >= CERTAIN or effect.own >= HARDLY_ITS_CLASS:
        return False
    fixes = removed.mended >= max(2 * FIXED, TIMES * removed.random)
    return fixes and removed.broken <= removed.mended / 10


def _own_class(data: SplitFeatures, values: Tensor, predicted: int) -> float:
    """Return the AUROC of `values` [N] for a class among all images, 0.5 where one side is empty."""
    own = data.labels == predicted
    first, second = int(own.sum()), int((~own).sum())
    if not first or not second:
        return 0.5
    return float((average_ranks(values)[own].sum() - first * (first + 1) / 2) / (first * second))
