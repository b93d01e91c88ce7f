"""What the main screen needs for what it shows, and what its panes say when there is nothing to show."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from .. import jobs
from ..jobs import Job
from ..results import ClassResult, FailureMode, Sample
from ..text import safe
from .app_state import AppState

NAMED = 30
NAMED_CLASSES = 3


def result_of(app_state: AppState, target: int | None) -> ClassResult | None:
    """The row of a class in the evaluation."""
    found = app_state.evaluation.classes if app_state.evaluation else ()
    return next((result for result in found if result.index == target), None)


def missing(
    app_state: AppState, target: int | None, neuron: int | None, mode: FailureMode | None = None
) -> Iterator[Job]:
    """Yield the jobs for a class or failure mode and the neuron under the cursor.

    What failed, or is under way, is not asked for again by merely looking at it.
    """
    if not app_state.evaluation_final:
        return
    modes = jobs.ExamineFailureModes() if app_state.failure_modes else jobs.FindFailureModes()
    if not (app_state.modes_settled or app_state.waits_for(modes)):
        yield modes
    made = app_state.seen_through
    if made is not None:
        look = jobs.LookThrough(made.number)
        if made.number not in app_state.layers and look not in app_state.failures:
            yield look
    if target is not None:
        for job in _wanted(app_state, target, neuron, mode):
            if job not in app_state.failures and not app_state.waits_for(job):
                yield job


def _wanted(app_state: AppState, target: int, neuron: int | None, mode: FailureMode | None) -> Iterator[Job]:
    for label in mode.classes[:NAMED_CLASSES] if mode else (target,):
        for job in (jobs.ListSamples(label), jobs.ListSamples(label, label, only_mistakes=False)):
            if job not in app_state.samples:
                yield job
    if target not in app_state.reports:
        result = result_of(app_state, target)
        if result is not None and result.correct < result.count:
            yield jobs.FindCulprits(target)
        return
    if neuron is not None and (target, neuron) not in app_state.exemplars:
        yield jobs.FindExemplars(target, neuron)
    own = tuple(row.neuron for row in mode.neurons) if mode else app_state.culprit_neurons(target, NAMED)
    unnamed = tuple(n for n in own if (target, n) not in app_state.concepts)
    if unnamed and app_state.modes_settled and app_state.opened is not None and app_state.opened.clip:
        yield jobs.NameNeurons(target, unnamed)


def missing_thumbnails(app_state: AppState, samples: Iterable[Sample]) -> Iterator[jobs.MakeThumbnails]:
    """Yield what makes the small pictures of `samples` that are neither there nor under way."""
    asked = {
        (job.split, row)
        for job in app_state.pending
        if isinstance(job, jobs.MakeThumbnails)
        for row in job.rows
    }
    rows: dict[str, list[int]] = {}
    for sample in samples:
        place = (sample.split, sample.row)
        if place not in app_state.thumbnails and place not in asked:
            rows.setdefault(sample.split, []).append(sample.row)
    for split, wanted in rows.items():
        job = jobs.MakeThumbnails(split, tuple(dict.fromkeys(wanted)))
        if job not in app_state.failures:
            yield job


def repair_question(
    app_state: AppState, target: int | None, mode: FailureMode | None
) -> jobs.PreviewRepair | None:
    """What `m` would make of the tags so far; nothing before both kinds of images are tagged."""
    used = (cue.tags for cue in app_state.cues.values() if not cue.left_out)
    if target is None or not any(tags.has and tags.not_ for tags in used):
        return None
    made = app_state.seen_through
    return jobs.PreviewRepair(target, mode=mode.id if mode else None, base=made.number if made else None)


def no_modes(app_state: AppState) -> tuple[str, ...]:
    """Why no cause is listed, and what to do."""
    failure = app_state.failures.get(jobs.FindFailureModes())
    if failure is not None:
        return ("No causes:", safe(failure.line, 400), "r tries again, c lists the classes.")
    if app_state.failure_modes is None:
        return ("Looking for causes…", "c lists the classes meanwhile.")
    return ("There are no mistakes to explain." if not _mistakes(app_state) else "No common cause was found.",
            "c lists the classes.")  # fmt: skip


def _mistakes(app_state: AppState) -> int:
    found = app_state.evaluation.classes if app_state.evaluation else ()
    return sum(result.count - result.correct for result in found)


def no_classes(app_state: AppState) -> tuple[str, ...]:
    """Why the class table is empty, and what happens next."""
    for job, failed in app_state.failures.items():
        if isinstance(job, (jobs.Open, jobs.Evaluate)):
            return ("This did not work:", safe(failed.line, 400), "L shows the details, q quits.")
    if app_state.opened is None:
        return ("Loading the model…", "Classes appear here, worst first.")
    if not app_state.waits_for(jobs.Evaluate()):
        return ("The evaluation was stopped.", "r goes on where it stopped.")
    return ("Evaluating…", "Classes fill in meanwhile.", "escape stops, r goes on.")


def no_neurons(app_state: AppState, target: int | None) -> tuple[str, ...]:
    """Why the neuron table is empty, and what to do."""
    failure = app_state.failures.get(jobs.FindCulprits(target if target is not None else -1))
    if failure is not None:
        return ("No culprits:", safe(failure.line, 400), "r tries again, L shows the details.")
    if not app_state.evaluation_final:
        return ("Waiting for the classes.",)
    result = result_of(app_state, target)
    if result is not None and result.count == 0:
        return ("No images of this class.", "Choose another one.")
    if result is not None and result.correct == result.count:
        return ("No mistakes in this class.", "Choose one with a lower accuracy.")
    if target in app_state.reports:
        return ("No neuron stands out.", "None is among the first five in", "more than 3 % of the mistakes.")
    return ("Looking for the culprits…",)
