"""What the app knows after each event."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from neuroinspect_tui import jobs
from neuroinspect_tui.events import Failed, Finished, Note, Partial, Preview, Progress, Started, Stopped
from neuroinspect_tui.results import Concept
from neuroinspect_tui.tui.app_state import AppState
from neuroinspect_tui.tui.protocol import SavedState

from .fake_worker import culprits, evaluation, illusion, opened, repair

JOB = jobs.Illustrate(0, (11,))


def preview(seed: int, step: int) -> Preview:
    return Preview(JOB, 11, seed, step, 64, 1, 1, b"abc", 0.5)


def test_a_saved_session_is_known_at_once(tmp_path: Path) -> None:
    pictures = tuple(illusion(tmp_path, 0, 11, seed) for seed in range(2))
    made = repair(3, jobs.RepairHead(0, "ridge"))
    app_state = AppState.of(
        SavedState(
            tmp_path,
            (
                Finished(jobs.Open(), opened()),
                Finished(jobs.Evaluate(), evaluation()),
                Finished(jobs.FindCulprits(0), culprits(0)),
                Finished(jobs.Illustrate(0), pictures),
                Finished(jobs.ExportRepair(3), made),
            ),
        )
    )
    assert app_state.evaluation_final
    assert app_state.illusions == {(0, 11): pictures}
    assert app_state.repairs == {3: made}
    assert app_state.culprit_neurons(0, 2) == (11, 16, 17, 22)
    assert app_state.culprit_neurons(5) == ()
    found = app_state.culprit(0, 17)
    assert found is not None and found.kind == "excessive"
    assert app_state.culprit(0, 999) is None


def test_partial_values_are_shown_but_not_final() -> None:
    app_state, job = AppState(), jobs.Evaluate()
    app_state.ask(job)
    assert app_state.apply(Partial(job, evaluation(share=0.5))) == {"evaluation"}
    assert app_state.evaluation is not None and not app_state.evaluation_final
    assert app_state.apply(Finished(job, evaluation())) == {"evaluation", "progress", "log"}
    assert app_state.evaluation_final and not app_state.waits_for(job)


def test_another_split_does_not_replace_the_debugged_one() -> None:
    app_state = AppState()
    app_state.apply(Finished(jobs.Open(), opened()))
    app_state.apply(Finished(jobs.Evaluate(), evaluation()))
    kept = app_state.evaluation
    other = replace(evaluation(share=0.1), split="test")
    assert app_state.apply(Partial(jobs.Evaluate("test"), other)) == frozenset()
    assert app_state.apply(Finished(jobs.Evaluate("test"), other)) == {"progress", "log"}
    assert app_state.evaluation is kept
    assert app_state.apply(Finished(jobs.Evaluate("val"), evaluation(share=0.9))) == {
        "evaluation",
        "progress",
        "log",
    }


def test_previews_are_replaced_by_the_finished_pictures(tmp_path: Path) -> None:
    app_state = AppState()
    app_state.apply(preview(0, 8))
    app_state.apply(preview(1, 8))
    app_state.apply(preview(0, 16))
    assert {seed: shown.step for seed, shown in app_state.previews[0, 11].items()} == {0: 16, 1: 8}
    done = (illusion(tmp_path, 0, 11),)
    app_state.apply(Finished(JOB, done))
    assert app_state.previews == {} and app_state.illusions == {(0, 11): done}


def test_a_stopped_job_drops_its_previews_and_is_logged() -> None:
    app_state = AppState()
    app_state.ask(JOB)
    app_state.apply(Started(JOB))
    app_state.apply(preview(0, 8))
    app_state.apply(Stopped(JOB))
    assert app_state.previews == {} and app_state.at_work is None and not app_state.pending
    assert app_state.log[-1].text == "visualising: stopped"


def test_the_title_line_shows_the_long_job_not_the_quick_one_inside() -> None:
    app_state, quick = AppState(), jobs.AskWhatIf(0, (11,))
    for job in (JOB, quick):
        app_state.ask(job)
        app_state.apply(Started(job))
    app_state.apply(Progress(JOB, 1, 4, "steps", 1.0))
    assert app_state.at_work == JOB
    app_state.apply(Finished(JOB, ()))
    assert app_state.at_work is None and app_state.progress == {}


def test_what_would_be_lost() -> None:
    app_state = AppState()
    for job in (jobs.AskWhatIf(0, (1,)), JOB, jobs.RepairHead(0, "ridge")):
        app_state.ask(job)
    assert app_state.would_be_lost == [JOB, jobs.RepairHead(0, "ridge")]


def test_a_failure_is_kept_until_the_job_is_asked_again() -> None:
    app_state, job = AppState(), jobs.FindCulprits(0)
    app_state.ask(job)
    app_state.apply(Failed(job, "line", "detail", False))
    assert app_state.failures[job].line == "line"
    assert (app_state.log[-1].level, app_state.log[-1].text, app_state.log[-1].detail) == (
        "error", "finding culprits: line", "detail",
    )  # fmt: skip
    app_state.ask(job)
    assert app_state.failures == {}


def test_finished_work_is_logged_but_what_runs_at_every_key_is_not() -> None:
    app_state = AppState()
    app_state.apply(Finished(jobs.Evaluate("val"), evaluation()))
    app_state.apply(Finished(jobs.ListSamples(0), ()))
    assert [line.text for line in app_state.log] == ["evaluating: done"]


def test_notes_are_logged_with_their_level() -> None:
    app_state = AppState()
    assert app_state.apply(Note("two images could not be read", "warning")) == {"log"}
    assert (app_state.log[-1].level, app_state.log[-1].text) == ("warning", "two images could not be read")


def test_repairs_come_are_accepted_and_go() -> None:
    app_state, first = AppState(), repair(1, jobs.RepairHead(0, "ridge"))
    app_state.apply(Finished(jobs.RepairHead(0, "ridge"), first))
    second = repair(2, jobs.RepairHead(0, "dfr"))
    app_state.apply(Finished(jobs.RepairHead(0, "dfr"), second))
    assert app_state.repair_of(0) == 2
    assert "exported" in app_state.apply(Finished(jobs.ExportRepair(2), second))
    assert app_state.apply(Finished(jobs.DiscardRepair(2), 2)) == {"repairs", "progress", "log"}
    assert app_state.repair_of(0) == 1 and app_state.repairs == {1: first}


def test_a_class_has_its_own_repairs_the_one_asked_for_last_first() -> None:
    app_state = AppState()
    for number, target in ((1, 0), (2, 0), (3, 4)):
        app_state.apply(
            Finished(jobs.RepairHead(target, "ridge"), repair(number, jobs.RepairHead(target, "ridge")))
        )
    assert (app_state.repair_of(0), app_state.repair_of(4), app_state.repair_of(7)) == (2, 3, None)
    app_state.apply(Finished(jobs.RepairHead(0, "ridge"), repair(1, jobs.RepairHead(0, "ridge"))))
    assert app_state.repair_of(0) == 1, "an old request finds its old repair"
    app_state.apply(Finished(jobs.DiscardRepair(1), 1))
    assert app_state.repair_of(0) == 2
    app_state.apply(Finished(jobs.DiscardRepair(2), 2))
    assert app_state.repair_of(0) is None, "another class's repair is not this one's"


def test_a_neuron_has_a_name_and_a_doubt_for_each_class() -> None:
    app_state = AppState()
    doubted, plain = Concept(7, "sky", 0.3, 0.9), Concept(7, "sky", 0.3, 0.1)
    app_state.apply(Finished(jobs.NameNeurons(0, (7,)), (doubted,)))
    app_state.apply(Finished(jobs.NameNeurons(1, (7,)), (plain,)))
    assert (app_state.concepts_of(0), app_state.concepts_of(1)) == ({7: doubted}, {7: plain})


def test_the_question_of_a_tag_is_about_one_side() -> None:
    report = culprits(0)
    app_state = AppState(reports={0: report})
    weak, strong = ([c.neuron for c in side] for side in (report.insufficient, report.excessive))
    assert app_state.one_sided(0, weak[0]) == app_state.one_sided(0, None) == tuple(weak[:5])
    assert app_state.one_sided(0, strong[1]) == tuple(strong[:5])
    app_state.reports[1] = replace(report, insufficient=())
    assert app_state.one_sided(1, None) == tuple(strong[:5]), "the only list that there is"
    assert app_state.one_sided(2, None) == ()


def test_what_a_repair_evaluates_on_its_way_is_not_shown_as_the_debugged_split() -> None:
    app_state = AppState()
    app_state.apply(Finished(jobs.Open(), opened()))
    app_state.apply(Finished(jobs.Evaluate(), evaluation()))
    other = replace(evaluation(share=0.5), split="test")
    assert app_state.apply(Partial(jobs.RepairHead(0, "ridge"), other)) == frozenset()
    assert app_state.apply(Finished(jobs.Evaluate("test"), other)) == frozenset({"progress", "log"})
    assert app_state.evaluation == evaluation() and app_state.evaluation_final
