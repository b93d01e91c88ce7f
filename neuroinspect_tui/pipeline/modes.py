"""Failure modes of the debugged split, with their evidence; their directions lie beside them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from safetensors.torch import load_file, save
from torch import Tensor

from .. import jobs
from ..events import Reporter
from ..results import FailureMode, ModeExemplar, states
from ..stages.failure_modes import FailureModes, find_failure_modes, scores
from ..tensors import SplitFeatures
from .caching import cached
from .evaluating import thumbnails
from .project import Project

EXEMPLARS = 12
"""Mistakes of a mode that are shown, the strongest first."""


@cached
def failure_modes(
    project: Project, job: jobs.FindFailureModes, reporter: Reporter
) -> tuple[FailureMode, ...]:
    """Find the failure modes and keep their directions."""
    reporter.unit("steps")
    debug, compute = project.config.debug, project.config.compute
    data = project.features(project.split.name)
    found = find_failure_modes(data, project.head, debug.modes, compute.seed, reporter.progress)
    tensors = {
        "directions": found.directions,
        "thresholds": found.thresholds,
        "rows": found.rows,
        "members": found.members,
    }
    project.session.write_bytes(_tensors_file(project), save(tensors))
    return tuple(_with_exemplars(project, data, found, mode, reporter) for mode in found.modes)


def _tensors_file(project: Project) -> str:
    return f"state/{states.failure_modes(project.config)}.safetensors"


def known_modes(project: Project) -> FailureModes | None:
    """Return the failure modes found so far with their tensors, or None."""
    modes, file = project.known(jobs.FindFailureModes()), project.session.path(_tensors_file(project))
    if modes is None or not file.is_file():
        return None
    return FailureModes(modes=modes, **load_file(file))


def directions_by_id(found: FailureModes) -> dict[int, Tensor]:
    """Return the direction [D] of each mode."""
    return dict(zip((mode.id for mode in found.modes), found.directions, strict=True))


def _with_exemplars(
    project: Project, data: SplitFeatures, found: FailureModes, mode: FailureMode, reporter: Reporter
) -> FailureMode:
    """Add the mistakes of the mode that score highest, with small pictures of them."""
    rows = found.rows_of(mode.id)
    values = scores(data.features[rows], found.directions[mode.id][None])[:, 0]
    strongest = values.argsort(descending=True, stable=True)[:EXEMPLARS]
    chosen, numbers = rows[strongest].tolist(), values[strongest].tolist()
    return replace(mode, exemplars=_exemplars(project, data, chosen, numbers, reporter))


def _exemplars(
    project: Project, data: SplitFeatures, rows: Sequence[int], numbers: Sequence[float], reporter: Reporter
) -> tuple[ModeExemplar, ...]:
    asked = jobs.MakeThumbnails(data.split, tuple(rows))
    images = thumbnails(project, asked, reporter)
    return tuple(
        ModeExemplar(
            path=data.paths[row],
            score=score,
            label=int(data.labels[row]),
            predicted=int(data.predicted[row]),
            image=images[row],
        )
        for row, score in zip(rows, numbers, strict=True)
    )


HANDLERS = (jobs.FindFailureModes.handled_by(failure_modes),)
