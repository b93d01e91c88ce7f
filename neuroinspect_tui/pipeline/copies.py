"""Copies of images between splits: looked for before a repair is judged, and listed in the report."""

from __future__ import annotations

from PIL import Image
from safetensors.torch import load_file, save
from torch import Tensor

from .. import jobs
from ..events import Reporter
from ..results import SplitDuplicates
from ..stages.duplicates import Duplicates, find_duplicates, rows_to_exclude
from .caching import cached
from .project import Project


@cached
def duplicates(project: Project, job: jobs.FindDuplicates, reporter: Reporter) -> tuple[SplitDuplicates, ...]:
    """Compare the images of the evaluated splits and keep which rows are copies."""
    features = {name: project.features(name) for name in project.dataset.splits if project.evaluated(name)}

    def open_image(split: str, row: int) -> Image.Image:
        return project.dataset.split(split).open(int(features[split].rows[row]))

    reporter.unit("images")
    found = () if project.recorded else find_duplicates(features, open_image, on_progress=reporter.progress)
    project.session.write_bytes(_file(project, job), save({_name(one): one.rows for one in found}))
    return tuple(one.summary(features) for one in found)


def copied_rows(project: Project, reporter: Reporter) -> dict[str, Tensor]:
    """Return, for each evaluated split, the rows [K] that have a copy in another one."""
    job = jobs.FindDuplicates()
    listed = duplicates(project, job, reporter)
    rows = load_file(project.session.path(_file(project, job)))
    found = [Duplicates(one.a, one.b, rows[f"{one.a}/{one.b}"]) for one in listed]
    return {split: rows_to_exclude(found, split) for one in listed for split in (one.a, one.b)}


def _name(found: Duplicates) -> str:
    return f"{found.a}/{found.b}"


def _file(project: Project, job: jobs.FindDuplicates) -> str:
    return f"state/{job.key(project.config)}.safetensors"


HANDLERS = (jobs.FindDuplicates.handled_by(duplicates),)
