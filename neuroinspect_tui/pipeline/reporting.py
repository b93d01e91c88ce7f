"""Everything that the session knows, gathered into the report."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from .. import jobs
from ..errors import InputError
from ..events import Reporter
from ..results import FailureMode, Illusion, LabelIssue, Repair, Sample
from ..session.directions import write_directions
from ..session.features import iterate_samples
from ..session.report import REPORT, Debugged, Findings, FlippedGallery, build_report, write_reports
from ..session.tables import write_label_issues
from ..stages.label_issues import find_label_issues
from ..stages.tags import excluded_rows
from . import exporting
from .directions import known_modes
from .evaluating import write_thumbnails
from .identity import environment
from .looking import is_judged, repaired_layer
from .modes import directions_by_id
from .project import Project
from .repairing import known_repairs

GALLERY = 12
"""Images that a repair fixed, and as many that it broke, that go into the report."""


def write_report(project: Project, job: jobs.WriteReport, reporter: Reporter) -> str:
    """Write the report files of the session."""
    session, found = project.session, findings(project, job.targets)
    samples = iterate_samples(project.features(project.split.name))
    samples = project.cues.label(_with_culprits(samples, found.debugged))
    write_label_issues(session.path("label_issues.csv"), _label_issues(project, reporter), project.names)
    modes = known_modes(project)
    if modes is not None:
        write_directions(session, modes.modes, directions_by_id(modes))
    write_reports(session, build_report(found), samples)
    session.journal("report", classes=list(_targets(project, job.targets)))
    return str(session.root)


def findings(project: Project, targets: tuple[int, ...] = ()) -> Findings:
    """Return everything that the session knows, of `targets` (all classes debugged where there are none)."""
    opened, evaluation = project.known(jobs.Open()), project.known(jobs.Evaluate())
    if opened is None or evaluation is None:
        raise InputError("there is nothing to report yet", "evaluate the classifier first")
    return Findings(
        opened=opened,
        config=project.config,
        hashes=project.session.hashes,
        environment=environment(project),
        evaluation=evaluation,
        duplicates=project.known(jobs.FindDuplicates()) or (),
        stress=project.known(jobs.RunStress()),
        cues=project.cues.all(),
        failure_modes=tuple(_illustrated(project)),
        debugged=tuple(filter(None, (debugged(project, target) for target in _targets(project, targets)))),
    )


def _illustrated(project: Project) -> Iterator[FailureMode]:
    """Yield the failure modes with their illusions, which are those of the units behind the neurons."""
    for mode in project.known(jobs.FindFailureModes()) or ():
        unit = project.head.neurons + mode.id
        made = [project.known(jobs.Illustrate(target)) or () for target in mode.classes]
        illusions = tuple(picture for found in made for picture in found if picture.neuron == unit)
        yield replace(mode, illusions=illusions)


def _with_culprits(samples: Iterable[Sample], debugged: Iterable[Debugged]) -> Iterator[Sample]:
    """Give the mistakes of debugged classes the neurons to blame for them."""
    blamed = {sample.path: sample.culprits for found in debugged for sample in found.culprits.samples}
    for sample in samples:
        yield replace(sample, culprits=blamed[sample.path]) if sample.path in blamed else sample


def _label_issues(project: Project, reporter: Reporter) -> tuple[LabelIssue, ...]:
    """The doubtful labels of the debugged split, those that the user marked first."""
    data = project.features(project.split.name)
    excluded = excluded_rows(project.cues.by_row({data.split: data}, project.cues).values())
    marked = excluded[data.split].tolist() if data.split in excluded else []
    reporter.unit("images")
    return find_label_issues(data, project.head, marked, on_progress=reporter.progress)


def _targets(project: Project, targets: tuple[int, ...]) -> tuple[int, ...]:
    return targets or tuple(range(len(project.names)))


def debugged(project: Project, target: int) -> Debugged | None:
    """Return what was found about a class, or None when its culprits were never asked for."""
    report = project.known(jobs.FindCulprits(target))
    if report is None:
        return None
    neurons = [culprit.neuron for culprit in (*report.insufficient, *report.excessive)]
    exemplars = (project.known(jobs.FindExemplars(target, neuron)) or () for neuron in neurons)
    repairs = tuple(repair for repair in known_repairs(project) if repair.target.index == target)
    numbers = [repair.number for repair in repairs]
    verifications = {number: project.known(jobs.VerifyRepair(number)) for number in numbers}
    prescriptions = {number: project.known(jobs.Prescribe(number)) for number in numbers}
    return Debugged(
        culprits=replace(report, samples=tuple(project.cues.label(report.samples))),
        illusions=_of_neurons(project, project.known(jobs.Illustrate(target)) or ()),
        exemplars=tuple(exemplar for found in exemplars for exemplar in found),
        repairs=repairs,
        verifications={number: found for number, found in verifications.items() if found is not None},
        prescriptions={number: found for number, found in prescriptions.items() if found is not None},
        galleries={
            repair.number: _gallery(project, repair) for repair in repairs if is_judged(project, repair)
        },
    )


def _gallery(project: Project, made: Repair) -> FlippedGallery:
    """Return the first images that a repair fixed and broke, with pictures of them in the session."""
    layer = repaired_layer(project, made)
    fixed, broken = layer.of("fixed")[:GALLERY], layer.of("broken")[:GALLERY]
    samples = [image.sample for image in (*fixed, *broken)]
    if project.recorded is not None or not samples:
        return FlippedGallery(fixed, broken, {})
    written = write_thumbnails(project, layer.split, [sample.row for sample in samples])
    return FlippedGallery(fixed, broken, {sample.path: written[sample.row] for sample in samples})


def _of_neurons(project: Project, illusions: tuple[Illusion, ...]) -> tuple[Illusion, ...]:
    """Leave out the illusions of directions, which stand with their failure modes."""
    return tuple(picture for picture in illusions if picture.neuron < project.head.neurons)


def discard(project: Project, job: jobs.DiscardRepair, reporter: Reporter) -> int:
    """Delete a repair and its files, and write a report that names it anew."""
    number = exporting.discard(project, job, reporter)
    if project.session.path(REPORT).is_file():
        write_report(project, jobs.WriteReport(), reporter)
    return number


HANDLERS = (
    jobs.WriteReport.handled_by(write_report),
    jobs.DiscardRepair.handled_by(discard),
)
