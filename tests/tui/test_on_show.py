"""What is asked for by looking, and the marks' question."""

from __future__ import annotations

from dataclasses import replace

from neuroinspect_tui import jobs
from neuroinspect_tui.events import Failed, Finished
from neuroinspect_tui.results import Concept, GroupResult
from neuroinspect_tui.tui.board import Board
from neuroinspect_tui.tui.marks import Marks
from neuroinspect_tui.tui.on_show import missing, no_neurons
from neuroinspect_tui.tui.widgets.class_table import grade, group_gaps

from .fake_worker import culprits, evaluation, mistakes, opened


def known() -> Board:
    board = Board()
    board.apply(Finished(jobs.Open(), opened()))
    board.apply(Finished(jobs.Evaluate(), evaluation()))
    return board


def test_nothing_is_asked_before_the_evaluation_is_done() -> None:
    assert list(missing(Board(), 0, None, ())) == []
    board = known()
    board.evaluation_final = False
    assert list(missing(board, 0, None, ())) == []


def test_first_the_culprits_then_what_hangs_on_them() -> None:
    board = known()
    assert list(missing(board, 0, None, ())) == [jobs.FindCulprits(0)]
    board.reports[0] = culprits(0)
    names = jobs.NameNeurons(0, board.culprit_neurons(0, 30))
    near = mistakes(0)[:2]
    assert list(missing(board, 0, 11, near)) == [
        jobs.MakeThumbnails("val", (0, 1)), jobs.FindExemplars(0, 11), names,
    ]  # fmt: skip
    board.thumbnails["val", 0] = "x.png"
    board.exemplars[0, 11] = ()
    board.concepts = {(names.target, neuron): Concept(neuron, None, None) for neuron in names.neurons[1:]}
    assert list(missing(board, 0, 11, near)) == [
        jobs.MakeThumbnails("val", (1,)), jobs.NameNeurons(0, names.neurons[:1]),
    ]  # fmt: skip


def test_without_clip_no_names_are_asked_for() -> None:
    board = known()
    board.opened = replace(opened(), clip=None)
    board.reports[0] = culprits(0)
    assert list(missing(board, 0, 11, ())) == [jobs.FindExemplars(0, 11)]


def test_a_class_without_mistakes_needs_nothing_and_says_why() -> None:
    board = known()
    assert list(missing(board, 7, None, ())) == []
    assert no_neurons(board, 7)[0] == "No mistakes in this class."


def test_what_failed_is_not_asked_for_by_looking() -> None:
    board = known()
    board.apply(Failed(jobs.FindCulprits(0), "line", "", False))
    assert list(missing(board, 0, None, ())) == []
    assert no_neurons(board, 0)[:2] == ("No culprits:", "line")


def test_marks() -> None:
    marks = Marks()
    assert marks.question(None) is None and marks.question(0) is None
    marks.toggle(0, 7)
    marks.toggle(0, 3)
    marks.toggle(1, 9)
    assert marks.of(0) == (7, 3)
    assert marks.question(0) == jobs.AskWhatIf(0, (3, 7), 0.0, False)
    assert marks.question(0, {7, 9}) == jobs.AskWhatIf(0, (3, 7), 0.0, False, (7,))
    marks.toggle(0, 7)
    marks.everywhere = True
    marks.change_scale(0.25)
    marks.change_scale(5.0)
    assert marks.question(0) == jobs.AskWhatIf(0, (3,), 0.75, True)
    marks.change_scale(-9.0)
    marks.clear(0)
    assert marks.question(0) is None and marks.question(1) == jobs.AskWhatIf(1, (9,), 0.0, False)


def test_the_gap_is_the_widest_of_one_column() -> None:
    def group(column: str, value: str, accuracy: float | None, index: int = 0) -> GroupResult:
        return GroupResult(column, value, index, "c", 4, 2, accuracy)

    groups = (
        group("place", "land", 0.9), group("place", "water", 0.5), group("place", "sky", None),
        group("camera", "a", 0.1), group("place", "land", 0.7, 1),
    )  # fmt: skip
    gaps = group_gaps(replace(evaluation(), groups=groups))
    assert gaps == {0: 0.4}


def test_grades() -> None:
    assert [grade(rate) for rate in (None, 0.49, 0.5, 0.79, 0.8, 1.0)] == [
        "dim", "bad", "warn", "warn", "good", "good",
    ]  # fmt: skip
