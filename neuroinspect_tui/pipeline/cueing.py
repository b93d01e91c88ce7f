"""Cues, the tags that they are given, and the images to tag next."""

from __future__ import annotations

from .. import jobs
from ..events import Reporter
from ..results import Cue, ReviewItem
from ..stages.tags import cue_probe, make_groups, review_order
from ..tensors import SplitFeatures
from .project import Project


def _evaluated(project: Project) -> dict[str, SplitFeatures]:
    """Return the features of every split that is evaluated."""
    return {name: project.features(name) for name in project.dataset.splits if project.store(name).complete()}


def set_tag(project: Project, job: jobs.SetTag, reporter: Reporter) -> Cue:
    """Tag an image by hand and tell how well the cue's tags carry over."""
    data = project.features(job.split)
    project.cues.set(job.cue, job.split, data.paths[job.row], job.tag)
    return _learn(project, job.cue)


def _learn(project: Project, name: str) -> Cue:
    """Fit a cue's probe again and keep how good it is."""
    evaluated, cue = _evaluated(project), project.cues.named(name)
    tags = project.cues.by_row(evaluated, [cue])[name]
    _, quality = make_groups(evaluated, tags, project.config.repair.propagate, name)
    return project.cues.learn(name, quality)


def order_review(project: Project, job: jobs.OrderReview, reporter: Reporter) -> tuple[ReviewItem, ...]:
    """Propose the images to tag next."""
    data = project.features(job.split or project.split.name)
    tags, probe = {}, None
    known = next((cue for cue in project.cues if cue.name == job.cue), None)
    if known is not None:
        evaluated = {**_evaluated(project), data.split: data}
        every = project.cues.by_row(evaluated, [known])[job.cue]
        tags, probe = every[data.split], cue_probe(evaluated, every)
    seed = project.config.compute.seed
    return review_order(data, project.head, job.target, job.neurons, tags, job.limit, seed, probe)


def list_cues(project: Project, job: jobs.ListCues, reporter: Reporter) -> tuple[Cue, ...]:
    """List the cues."""
    return project.cues.all()


def add_cue(project: Project, job: jobs.AddCue, reporter: Reporter) -> tuple[Cue, ...]:
    """Make a cue."""
    project.cues.add(job.name, job.origin, job.source)
    return project.cues.all()


def rename_cue(project: Project, job: jobs.RenameCue, reporter: Reporter) -> tuple[Cue, ...]:
    """Give a cue another name."""
    project.cues.rename(job.name, job.new)
    return project.cues.all()


def merge_cues(project: Project, job: jobs.MergeCues, reporter: Reporter) -> tuple[Cue, ...]:
    """Add one cue's tags to another's."""
    project.cues.merge(job.name, job.into)
    _learn(project, job.into)
    return project.cues.all()


def clear_cue(project: Project, job: jobs.ClearCue, reporter: Reporter) -> tuple[Cue, ...]:
    """Remove a cue's tags, or the cue."""
    project.cues.clear(job.name, job.forget)
    return project.cues.all()


def leave_out_cue(project: Project, job: jobs.LeaveOutCue, reporter: Reporter) -> tuple[Cue, ...]:
    """Let repairs do without a cue, or use it again."""
    project.cues.leave_out(job.name, job.left_out)
    return project.cues.all()


HANDLERS = (
    jobs.SetTag.handled_by(set_tag),
    jobs.OrderReview.handled_by(order_review),
    jobs.ListCues.handled_by(list_cues),
    jobs.AddCue.handled_by(add_cue),
    jobs.RenameCue.handled_by(rename_cue),
    jobs.MergeCues.handled_by(merge_cues),
    jobs.ClearCue.handled_by(clear_cue),
    jobs.LeaveOutCue.handled_by(leave_out_cue),
)
