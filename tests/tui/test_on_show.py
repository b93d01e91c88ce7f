"""What is asked for by looking, and the marks' question."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from neuroinspect_tui import jobs
from neuroinspect_tui.events import Failed, Finished
from neuroinspect_tui.results import Concept, GroupResult
from neuroinspect_tui.tui.app_state import AppState
from neuroinspect_tui.tui.marks import Marks
from neuroinspect_tui.tui.on_show import missing, no_neurons
from neuroinspect_tui.tui.widgets.class_table import grade, group_gaps

from .fake_worker import culprits, evaluation, failure_modes, opened


def known() -> AppState:
    app_state = AppState()
    app_state.apply(Finished(jobs.Open(), opened()))
    app_state.apply(Finished(jobs.Evaluate(), evaluation()))
    return app_state


def test_nothing_is_asked_before_the_evaluation_is_done() -> None:
    assert list(missing(AppState(), 0, None)) == []
    app_state = known()
    app_state.evaluation_final = False
    assert list(missing(app_state, 0, None)) == []


def lists(target: int) -> list[jobs.ListSamples]:
    return [jobs.ListSamples(target), jobs.ListSamples(target, target, only_mistakes=False)]


def test_first_the_causes_and_the_culprits_then_what_hangs_on_them() -> None:
    app_state = known()
    asked = [jobs.FindFailureModes(), *lists(0), jobs.FindCulprits(0)]
    assert list(missing(app_state, 0, None)) == asked
    app_state.ask(asked[0])
    assert list(missing(app_state, 0, None)) == asked[1:], "what is under way is not asked for again"
    app_state.failure_modes = ()
    app_state.samples = dict.fromkeys(lists(0), ())
    app_state.reports[0] = culprits(0)
    names = jobs.NameNeurons(0, app_state.culprit_neurons(0, 30))
    assert list(missing(app_state, 0, 11)) == [jobs.FindExemplars(0, 11), names]
    app_state.exemplars[0, 11] = ()
    app_state.concepts = {(names.target, neuron): Concept(neuron, None, None) for neuron in names.neurons[1:]}
    assert list(missing(app_state, 0, 11)) == [jobs.NameNeurons(0, names.neurons[:1])]


def test_a_failure_mode_asks_for_the_images_of_its_classes_and_names_its_own_neurons(tmp_path: Path) -> None:
    app_state = known()
    app_state.failure_modes = failure_modes(tmp_path)
    assert next(missing(app_state, None, None)) == jobs.ExamineFailureModes()
    app_state.apply(Finished(jobs.ExamineFailureModes(), app_state.failure_modes))
    app_state.reports[0] = culprits(0)
    mode = app_state.failure_modes[0]
    assert mode.classes == (0, 1)
    assert list(missing(app_state, 0, None, mode)) == [
        *lists(0), *lists(1), jobs.NameNeurons(0, tuple(row.neuron for row in mode.neurons)),
    ]  # fmt: skip


def test_without_clip_no_names_are_asked_for() -> None:
    app_state = known()
    app_state.opened = replace(opened(), clip=None)
    app_state.failure_modes, app_state.reports[0] = (), culprits(0)
    assert list(missing(app_state, 0, 11)) == [*lists(0), jobs.FindExemplars(0, 11)]


def test_a_class_without_mistakes_needs_nothing_and_says_why() -> None:
    app_state = known()
    app_state.failure_modes = ()
    assert list(missing(app_state, 7, None)) == lists(7)
    assert no_neurons(app_state, 7)[0] == "No mistakes in this class."


def test_what_failed_is_not_asked_for_by_looking() -> None:
    app_state = known()
    for job in (jobs.FindCulprits(0), jobs.FindFailureModes(), *lists(0)):
        app_state.apply(Failed(job, "line", "", False))
    assert list(missing(app_state, 0, None)) == []
    assert no_neurons(app_state, 0)[:2] == ("No culprits:", "line")


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
