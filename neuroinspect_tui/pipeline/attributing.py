"""Culprits of a class and the live what-if, from cached features."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from .. import jobs
from ..events import Reporter
from ..results import ClassRef, Concept, Culprit, CulpritReport, WhatIf
from ..results.culprit_lists import each_culprit, named
from ..session import states
from ..stages.culprits import find_culprits
from ..stages.spurious import pulls, suspicion
from ..stages.whatif import what_if
from ..tensors import OnProgress
from .project import Project


def culprits(project: Project, job: jobs.FindCulprits, reporter: Reporter) -> CulpritReport:
    """Rank the neurons to blame for a class, or return what the session knows already."""
    name = states.culprits(project.config, job.target)
    report = project.session.load(name, CulpritReport)
    if report is None:
        reporter.unit("steps")
        found = find_culprits(
            project.features(project.split.name),
            project.head,
            ClassRef(job.target, project.names[job.target]),
            mode=project.config.debug.mode,
            seed=project.config.compute.seed,
            on_progress=reporter.progress,
        )
        report = suspected(project, found, reporter.progress)
        project.session.save(name, report)
    return named(report, known_concepts(project, job.target))


def known_concepts(project: Project, target: int) -> tuple[Concept, ...]:
    """Return the concepts found so far for a class."""
    return project.session.load(states.concepts(project.config, target), tuple[Concept, ...]) or ()


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


HANDLERS: dict[type[jobs.Job], Callable[..., Any]] = {
    jobs.FindCulprits: culprits,
    jobs.AskWhatIf: ask_what_if,
}
