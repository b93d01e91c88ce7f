"""The directions of failure modes on disk, and the units (neurons, directions) that pictures are made of."""

from __future__ import annotations

from safetensors.torch import load_file, save

from .. import jobs
from ..results import states
from ..stages.failure_modes import FailureModes
from ..stages.units import Units
from .project import Project


def keep_directions(project: Project, k: int | None, found: FailureModes) -> None:
    """Write the tensors of failure modes beside their results."""
    tensors = {
        "directions": found.directions,
        "thresholds": found.thresholds,
        "rows": found.rows,
        "members": found.members,
    }
    project.session.write_bytes(_file(project, k), save(tensors))


def known_modes(project: Project, k: int | None = None) -> FailureModes | None:
    """Return the failure modes found so far with their tensors, or None."""
    modes, file = project.known(jobs.FindFailureModes(k)), project.session.path(_file(project, k))
    if modes is None or not file.is_file():
        return None
    return FailureModes(modes=modes, **load_file(file))


def known_units(project: Project) -> Units:
    """Return the neurons and, behind them, the directions of the failure modes found so far."""
    found = known_modes(project)
    if found is None:
        return Units.none(project.head.neurons)
    if project.units is None:
        project.units = Units.of(found.directions, project.features(project.split.name))
    return project.units


def _file(project: Project, k: int | None) -> str:
    return f"state/{states.failure_modes(project.config, k)}.safetensors"
