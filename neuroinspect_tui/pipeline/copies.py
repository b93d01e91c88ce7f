"""Copies of images between splits: looked for before a repair is judged, and listed in the report."""

from __future__ import annotations

from collections.abc import Mapping

from PIL import Image
from safetensors.torch import load_file, save
from torch import Tensor

from .. import jobs
from ..events import Reporter
from ..results import SplitDuplicates
from ..stages.duplicates import CopiedRows, find_duplicates, rows_to_exclude
from ..tensors import SplitFeatures
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


def told_apart(
    project: Project, features: Mapping[str, SplitFeatures], reporter: Reporter
) -> tuple[dict[str, SplitFeatures], dict[str, Tensor]]:
    """Return the splits to repair with, and the rows [K] of each that have a copy in another of them.

    `test` is none of them where it holds nothing but copies: on such images nothing can be judged.
    """
    found = _found(project, reporter)
    splits = dict(features)
    if "test" in splits and len(rows_to_exclude(found, "test")) == len(splits["test"]) > 0:
        line = "all images of test are copies of images in other splits: no repair is judged on them"
        reporter.note(line, "warning")
        del splits["test"]
        found = [one for one in found if "test" not in (one.a, one.b)]
    return splits, {split: rows_to_exclude(found, split) for split in splits}


def _found(project: Project, reporter: Reporter) -> list[CopiedRows]:
    job = jobs.FindDuplicates()
    listed = duplicates(project, job, reporter)
    rows = load_file(project.session.path(_file(project, job)))
    return [CopiedRows(one.a, one.b, rows[_name(one)]) for one in listed]


def _name(found: CopiedRows | SplitDuplicates) -> str:
    return f"{found.a}/{found.b}"


def _file(project: Project, job: jobs.FindDuplicates) -> str:
    return f"state/{job.key(project.config)}.safetensors"


HANDLERS = (jobs.FindDuplicates.handled_by(duplicates),)
