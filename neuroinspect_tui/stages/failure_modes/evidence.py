"""The evidence for failure modes that takes images: cover test, image statistics, name, conclusion."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ...data.transforms import Preprocess
from ...models.classifier import Classifier
from ...results.failure_modes import FailureMode
from ...tensors import OnProgress, SplitFeatures, no_progress, part_of
from ..concepts import Vocabulary
from ..counterfactual_pictures import ReadImages
from .carried import concerned_classes, of_classes
from .covering import Covering
from .directions import sample_rows, scores
from .discover import FailureModes
from .naming import VerifiedName, verified_name
from .spurious import is_spurious, transfer
from .statistics import image_statistics, strongest_statistic

MEASURED = 2048
NAMED = 24
_BLOCK = 64


@dataclass(frozen=True)
class Pictures:
    """How evidence sees the images of a split, by rows.

    `read` returns [n,3,S,S] in 0…1 as the classifier is shown them, `sizes` [n,2] width and height of the
    files, `embed` unit CLIP embeddings [n,E] (None without CLIP), to be named with `vocabulary`.
    """

    read: ReadImages
    sizes: Callable[[Sequence[int]], Tensor]
    embed: Callable[[Sequence[int]], Tensor] | None = None
    vocabulary: Vocabulary | None = None


def conclude(
    data: SplitFeatures,
    found: FailureModes,
    classifier: Classifier | None = None,
    preprocess: Preprocess | None = None,
    pictures: Pictures | None = None,
    seed: int = 0,
    on_progress: OnProgress = no_progress,
) -> FailureModes:
    """Return the modes with their cover test, statistic and name, as far as images are there, and `spurious`.

    Without images the conclusion rests on the features alone. At most 64 mistakes a mode are covered, 2048
    images measured.
    """
    values = scores(data.features, found.directions)
    measured = sample_rows(data, MEASURED) if pictures and found.modes else torch.empty(0, dtype=torch.int64)
    table = _measure(pictures, measured, part_of(on_progress, 0, 2)) if pictures and found.modes else None
    modes = []
    for mode in found.modes:
        progress = part_of(part_of(on_progress, 1, 2), mode.id, len(found.modes))
        own, statistic = values[:, mode.id], None
        cover, cover_p = None, 1.0
        if table is not None:
            above = own[measured] > found.thresholds[mode.id]
            statistic = strongest_statistic(table, data.labels[measured], above, len(found.modes))
        if classifier is not None and preprocess is not None and pictures is not None:
            test = Covering(data, found, classifier, preprocess, pictures.read, progress)
            cover, cover_p = test.best(mode.id, own, statistic)
        name = _name(data, found, mode, own, pictures, seed)
        modes.append(
            replace(
                mode,
                cover=cover,
                statistic=statistic,
                name=name.label if name else None,
                name_auroc=name.auroc if name else None,
                spurious=is_spurious(mode, transfer(data, found, mode.id), cover, cover_p),
            )
        )
    return replace(found, modes=tuple(modes))


def _measure(pictures: Pictures, rows: Tensor, on_progress: OnProgress) -> Tensor:
    """Return the statistics of the images `rows`, [n,12]."""
    parts: list[Tensor] = []
    for start in range(0, len(rows), _BLOCK):
        on_progress(start, len(rows))
        part = rows[start : start + _BLOCK].tolist()
        parts.append(image_statistics(pictures.read(part), pictures.sizes(part)))
    return torch.cat(parts)


def _name(
    data: SplitFeatures,
    found: FailureModes,
    mode: FailureMode,
    values: Tensor,
    pictures: Pictures | None,
    seed: int,
) -> VerifiedName | None:
    """Name what the images of the mode's classes above its threshold have and those below it have not."""
    if pictures is None or pictures.embed is None or pictures.vocabulary is None:
        return None
    inside = of_classes(data.labels, concerned_classes(data.labels[found.rows_of(mode.id)]))
    above = values > found.thresholds[mode.id]
    sides = []
    for chosen, order in ((inside & above, -values), (inside & ~above, values)):
        rows = chosen.nonzero().squeeze(1)
        sides.append(rows[order[rows].argsort(stable=True)][:NAMED].tolist())
    if not sides[0] or not sides[1]:
        return None
    return verified_name(pictures.embed(sides[0]), pictures.embed(sides[1]), pictures.vocabulary, seed)
