"""Reopening a session shows it at once; what was stopped goes on; what failed is asked for only on request."""

from __future__ import annotations

from pathlib import Path

from neuroinspect_tui import jobs
from neuroinspect_tui.errors import InputError
from neuroinspect_tui.events import Finished, Preview, Started, Stopped
from neuroinspect_tui.results.stored_cues import StoredCue
from neuroinspect_tui.tui.protocol import SavedState, View

from .conftest import Launch
from .fake_worker import FakeWorker, culprits, evaluation, exemplars, illusion, mistakes, opened, repair


def saved(root: Path) -> SavedState:
    return SavedState(
        root,
        (
            Finished(jobs.Open(), opened()),
            Finished(jobs.Evaluate(), evaluation()),
            Finished(jobs.FindCulprits(2), culprits(2)),
            Finished(jobs.FindExemplars(2, 18), exemplars(root, 2, 18)),
            Finished(jobs.Illustrate(2), (illusion(root, 2, 18),)),
            Finished(jobs.ExportRepair(4), repair(4, jobs.RepairHead(2, "ridge"))),
        ),
        View(2, 18, "index", {2: (18, 13)}, True),
        (StoredCue("rose cue", "hand", "class 2", tags={"val": {mistakes(2)[0].path: "has"}}),),
    )  # fmt: skip


async def test_the_saved_view_is_there_before_any_worker_answers(launch: Launch, tmp_path: Path) -> None:
    def silent(worker: FakeWorker) -> None:
        worker.held = (jobs.Job,)

    async with launch(state=saved(tmp_path), prepare=silent) as desk:
        assert (desk.triage.target, desk.triage.neuron) == (2, 18)
        assert desk.triage.class_table.sort == "index"
        assert "2 Neurons of rose" in desk.text
        assert desk.triage.marked == (18, 13)
        assert "●" in next(line for line in desk.text.splitlines() if "image_00200.jpg" in line)
        assert "resnet50 · flowers102/val" in desk.text
        await desk.press("2")
        assert "real images of the class that excite it most" in desk.text
        assert "×1.32" not in desk.text and "×0.71 not shown here" in desk.text
        await desk.press("m")
        await desk.until(lambda: "(ridge for rose)" in desk.text)


async def test_what_is_known_is_not_computed_again(launch: Launch, tmp_path: Path) -> None:
    async with launch(state=saved(tmp_path)) as desk:
        await desk.until(lambda: desk.worker.asked(jobs.Evaluate))
        await desk.pilot.pause(0.4)
        assert desk.worker.asked(jobs.FindCulprits) == []
        assert desk.worker.asked(jobs.FindExemplars) == []
        assert (desk.triage.target, desk.triage.neuron) == (2, 18), "the fresh evaluation keeps the cursor"


async def test_saved_marks_have_their_what_if_again(launch: Launch, tmp_path: Path) -> None:
    async with launch(state=saved(tmp_path)) as desk:
        await desk.until(lambda: "computing…" not in desk.text)
        assert [job.neurons for job in desk.worker.asked(jobs.AskWhatIf)] == [(13, 18)]
        assert "fixed 3" in desk.text


async def test_marks_and_cursor_are_saved(launch: Launch) -> None:
    async with launch() as desk:
        await desk.settled()
        await desk.press("s", "2", "down", "space")
        await desk.press("q")
    assert desk.views[-1] == View(
        desk.triage.target, desk.triage.neuron, "mistakes", desk.triage.marks.neurons, True
    )
    assert desk.triage.marks.neurons == {0: (16,)}


async def test_a_stopped_evaluation_says_how_to_go_on(launch: Launch) -> None:
    def hold(worker: FakeWorker) -> None:
        worker.held = (jobs.Evaluate,)

    async with launch(prepare=hold) as desk:
        await desk.until(lambda: "Evaluating…" in desk.text)
        desk.worker.on_event(Stopped(jobs.Evaluate()))
        await desk.until(lambda: "The evaluation was stopped." in desk.text)
        desk.worker.held = ()
        await desk.press("r")
        await desk.settled()
        assert desk.worker.asked(jobs.Evaluate) == [jobs.Evaluate()] * 2


async def test_failed_culprits_are_asked_again_only_on_wish(launch: Launch) -> None:
    def break_it(worker: FakeWorker) -> None:
        worker.failing[jobs.FindCulprits] = ("the features are gone", "", False)

    async with launch(prepare=break_it) as desk:
        await desk.until(lambda: "No culprits:" in desk.text)
        await desk.press("down", "up", "down", "up")
        await desk.pilot.pause(0.4)
        assert [job.target for job in desk.worker.asked(jobs.FindCulprits)].count(0) == 1
        desk.worker.failing.clear()
        await desk.press("r")
        await desk.settled()
        assert "2 Neurons of sweet pea" in desk.text


async def test_nothing_to_retry_is_said(launch: Launch) -> None:
    async with launch() as desk:
        await desk.settled()
        await desk.press("r")
        await desk.until(lambda: "Nothing was stopped and nothing failed." in desk.text)


async def test_an_illusion_sharpens_while_it_is_made(launch: Launch) -> None:
    async with launch() as desk:
        await desk.settled()
        desk.worker.held = (jobs.Illustrate,)
        await desk.press("2", "v")
        job = jobs.Illustrate(0, (11,), pictures=2)
        for step in (8, 16):
            desk.worker.on_event(Preview(job, 11, 0, step, 64, 2, 2, bytes([step] * 12), 0.02 * step))
            await desk.until(lambda step=step: f"step {step}/64" in desk.text)  # type: ignore[misc]
        assert "×0.32 so far" in desk.text
        desk.worker.on_event(Started(job))
        desk.worker.on_event(Stopped(job))
        await desk.until(lambda: "so far" not in desk.text)


async def test_a_disk_that_takes_nothing_more_stops_no_work(launch: Launch) -> None:
    def full(view: View) -> None:
        raise InputError("cannot write view.json: No space left on device", "free some space")

    async with launch(save_view=full) as desk:
        await desk.settled()
        await desk.press("2", "space")
        assert desk.triage.marked
        await desk.press("L")
        await desk.until(lambda: "the view could not be saved: cannot write view.json" in desk.text)
        await desk.press("escape", "q")
    assert desk.app.return_code == 0
