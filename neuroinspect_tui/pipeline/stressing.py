"""The stress battery on images of the debugged split, the regions of its failure modes put in as well."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from .. import jobs
from ..data.transforms import as_pixels
from ..events import Reporter
from ..results import StressResult
from ..stages.failure_modes import FailureModes
from ..stages.stress import Change, battery, cue_change, stress, worth_telling
from ..tensors import SplitFeatures
from .caching import cached
from .directions import known_modes
from .picturing import framed, spread
from .project import Project

FEWEST, MOST = 256, 2000
PIXELS = MOST * 64 * 64
"""Images are so many that their pixels are these, within the two bounds: networks cost by pixels."""
DONORS = 8


@cached
def run_stress(project: Project, job: jobs.RunStress, reporter: Reporter) -> StressResult:
    """Run the battery on images of every class; raises InputError where there is no network to run."""
    classifier, preprocess = project.classifier, project.preprocess
    data, found = project.features(project.split.name), known_modes(project)

    def read(rows: Sequence[int]) -> Tensor:
        return as_pixels(framed(project, rows))

    modes = {} if found is None else dict(_of_modes(project, data, found))
    changes = battery() | {f"mode {number}": change for number, change in modes.items()}
    rows = stress_rows(data, max(FEWEST, min(MOST, PIXELS // preprocess.image_size**2)))
    labels = data.labels[rows].tolist()
    reporter.unit("steps")
    pulls = stress(classifier, preprocess, rows, labels, read, changes, reporter.progress)
    mode_of = {f"mode {number}": number for number in modes}
    told = (replace(pull, mode=mode_of.get(pull.change)) for pull in worth_telling(pulls))
    return StressResult(data.split, len(rows), tuple(changes), tuple(told))


def stress_rows(data: SplitFeatures, most: int) -> list[int]:
    """Return rows of all classes in turn, evenly spread over each, at most `most`."""
    own = [(data.labels == label).nonzero()[:, 0] for label in data.labels.unique().tolist()]
    each = max(1, most // max(1, len(own)))
    chosen = [rows[spread(len(rows), each)] for rows in own]
    return sorted(torch.cat(chosen)[:most].tolist()) if chosen else []


def _of_modes(project: Project, data: SplitFeatures, found: FailureModes) -> Iterator[tuple[int, Change]]:
    """Yield each mode's number and the change that puts in its region of the mistakes that show it most."""
    for mode, direction in zip(found.modes, found.directions, strict=True):
        rows = found.rows_of(mode.id)
        scores = data.features[rows].float() @ direction
        donors = rows[scores.argsort(descending=True, stable=True)][:DONORS].tolist()
        images = as_pixels(framed(project, donors)).to(project.device)
        yield mode.id, cue_change(project.classifier, project.preprocess, direction, images)


HANDLERS = (jobs.RunStress.handled_by(run_stress),)
