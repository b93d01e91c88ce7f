"""What the app knows after each event."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from neuroinspect_tui import jobs
from neuroinspect_tui.events import Failed, Finished, Note, Partial, Preview, Progress, Started, Stopped
from neuroinspect_tui.results import Concept
from neuroinspect_tui.tui.board import Board
from neuroinspect_tui.tui.protocol import SavedState

from .fake_worker import culprits, evaluation, illusion, opened, repair

JOB = jobs.Illustrate(0, (11,))


def preview(seed: int, step: int) -> Preview:
    return Preview(JOB, 11, seed, step, 64, 1, 1, b"abc", 0.5)


def test_a_saved_session_is_known_at_once(tmp_path: Path) -> None:
    pictures = tuple(illusion(tmp_path, 0, 11, seed) for seed in range(2))
    made = repair(3, jobs.RepairHead(0, "ridge"))
    board = Board.of(SavedState(tmp_path, opened(), evaluation(), {0: culprits(0)}, {}, pictures, (made,)))
    assert board.evaluation_final
    assert board.illusions == {(0, 11): pictures}
    assert board.repairs == {3: made}
    assert board.culprit_neurons(0, 2) == (11, 16, 17, 22)
    assert board.culprit_neurons(5) == ()
    found = board.culprit(0, 17)
    assert found is not None and found.kind == "excessive"
    assert board.culprit(0, 999) is None


def test_partial_values_are_shown_but_not_final() -> None:
    board, job = Board(), jobs.Evaluate()
    board.ask(job)
    assert board.apply(Partial(job, evaluation(share=0.5))) == {"evaluation"}
    assert board.evaluation is not None and not board.evaluation_final
    assert board.apply(Finished(job, evaluation())) == {"evaluation", "progress", "log"}
    assert board.evaluation_final and not board.waits_for(job)


def test_another_split_does_not_replace_the_debugged_one() -> None:
    board = Board()
    board.apply(Finished(jobs.Open(), opened()))
    board.apply(Finished(jobs.Evaluate(), evaluation()))
    kept = board.evaluation
    assert board.apply(Partial(jobs.Evaluate("test"), evaluation(share=0.1))) == frozenset()
    assert board.apply(Finished(jobs.Evaluate("test"), evaluation(share=0.1))) == {"progress", "log"}
    assert board.evaluation is kept
    assert board.apply(Finished(jobs.Evaluate("val"), evaluation(share=0.9))) == {
        "evaluation",
        "progress",
        "log",
    }


def test_previews_are_replaced_by_the_finished_pictures(tmp_path: Path) -> None:
    board = Board()
    board.apply(preview(0, 8))
    board.apply(preview(1, 8))
    board.apply(preview(0, 16))
    assert {seed: shown.step for seed, shown in board.previews[0, 11].items()} == {0: 16, 1: 8}
    done = (illusion(tmp_path, 0, 11),)
    board.apply(Finished(JOB, done))
    assert board.previews == {} and board.illusions == {(0, 11): done}


def test_a_stopped_job_drops_its_previews_and_is_logged() -> None:
    board = Board()
    board.ask(JOB)
    board.apply(Started(JOB))
    board.apply(preview(0, 8))
    board.apply(Stopped(JOB))
    assert board.previews == {} and board.at_work is None and not board.pending
    assert board.log[-1].text == "visualising: stopped"


def test_the_title_line_shows_the_long_job_not_the_quick_one_inside() -> None:
    board, quick = Board(), jobs.AskWhatIf(0, (11,))
    for job in (JOB, quick):
        board.ask(job)
        board.apply(Started(job))
    board.apply(Progress(JOB, 1, 4, "steps", 1.0))
    assert board.at_work == JOB
    board.apply(Finished(JOB, ()))
    assert board.at_work is None and board.progress == {}


def test_what_would_be_lost() -> None:
    board = Board()
    for job in (jobs.AskWhatIf(0, (1,)), JOB, jobs.RepairHead(0, "ridge")):
        board.ask(job)
    assert board.would_be_lost == [JOB, jobs.RepairHead(0, "ridge")]


def test_a_failure_is_kept_until_the_job_is_asked_again() -> None:
    board, job = Board(), jobs.FindCulprits(0)
    board.ask(job)
    board.apply(Failed(job, "line", "detail", False))
    assert board.failures[job].line == "line"
    assert (board.log[-1].level, board.log[-1].text, board.log[-1].detail) == (
        "error", "finding culprits: line", "detail",
    )  # fmt: skip
    board.ask(job)
    assert board.failures == {}


def test_finished_work_is_logged_but_what_runs_at_every_key_is_not() -> None:
    board = Board()
    board.apply(Finished(jobs.Evaluate("val"), evaluation()))
    board.apply(Finished(jobs.ListSamples(0), ()))
    assert [line.text for line in board.log] == ["evaluating: done"]


def test_notes_are_logged_with_their_level() -> None:
    board = Board()
    assert board.apply(Note("two images could not be read", "warning")) == {"log"}
    assert (board.log[-1].level, board.log[-1].text) == ("warning", "two images could not be read")


def test_repairs_come_are_accepted_and_go() -> None:
    board, first = Board(), repair(1, jobs.RepairHead(0, "ridge"))
    board.apply(Finished(jobs.RepairHead(0, "ridge"), first))
    second = repair(2, jobs.RepairHead(0, "dfr"))
    board.apply(Finished(jobs.RepairHead(0, "dfr"), second))
    assert board.repair_of(0) == 2
    assert "exported" in board.apply(Finished(jobs.ExportRepair(2), second))
    assert board.apply(Finished(jobs.DiscardRepair(2), 2)) == {"repairs", "progress", "log"}
    assert board.repair_of(0) == 1 and board.repairs == {1: first}


def test_a_class_has_its_own_repairs_the_one_asked_for_last_first() -> None:
    board = Board()
    for number, target in ((1, 0), (2, 0), (3, 4)):
        board.apply(
            Finished(jobs.RepairHead(target, "ridge"), repair(number, jobs.RepairHead(target, "ridge")))
        )
    assert (board.repair_of(0), board.repair_of(4), board.repair_of(7)) == (2, 3, None)
    board.apply(Finished(jobs.RepairHead(0, "ridge"), repair(1, jobs.RepairHead(0, "ridge"))))
    assert board.repair_of(0) == 1, "an old request finds its old repair"
    board.apply(Finished(jobs.DiscardRepair(1), 1))
    assert board.repair_of(0) == 2
    board.apply(Finished(jobs.DiscardRepair(2), 2))
    assert board.repair_of(0) is None, "another class's repair is not this one's"


def test_a_neuron_has_a_name_and_a_doubt_for_each_class() -> None:
    board = Board()
    doubted, plain = Concept(7, "sky", 0.3, 0.9), Concept(7, "sky", 0.3, 0.1)
    board.apply(Finished(jobs.NameNeurons(0, (7,)), (doubted,)))
    board.apply(Finished(jobs.NameNeurons(1, (7,)), (plain,)))
    assert (board.concepts_of(0), board.concepts_of(1)) == ({7: doubted}, {7: plain})


def test_the_question_of_a_tag_is_about_one_side() -> None:
    report = culprits(0)
    board = Board(reports={0: report})
    weak, strong = ([c.neuron for c in side] for side in (report.insufficient, report.excessive))
    assert board.one_sided(0, weak[0]) == board.one_sided(0, None) == tuple(weak[:5])
    assert board.one_sided(0, strong[1]) == tuple(strong[:5])
    board.reports[1] = replace(report, insufficient=())
    assert board.one_sided(1, None) == tuple(strong[:5]), "the only list that there is"
    assert board.one_sided(2, None) == ()
