"""The main screen: what each key does, and what each pane says when it has nothing to show."""

from __future__ import annotations

import pytest
from textual import events

from neuroinspect_tui import jobs
from neuroinspect_tui.events import Elsewhere, Failed, Finished, Partial, Progress, Started, Stopped

from .conftest import Launch
from .fake_worker import CLASSES, FakeWorker, evaluation, repair


async def test_the_worst_class_comes_first_with_its_culprits(launch: Launch) -> None:
    async with launch() as desk:
        await desk.settled()
        assert desk.triage.target == 0
        assert [row.key for row in desk.triage.class_table.rows] == [0, 1, 2, 3, 4, 5, 6, 7]
        line = next(line for line in desk.text.splitlines() if "▌ sweet pea" in line)
        assert "33.3" in line
        assert "8/24" in line
        assert "5 ▲ + 5 ▼ fix 62 % · random 5 %" in desk.text


async def test_asking_goes_from_opening_to_what_is_looked_at(launch: Launch) -> None:
    async with launch() as desk:
        await desk.settled()
        order = list(dict.fromkeys(type(job) for job in desk.worker.submitted))[:6]
        assert order == [
            jobs.Open, jobs.Evaluate, jobs.FindFailureModes, jobs.ListSamples, jobs.FindCulprits,
            jobs.MakeThumbnails,
        ]  # fmt: skip
        assert desk.worker.asked(jobs.FindExemplars) == [jobs.FindExemplars(0, 11)]
        named = desk.worker.asked(jobs.NameNeurons)[0]
        assert named.target == 0 and set(named.neurons) == {11, 16, 21, 2, 7, 12, 17, 22, 3, 8}


@pytest.mark.parametrize("key", ["down", "j"])
async def test_moving_down_shows_the_next_class(launch: Launch, key: str) -> None:
    async with launch() as desk:
        await desk.settled()
        await desk.press(key)
        assert desk.triage.target == 1
        await desk.settled()
        assert "2 Neurons of petunia" in desk.text


async def test_up_page_and_end_keys_move_in_the_list(launch: Launch) -> None:
    async with launch() as desk:
        await desk.settled()
        await desk.press("G")
        assert desk.triage.class_table.key == 7
        await desk.press("k")
        assert desk.triage.class_table.key == 6
        await desk.press("g")
        assert desk.triage.class_table.key == 0
        await desk.press("end", "up", "home", "pagedown")
        assert desk.triage.class_table.key == 7
        await desk.press("pageup")
        assert desk.triage.class_table.key == 0


