"""Cues, the tags that they are given, and the images to tag next."""

from __future__ import annotations

from torch import Tensor

from .. import jobs
from ..events import Reporter
from ..results import Cue, ReviewItem
from ..results.stored_cues import HAS, NOT, StoredCue
from ..stages.review import THEN_RARE, rare_first, review_order
from ..stages.tags import Tags, cue_probe, make_groups, taught_on
from ..tensors import SplitFeatures
from .directions import known_modes
from .evaluating import ensure_evaluated
from .modes import directions_by_id
from .project import Project


def _evaluated(project: Project) -> dict[str, SplitFeatures]:
    """Return the features of every split that is evaluated."""
    return {name: project.features(name) for name in project.dataset.splits if project.store(name).complete()}


def set_tag(project: Project, job: jobs.SetTag, reporter: Reporter) -> Cue:
    """Tag an image by hand and tell how well the cue's tags carry over."""
    data = project.features(job.split)
    project.cues.set(job.cue, job.split, data.paths[job.row], job.tag)
    return learn(project, job.cue)


def learn(project: Project, name: str) -> Cue:
    """Fit a cue's probe again and keep how good it is."""
    evaluated, cue = _evaluated(project), project.cues.named(name)
    tags = project.cues.by_row(evaluated, [cue])[name]
    _, quality = make_groups(evaluated, tags, project.config.repair.propagate, name)
    return project.cues.learn(name, quality)


def order_review(project: Project, job: jobs.OrderReview, reporter: Reporter) -> tuple[ReviewItem, ...]:
    """Propose the images to tag next: those of rare cells of `train` as well, unless a split is asked for."""
    data = project.features(job.split or project.split.name)
    evaluated: dict[str, SplitFeatures] = {data.split: data}
    every: Tags = {}
    known = next((cue for cue in project.cues if cue.name == job.cue), None)
    if known is not None:
        _with_train(project, known, reporter)
        evaluated |= _evaluated(project)
        every = project.cues.by_row(evaluated, [known])[job.cue]
    seed, probe = project.config.compute.seed, cue_probe(evaluated, every)
    tags, direction = every.get(data.split, {}), _direction(project, known)
    given = (job.target, job.neurons, tags, job.limit, seed, probe, direction)
    queue = review_order(data, project.head, *given)
    own = (job.split,) if job.split else tuple(taught_on(evaluated))
    return rare_first(queue, evaluated, every, job.target, job.limit, own)


def _with_train(project: Project, cue: StoredCue, reporter: Reporter) -> None:
    """Evaluate `train`, unless it is large, as soon as images of its rare cells may be proposed."""
    counts = cue.counts()
    if "train" not in project.dataset.splits or counts[HAS] + counts[NOT] < THEN_RARE:
        return
    if len(project.dataset.split("train")) <= jobs.LARGEST_UNASKED:
        ensure_evaluated(project, "train", reporter)


def _direction(project: Project, cue: StoredCue | None) -> Tensor | None:
    """Return the direction of the failure mode that a cue was born from, if that is known."""
    modes = known_modes(project)
    if cue is None or cue.origin != "mode" or modes is None or not cue.source.isdecimal():
        return None
    return directions_by_id(modes).get(int(cue.source))


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
    learn(project, job.into)
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
