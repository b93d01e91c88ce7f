"""What the main screen needs for what it shows, and what its panes say when there is nothing to show."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from .. import jobs
from ..jobs import Job
from ..results import ClassResult, Sample
from ..text import safe
from .app_state import AppState

NAMED = 30


def result_of(app_state: AppState, target: int | None) -> ClassResult | None:
    """The row of a class in the evaluation."""
    found = app_state.evaluation.classes if app_state.evaluation else ()
    return next((result for result in found if result.index == target), None)


def missing(
    app_state: AppState, target: int | None, neuron: int | None, near: Sequence[Sample]
) -> Iterator[Job]:
    """Yield the jobs for a class, its neuron under the cursor and the mistakes `near` the cursor.

    What failed is not asked for again by merely looking at it.
    """
    if target is not None and app_state.evaluation_final:
        for job in _wanted(app_state, target, neuron, near):
            if job not in app_state.failures:
                yield job


def _wanted(app_state: AppState, target: int, neuron: int | None, near: Sequence[Sample]) -> Iterator[Job]:
    if target not in app_state.reports:
        result = result_of(app_state, target)
        if result is not None and result.correct < result.count:
            yield jobs.FindCulprits(target)
        return
    rows = tuple(sample.row for sample in near if (sample.split, sample.row) not in app_state.thumbnails)
    if rows:
        yield jobs.MakeThumbnails(near[0].split, rows)
    if neuron is not None and (target, neuron) not in app_state.exemplars:
        yield jobs.FindExemplars(target, neuron)
    unnamed = tuple(
        n for n in app_state.culprit_neurons(target, NAMED) if (target, n) not in app_state.concepts
    )
    if unnamed and app_state.opened is not None and app_state.opened.clip:
        yield jobs.NameNeurons(target, unnamed)


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
