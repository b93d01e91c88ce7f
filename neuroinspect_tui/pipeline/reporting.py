"""Everything that the session knows, gathered into the report."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any

from .. import jobs
from ..errors import InputError
from ..events import Reporter
from ..results import CulpritReport, Evaluation, Illusion, LabelIssue, Opened, Sample
from ..results.culprit_lists import named
from ..session import states
from ..session.features import iterate_samples
from ..session.report import REPORT, Debugged, Findings, build_report, write_reports
from ..session.tables import write_label_issues
from ..stages.label_issues import find_label_issues
from ..stages.tags import excluded_rows
from . import repairing
from .attributing import known_concepts
from .identity import environment
from .picturing import known_exemplars
from .project import Project
from .repairing import known_repairs


def write_report(project: Project, job: jobs.WriteReport, reporter: Reporter) -> str:
    """Write the report files of the session."""
    session = project.session
    opened = session.load(states.OPENED, Opened)
    evaluation = session.load(states.evaluation(project.split.name), Evaluation)
    if opened is None or evaluation is None:
        raise InputError("there is nothing to report yet", "evaluate the classifier first")
    findings = Findings(
        opened=opened,
        config=project.config,
        hashes=session.hashes,
        environment=environment(project),
        evaluation=evaluation,
        debugged=tuple(filter(None, (debugged(project, target) for target in _targets(project, job)))),
    )
    samples = iterate_samples(project.features(project.split.name))
    samples = project.tags.label(_with_culprits(samples, findings.debugged))
    write_label_issues(session.path("label_issues.csv"), _label_issues(project, reporter), project.names)
    write_reports(session, build_report(findings), samples)
    session.journal("report", classes=list(_targets(project, job)))
    return str(session.root)


def _with_culprits(samples: Iterable[Sample], debugged: Iterable[Debugged]) -> Iterator[Sample]:
    """Give the mistakes of debugged classes the neurons to blame for them."""
    blamed = {sample.path: sample.culprits for found in debugged for sample in found.culprits.samples}
    for sample in samples:
        yield replace(sample, culprits=blamed[sample.path]) if sample.path in blamed else sample


def _label_issues(project: Project, reporter: Reporter) -> tuple[LabelIssue, ...]:
    """The doubtful labels of the debugged split, those that the user marked first."""
    data = project.features(project.split.name)
    marked = excluded_rows(project.tags.by_row({data.split: data}))[data.split].tolist()
    reporter.unit("images")
    return find_label_issues(data, project.head, marked, on_progress=reporter.progress)


def _targets(project: Project, job: jobs.WriteReport) -> tuple[int, ...]:
    return job.targets or tuple(range(len(project.names)))


def debugged(project: Project, target: int) -> Debugged | None:
    """Return what was found about a class, or None when its culprits were never asked for."""
    session, config = project.session, project.config
    report = session.load(states.culprits(config, target), CulpritReport)
    if report is None:
        return None
    report = named(report, known_concepts(project, target))
    neurons = [culprit.neuron for culprit in (*report.insufficient, *report.excessive)]
    return Debugged(
        culprits=replace(report, samples=tuple(project.tags.label(report.samples))),
        illusions=session.load(states.illusions(config, target), tuple[Illusion, ...]) or (),
        exemplars=tuple(item for neuron in neurons for item in known_exemplars(project, target, neuron)),
        repairs=tuple(repair for repair in known_repairs(project) if repair.target.index == target),
    )


def discard(project: Project, job: jobs.DiscardRepair, reporter: Reporter) -> int:
    """Delete a repair and its files, and write a report that names it anew."""
    number = repairing.discard(project, job, reporter)
    if project.session.path(REPORT).is_file():
        write_report(project, jobs.WriteReport(), reporter)
    return number


HANDLERS: dict[type[jobs.Job], Callable[..., Any]] = {
    jobs.WriteReport: write_report,
    jobs.DiscardRepair: discard,
}
