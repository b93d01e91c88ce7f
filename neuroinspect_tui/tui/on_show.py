"""What the main screen needs for what it shows, and what its panes say when there is nothing to show."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from .. import jobs
from ..jobs import Job
from ..results import ClassResult, Sample
from ..text import safe
from .board import Board

NAMED = 30


def result_of(board: Board, target: int | None) -> ClassResult | None:
    """The row of a class in the evaluation."""
    found = board.evaluation.classes if board.evaluation else ()
    return next((result for result in found if result.index == target), None)


def missing(board: Board, target: int | None, neuron: int | None, near: Sequence[Sample]) -> Iterator[Job]:
    """Yield the jobs for a class, its neuron under the cursor and the mistakes `near` the cursor.

    What failed is not asked for again by merely looking at it.
    """
    if target is not None and board.evaluation_final:
        for job in _wanted(board, target, neuron, near):
            if job not in board.failures:
                yield job


def _wanted(board: Board, target: int, neuron: int | None, near: Sequence[Sample]) -> Iterator[Job]:
    if target not in board.reports:
        result = result_of(board, target)
        if result is not None and result.correct < result.count:
            yield jobs.FindCulprits(target)
        return
    rows = tuple(sample.row for sample in near if (sample.split, sample.row) not in board.thumbnails)
    if rows:
        yield jobs.MakeThumbnails(near[0].split, rows)
    if neuron is not None and (target, neuron) not in board.exemplars:
        yield jobs.FindExemplars(target, neuron)
    unnamed = tuple(n for n in board.culprit_neurons(target, NAMED) if (target, n) not in board.concepts)
    if unnamed and board.opened is not None and board.opened.clip:
        yield jobs.NameNeurons(target, unnamed)


def no_classes(board: Board) -> tuple[str, ...]:
    """Why the class table is empty, and what happens next."""
    for job, failed in board.failures.items():
        if isinstance(job, (jobs.Open, jobs.Evaluate)):
            return ("This did not work:", safe(failed.line, 400), "L shows the details, q quits.")
    if board.opened is None:
        return ("Loading the model…", "Classes appear here, worst first.")
    if not board.waits_for(jobs.Evaluate()):
        return ("The evaluation was stopped.", "r goes on where it stopped.")
    return ("Evaluating…", "Classes fill in meanwhile.", "escape stops, r goes on.")


def no_neurons(board: Board, target: int | None) -> tuple[str, ...]:
    """Why the neuron table is empty, and what to do."""
    failure = board.failures.get(jobs.FindCulprits(target if target is not None else -1))
    if failure is not None:
        return ("No culprits:", safe(failure.line, 400), "r tries again, L shows the details.")
    if not board.evaluation_final:
        return ("Waiting for the classes.",)
    result = result_of(board, target)
    if result is not None and result.count == 0:
        return ("No images of this class.", "Choose another one.")
    if result is not None and result.correct == result.count:
        return ("No mistakes in this class.", "Choose one with a lower accuracy.")
    if target in board.reports:
        return ("No neuron stands out.", "None is among the first five in", "more than 3 % of the mistakes.")
    return ("Looking for the culprits…",)
