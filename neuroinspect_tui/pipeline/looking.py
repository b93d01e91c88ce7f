"""What a repaired decision layer changes, image by image and failure mode by failure mode."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import torch
from torch import Tensor

from .. import jobs
from ..errors import InputError
from ..events import Reporter
from ..results import ImageNeighbours, JudgedImages, ModeChange, Repair, RepairedImage, RepairedLayer
from ..stages.label_issues import nearest_rows
from ..stages.repair.run import ModeAim
from ..tensors import SplitFeatures
from ..text import safe
from .directions import known_modes
from .layers import known_repair
from .project import Project
from .verifying import judged_images

RIGHT = 6
"""Right images of its class that are shown beside an image."""


def look_through(project: Project, job: jobs.LookThrough, reporter: Reporter) -> RepairedLayer:
    """Return the judged images that repair `number` or the layer before it gets wrong."""
    return repaired_layer(project, known_repair(project, job.number))


def is_judged(project: Project, made: Repair) -> bool:
    """Whether the session knows on which images a repair was judged, and has the features of these."""
    try:
        return project.evaluated(judged_images(project.session, made).split)
    except InputError:
        return False


def repaired_layer(project: Project, made: Repair) -> RepairedLayer:
    """Return what a repair changes on the images that it was judged on.

    Raises InputError where the version that made it did not keep which these are.
    """
    judged = judged_images(project.session, made)
    data = project.features(judged.split)
    rows = _feature_rows(data, judged)
    labels, before, after = map(torch.tensor, (judged.labels, judged.untouched, judged.repaired))
    carried = {mode: aim.images(data)[rows] for mode, aim in _aims(project).items()}
    wrong = ((before != labels) | (after != labels)).nonzero().squeeze(1)
    samples = project.cues.label(data.samples(rows[wrong]))
    found = [
        RepairedImage(
            replace(sample, predicted=judged.untouched[place]),
            judged.repaired[place],
            tuple(mode for mode, has in carried.items() if has[place]),
        )
        for place, sample in zip(wrong.tolist(), samples, strict=True)
    ]
    return RepairedLayer(
        number=made.number,
        split=judged.split,
        images=tuple(sorted(found, key=lambda image: -image.sample.confidence)),
        modes=tuple(_mode_changes(carried, before == labels, after == labels)),
    )


def _feature_rows(data: SplitFeatures, judged: JudgedImages) -> Tensor:
    """Return the rows [N] of the features that hold the judged images."""
    places = {row: place for place, row in enumerate(data.rows.tolist())}
    gone = (path for row, path in zip(judged.rows, judged.paths, strict=True) if row not in places)
    missing = next(gone, None)
    if missing is not None:
        raise InputError(f"{safe(missing, 200)} was judged and is no longer evaluated", "repair anew")
    return torch.tensor([places[row] for row in judged.rows], dtype=torch.int64)


def _aims(project: Project) -> dict[int, ModeAim]:
    """Return the failure modes found so far, by id."""
    found = known_modes(project)
    if found is None:
        return {}
    return {
        mode.id: ModeAim(found.directions[place], float(found.thresholds[place]), mode.classes)
        for place, mode in enumerate(found.modes)
    }


def _mode_changes(carried: Mapping[int, Tensor], before: Tensor, after: Tensor) -> Iterator[ModeChange]:
    """Yield the accuracy [N bool: right] of both layers on the images of each failure mode that has any."""
    for mode, has in carried.items():
        count = int(has.sum())
        if count:
            yield ModeChange(mode, count, *(float(right[has].double().mean()) for right in (before, after)))


def neighbours(project: Project, job: jobs.FindNeighbours, reporter: Reporter) -> ImageNeighbours:
    """Return what lies nearest to an image in feature space."""
    data = project.features(job.split)
    if not 0 <= job.row < len(data):
        raise InputError(f"{safe(job.split)} has no image {job.row}", "open the session anew")
    row = torch.tensor([job.row])
    right = (data.labels == data.labels[row]) & ~data.mistakes
    return ImageNeighbours(
        right=data.samples(nearest_rows(data, row, RIGHT, right)[0]),
        labels=tuple(data.labels[nearest_rows(data, row)[0]].tolist()),
        self_confidence=float(
            project.head.logits(data.features[row]).softmax(dim=1)[0, data.labels[job.row]]
        ),
    )


HANDLERS = (
    jobs.LookThrough.handled_by(look_through),
    jobs.FindNeighbours.handled_by(neighbours),
)
