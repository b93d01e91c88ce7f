"""Culprits of a class and the live what-if, from cached features."""

from __future__ import annotations

from dataclasses import replace

from .. import jobs
from ..events import Reporter
from ..results import ClassRef, Culprit, CulpritReport, WhatIf
from ..results.culprit_lists import each_culprit
from ..stages.culprits import find_culprits
from ..stages.samples import select_rows
from ..stages.spurious import pulls, suspicion
from ..stages.whatif import what_if
from ..tensors import OnProgress
from .caching import cached
from .project import Project


@cached
def culprits(project: Project, job: jobs.FindCulprits, reporter: Reporter) -> CulpritReport:
    """Rank the neurons to blame for a class."""
    reporter.unit("steps")
    target, data = ClassRef(job.target, project.names[job.target]), project.features(project.split.name)
    if project.head.neurons == 0:
        return without_features(project, target)
    found = find_culprits(
        data,
        project.head,
        target,
        mode=project.config.debug.mode,
        seed=project.config.compute.seed,
        on_progress=reporter.progress,
    )
    return suspected(project, found, reporter.progress)


def without_features(project: Project, target: ClassRef) -> CulpritReport:
    """Return the mistakes of a class where predictions alone are recorded: nobody can be blamed."""
    data = project.features(project.split.name)
    rows = select_rows(data, target.index, None, True)
    found = data.samples(rows)
    return CulpritReport(target, project.config.debug.mode, len(rows), len(rows), (), (), None, None, found)


def suspected(project: Project, report: CulpritReport, on_progress: OnProgress) -> CulpritReport:
    """Return `report` with the spurious score of every culprit, from the features alone."""
    neurons = [culprit.neuron for culprit in (*report.insufficient, *report.excessive)]
    found = pulls(
        project.features(project.split.name), project.head, report.target.index, neurons, on_progress
    )
    pull_of = dict(zip(neurons, found, strict=True))

    def fill(culprit: Culprit) -> Culprit:
        doubt = suspicion(pull_of[culprit.neuron])
        return replace(culprit, spurious=doubt.score, pull=doubt.pull, outside=doubt.outside)

    return each_culprit(report, fill)


def ask_what_if(project: Project, job: jobs.AskWhatIf, reporter: Reporter) -> WhatIf:
    """Scale neurons for a class or for all."""
    return what_if(
        project.features(project.split.name),
        project.head,
        project.names,
        job.target,
        job.neurons,
        job.scale,
        job.everywhere,
        job.raised,
    )


HANDLERS = (
    jobs.FindCulprits.handled_by(culprits),
    jobs.AskWhatIf.handled_by(ask_what_if),
)