async def test_running_quickly_over_classes_asks_only_for_the_last(
    launch: Launch, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with launch() as desk:
        await desk.settled()
        monkeypatch.setattr("neuroinspect_tui.tui.screens.triage.SETTLE", 2.0)
        await desk.press("down", "down", "down")
        await desk.settled()
        assert [job.target for job in desk.worker.asked(jobs.FindCulprits)] == [0, 3]


async def test_a_class_without_mistakes_says_so_and_asks_nothing(launch: Launch) -> None:
    async with launch() as desk:
        await desk.settled()
        await desk.press("end")
        await desk.until(lambda: "No mistakes in this class." in desk.text)
        await desk.pilot.pause(0.3)
        assert [job.target for job in desk.worker.asked(jobs.FindCulprits)] == [0]


async def test_panes_by_number_tab_and_arrows(launch: Launch) -> None:
    async with launch() as desk:
        await desk.settled()

        def place() -> str | None:
            return desk.app.focused.id if desk.app.focused else None

        seen = []
        for key in ("2", "3", "1", "tab", "tab", "tab", "shift+tab"):
            await desk.press(key)
            seen.append(place())
        assert seen == ["neurons", "pictures", "classes", "neurons", "pictures", "classes", "pictures"]
        await desk.press("1", "l")
        assert place() == "pictures"
        await desk.press("left")
        assert place() == "classes"
        await desk.press("2", "right")
        assert place() == "pictures"
        await desk.press("h")
        assert place() == "classes"


async def test_enter_goes_on_from_a_row_to_its_pictures(launch: Launch) -> None:
    async with launch() as desk:
        await desk.settled()
        await desk.press("enter")
        assert desk.triage.sheet.has_focus
        await desk.press("2", "enter")
        assert desk.triage.sheet.has_focus


async def test_space_marks_and_the_what_if_follows(launch: Launch) -> None:
    async with launch() as desk:
        await desk.settled()
        assert "space marks a neuron" in desk.text
        await desk.press("2", "space")
        assert desk.triage.marked == (11,)
        await desk.until(lambda: "11 ×2 for sweet pea → class 33.3 ▸ 39.3 +6.0" in desk.text)
        await desk.press("down", "space")
        await desk.until(lambda: "11, 16 ×2 for sweet pea → class 33.3 ▸ 45.3 +12.0" in desk.text)
        assert "fixed 3 broken 1" in desk.text
        await desk.press("space")
        await desk.until(lambda: "11 ×2 for sweet pea → class 33.3 ▸ 39.3" in desk.text)
        assert len(desk.worker.asked(jobs.AskWhatIf)) == 2, "a known answer is not asked for again"
        await desk.press("U")
        assert desk.triage.marked == ()
        assert "space marks a neuron" in desk.text


async def test_what_if_for_all_classes_and_at_another_scale(launch: Launch) -> None:
    async with launch(size=(200, 60)) as desk:
        await desk.settled()
        await desk.press("2", "space", "x")
        await desk.until(lambda: "11 ×2 for all" in desk.text)
        await desk.press("[", "[")
        await desk.until(lambda: "11 ×1.5 for all" in desk.text)
        await desk.press("]")
        await desk.until(lambda: "11 ×1.75 for all" in desk.text)
        assert jobs.AskWhatIf(0, (11,), 0.25, True, (11,)) in desk.worker.asked(jobs.AskWhatIf)


async def test_marks_stay_with_their_class(launch: Launch) -> None:
    async with launch() as desk:
        await desk.settled()
        await desk.press("2", "space", "1", "down")
        assert desk.triage.marked == ()
        await desk.press("up")
        assert desk.triage.marked == (11,)


async def test_visualise_asks_for_illusions_and_shows_their_numbers(launch: Launch) -> None:
    async with launch() as desk:
        await desk.settled()
        await desk.press("2", "v")
        await desk.until(lambda: "illusions" in desk.text)
        assert desk.worker.asked(jobs.Illustrate) == [jobs.Illustrate(0, (11,), pictures=2)]
        assert "×1.32 rank 1" in desk.text
        await desk.press("V")
        assert desk.worker.asked(jobs.Illustrate)[-1].neurons == (11, 16, 21, 2, 7, 17, 22, 3, 8)


async def test_long_lists_show_their_first_rows_until_asked_for_all(launch: Launch) -> None:
    async with launch(size=(120, 30)) as desk:
        await desk.settled()
        keys = [row.key for row in desk.triage.neuron_table.rows]
        assert keys == [None, 11, 16, None, None, 17, 22, None]
        assert "4 more · a shows all" in desk.text
        await desk.press("2", "down", "down")
        assert desk.triage.neuron == 17
        await desk.press("a")
        assert [row.key for row in desk.triage.neuron_table.rows][:7] == [None, 11, 16, 21, 2, 7, 12]
        assert desk.triage.neuron == 17, "the cursor stays"
        await desk.press("a", "slash", *"bee")
        assert [row.key for row in desk.triage.neuron_table.rows] == [8], "a filter looks at all"


async def test_another_class_starts_at_its_first_culprit_with_short_lists(launch: Launch) -> None:
    async with launch(size=(80, 24)) as desk:
        await desk.settled()
        desk.triage.neuron_table.go_to(12)
        assert (desk.triage.neuron_table.whole, desk.triage.neuron_table.key) == (True, 12)
        await desk.press("1", "down")
        await desk.settled()
        assert desk.triage.target == 1
        await desk.until(lambda: 1 in desk.app.app_state.reports)
        assert not desk.triage.neuron_table.whole
        assert desk.triage.neuron == desk.app.app_state.reports[1].insufficient[0].neuron == 12
        await desk.press("up")
        assert desk.triage.neuron == 11, "back on the first class, at its first culprit"


async def test_a_marked_neuron_stays_in_sight(launch: Launch) -> None:
    async with launch(size=(120, 30)) as desk:
        await desk.settled()
        desk.triage.neuron_table.go_to(12)
        assert desk.triage.neuron_table.whole
        await desk.press("2", "space", "a")
        assert [row.key for row in desk.triage.neuron_table.rows][:5] == [None, 11, 16, 12, None]


async def test_a_weak_illusion_is_called_not_shown(launch: Launch) -> None:
    async with launch() as desk:
        await desk.settled()
        await desk.press("2", "down", "down")
        await desk.settled()
        assert desk.triage.neuron == 21
        await desk.press("v")
        await desk.until(lambda: "×0.71 not shown here" in desk.text)


async def test_filter_narrows_and_escape_shows_all_again(launch: Launch) -> None:
    async with launch() as desk:
        await desk.settled()
        await desk.press("slash", "o", "r", "c")
        assert [row.key for row in desk.triage.class_table.rows] == [5]
        await desk.press("backspace", "c", "enter")
        assert "/orc" in desk.text
        await desk.press("escape")
        assert len(desk.triage.class_table.rows) == 8
        await desk.press("slash", "q", "v", "e")
        assert desk.app.screen is desk.triage, "letters typed into the filter are no commands"
        assert "Nothing matches." in desk.text
        assert desk.worker.asked(jobs.WriteReport) == []


async def test_filter_looks_at_the_columns_on_show(launch: Launch) -> None:
    async with launch(size=(200, 60)) as desk:
        await desk.settled()
        await desk.press("slash", "o", "r", "c")
        assert [row.key for row in desk.triage.class_table.rows] == [4, 5], (
            "water lily is taken for moon orchid"
        )


async def test_sort_goes_round(launch: Launch) -> None:
    async with launch() as desk:
        await desk.settled()
        await desk.press("s")
        assert [row.key for row in desk.triage.class_table.rows][:3] == [1, 2, 0]
        await desk.press("s", "s")
        assert [row.key for row in desk.triage.class_table.rows] == list(range(8))
        await desk.press("s")
        assert desk.triage.class_table.sort == "accuracy"


async def test_maximise_and_back(launch: Launch) -> None:
    async with launch() as desk:
        await desk.settled()
        await desk.press("2", "plus")
        assert desk.triage.neuron_table.size.width > 110
        assert not desk.triage.class_table.display
        await desk.press("3")
        assert desk.triage.sheet.size.width > 110
        await desk.press("underscore")
        assert desk.triage.class_table.display and desk.triage.neuron_table.size.width < 60


async def test_mistakes_show_their_picture_and_enter_enlarges_it(launch: Launch) -> None:
    async with launch() as desk:
        await desk.settled()
        await desk.press("3", "down")
        await desk.until(lambda: desk.app.app_state.thumbnails)
        assert desk.worker.asked(jobs.MakeThumbnails)[0].split == "val"
        assert "image_00000.jpg" in desk.text, "without pictures the files are named"
        await desk.press("enter")
        await desk.until(lambda: "picture 2 of 28 · image_00012" in desk.text)
        await desk.press("escape")
        assert desk.app.screen is desk.triage


async def test_find_takes_a_neuron_into_the_list(launch: Launch) -> None:
    async with launch() as desk:
        await desk.settled()
        await desk.press("f", *"bee", "enter")
        await desk.until(lambda: "Neurons whose images are most like “" in desk.text)
        await desk.press("down", "enter")
        await desk.until(lambda: desk.triage.marked == (20,))
        assert "● others you marked" in desk.text
        await desk.press("f", *"zebra", "enter")
        await desk.until(lambda: "No neuron has such a concept." in desk.text)


async def test_classes_fill_in_while_evaluating(launch: Launch) -> None:
    def hold(worker: FakeWorker) -> None:
        worker.held = (jobs.Evaluate,)

    async with launch(size=(200, 60), prepare=hold) as desk:
        job = jobs.Evaluate()
        await desk.until(lambda: "Evaluating…" in desk.text)
        desk.worker.on_event(Partial(job, evaluation(share=0.5)))
        desk.worker.on_event(Progress(job, 4210, 6149, "images", 5.2))
        await desk.until(lambda: "evaluating" in desk.text.splitlines()[0])
        assert "4 210/6 149 images" in desk.text and "68%" in desk.text and "810/s" in desk.text
        assert "2.4 s left" in desk.text and "esc cancels" in desk.text
        assert "worst 33.3 so far" in desk.text
        assert desk.worker.asked(jobs.FindCulprits) == [], "culprits need the whole split"
        await desk.press("escape")
        assert desk.worker.cancels == 1


async def test_progress_of_a_quick_job_inside_does_not_hide_the_long_one(launch: Launch) -> None:
    async with launch() as desk:
        await desk.settled()
        long, quick = jobs.Illustrate(0, (11,), pictures=2), jobs.AskWhatIf(0, (11,), raised=(11,))
        desk.worker.on_event(Started(long))
        desk.worker.on_event(Progress(long, 32, 64, "steps", 2.0))
        desk.worker.on_event(Started(quick))
        await desk.until(lambda: "visualising" in desk.text.splitlines()[0])
        assert "50%" in desk.text.splitlines()[0]


async def test_quitting_asks_only_when_work_would_be_lost(launch: Launch) -> None:
    async with launch() as desk:
        await desk.settled()
        desk.worker.held = (jobs.Illustrate,)
        await desk.press("2", "v", "q")
        await desk.until(lambda: "Work is under way. Quit?" in desk.text)
        await desk.press("n")
        assert desk.app.screen is desk.triage and desk.app.return_code is None
        desk.worker.on_event(Finished(jobs.Illustrate(0, (11,), pictures=2), ()))
        await desk.pilot.pause()
        await desk.press("q")
    assert desk.app.return_value == 0
    assert desk.views, "what was looked at is saved"


async def test_keys_that_arrive_together_find_the_pane_that_the_first_opens(launch: Launch) -> None:
    async with launch() as desk:
        await desk.settled()
        for key, character in (("2", "2"), ("space", " ")):
            desk.app.post_message(events.Key(key, character))
        await desk.until(lambda: desk.triage.marked != ())


async def test_the_question_whether_to_quit_never_answers_itself(launch: Launch) -> None:
    async with launch() as desk:
        await desk.settled()
        desk.worker.held = (jobs.Illustrate,)
        await desk.press("2", "v", "q")
        await desk.until(lambda: "Work is under way. Quit?" in desk.text)
        desk.worker.on_event(Finished(jobs.Illustrate(0, (11,), pictures=2), ()))
        await desk.pilot.pause()
        assert "Work is under way. Quit?" in desk.text
        await desk.press("y")
    assert desk.app.return_value == 0


async def test_a_job_that_is_to_stop_is_shown_as_stopping(launch: Launch) -> None:
    async with launch() as desk:
        await desk.settled()
        desk.worker.held = (jobs.Illustrate,)
        await desk.press("2", "v")
        await desk.until(lambda: "esc cancels" in desk.text.splitlines()[0])
        await desk.press("escape")
        await desk.until(lambda: "stopping…" in desk.text.splitlines()[0])
        assert desk.worker.cancels == 1
        desk.worker.on_event(Stopped(jobs.Illustrate(0, (11,), pictures=2)))
        await desk.until(lambda: "stopping" not in desk.text.splitlines()[0])


async def test_ctrl_c_says_what_quits_and_what_stops(launch: Launch) -> None:
    async with launch() as desk:
        await desk.settled()
        await desk.press("ctrl+c")
        await desk.until(lambda: "q quits, escape stops the job that runs." in desk.text)


async def test_another_process_is_named_while_it_works_in_the_session(launch: Launch) -> None:
    async with launch() as desk:
        await desk.settled()
        desk.worker.on_event(Elsewhere("4321"))
        await desk.until(lambda: "process 4321 works here, yours waits" in desk.text.splitlines()[0])
        desk.worker.on_event(Elsewhere(""))
        await desk.until(lambda: "4321" not in desk.text)


async def test_a_repair_that_was_made_before_is_said_to_be(launch: Launch) -> None:
    async with launch() as desk:
        await desk.settled()
        job = jobs.RepairHead(0, "ridge")
        for _ in range(2):
            desk.worker.on_event(Finished(job, repair(7, job)))
        await desk.until(lambda: "It has been made before: repair 7." in desk.text)


async def test_a_failure_is_told_and_its_details_are_in_the_log(launch: Launch) -> None:
    def break_illusions(worker: FakeWorker) -> None:
        worker.failing[jobs.Illustrate] = (
            "out of memory: choose fewer seeds",
            "Traceback\n  torch.cuda",
            False,
        )

    async with launch(prepare=break_illusions) as desk:
        await desk.settled()
        await desk.press("2", "v")
        await desk.until(lambda: "out of memory: choose fewer seeds" in desk.text)
        await desk.press("L")
        await desk.until(lambda: "⏎ details" in desk.text)
        await desk.press("enter")
        await desk.until(lambda: "torch.cuda" in desk.text)
        await desk.press("y")
        assert desk.written and "\x1b]52;c;" in desk.written[-1]


async def test_a_model_that_cannot_be_opened_is_shown_at_once(launch: Launch) -> None:
    def break_opening(worker: FakeWorker) -> None:
        worker.failing[jobs.Open] = ("weights.pth does not fit resnet18: check -m", "size mismatch", True)
        worker.held = (jobs.Evaluate,)

    async with launch(prepare=break_opening) as desk:
        await desk.until(lambda: "size mismatch" in desk.text)
        assert "weights.pth does not fit resnet18: check -m" in desk.text
        await desk.press("escape")
        await desk.until(lambda: "This did not work:" in desk.text)


async def test_a_failed_event_while_another_screen_is_up_keeps_the_app(launch: Launch) -> None:
    async with launch() as desk:
        await desk.settled()
        await desk.press("question_mark")
        desk.worker.on_event(Failed(jobs.FindExemplars(0, 11), "gone", "detail", False))
        await desk.press("escape")
        assert desk.app.screen is desk.triage


async def test_copy_gives_what_has_the_focus(launch: Launch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TMUX", raising=False)
    async with launch() as desk:
        await desk.settled()
        copied: list[str] = []
        desk.app.copy = copied.append  # type: ignore[method-assign]
        await desk.press("y", "2", "y", "3", "y", "4", "y")
        assert copied == [CLASSES[0], "11", "images/00/image_00000.jpg", copied[3]]


async def test_report(launch: Launch) -> None:
    async with launch() as desk:
        await desk.settled()
        await desk.press("e")
        await desk.until(lambda: "The report is" in desk.text)
        assert desk.worker.asked(jobs.WriteReport) == [jobs.WriteReport()]


async def test_the_group_in_which_a_class_does_worst_is_named(launch: Launch) -> None:
    async with launch() as desk:
        await desk.settled()
        evaluation = desk.app.app_state.evaluation
        assert evaluation is not None
        own = [group for group in evaluation.groups if group.class_index == 0]
        assert len(own) == 2
        worst = min(own, key=lambda group: group.accuracy or 0.0)
        assert f"Worst group: background {worst.value}, {worst.correct} of {worst.count} right" in desk.text
        await desk.press("down")
        await desk.until(lambda: desk.triage.target == 1)
        await desk.until(lambda: "Worst group: background trellis, 8 of 25 right (31.0 %)." in desk.text)
