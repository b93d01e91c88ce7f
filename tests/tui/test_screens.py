"""The screens around the main one: repair, tag, confusion, images, sessions, log, help, zoom, dialogs, palette."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest
from textual.widgets import Input

from neuroinspect_tui import jobs
from neuroinspect_tui.events import Finished, Note, Progress, Started
from neuroinspect_tui.repair_methods import REPAIRS, RepairMethod
from neuroinspect_tui.results import Verdict
from neuroinspect_tui.tui.keymap import KEYS
from neuroinspect_tui.tui.protocol import Appearance, SessionEntry
from neuroinspect_tui.tui.screens.confusion import ConfusionScreen
from neuroinspect_tui.tui.screens.help import HelpScreen
from neuroinspect_tui.tui.screens.log import LogScreen
from neuroinspect_tui.tui.screens.repair import RepairScreen
from neuroinspect_tui.tui.screens.tag import TagScreen
from neuroinspect_tui.tui.screens.zoom import ZoomScreen

from .conftest import Desk, Launch
from .fake_worker import FakeWorker, opened


def line_with(desk: Desk, words: str) -> str:
    return next(line for line in desk.text.splitlines() if words in line)


# Repair


async def test_repair_shows_the_verdict_on_its_aim_first_beside_its_controls(launch: Launch) -> None:
    async with launch() as desk:
        await desk.settled()
        await desk.press("m")
        assert "No repair yet." in desk.text and "Nothing is changed before you accept it." in desk.text
        await desk.press("j", "enter")
        await desk.until(lambda: "Verdict on repair 1 (ridge for sweet pea): helps" in desk.text)
        assert desk.worker.asked(jobs.RepairHead) == [jobs.RepairHead(0, "ridge")]
        lines = list(desk.page.query_one("#verdict").rows)  # type: ignore[attr-defined]
        assert [row.cells[0][0][0] for row in lines] == [
            "sweet pea (the aim) · 24 images", "untouched", "bias shift", "without groups",
            "all images · 6 149 images", "untouched",
            "the worst group (sweet pea, background trellis) · 40 images", "untouched",
        ]  # fmt: skip
        assert [cell if isinstance(cell, str) else cell[0][0] for cell in lines[1].cells[1:]] == [
            "33.3", "58.3", "+25.0", "+2.0 … +44.0", "8", "2", "0.11",
        ]  # fmt: skip
        assert "judged on 6 149 images of test" in desk.text
        assert "Helps: sweet pea 33.3 → 58.3 % of 24 images" in desk.text
        change = desk.page.query_one("#changes").rows[0]  # type: ignore[attr-defined]
        assert (change.cells[0], change.cells[1], change.cells[2][0][0]) == ("sweet pea", "33.3", "58.3")


async def test_methods_that_take_neurons_get_the_marked_ones(launch: Launch) -> None:
    async with launch() as desk:
        await desk.settled()
        await desk.press("2", "space", "m")
        place = [row.key for row in desk.page.query_one("#methods").rows].index("paper")  # type: ignore[attr-defined]
        await desk.press(*["down"] * place)
        assert "Uses the marked neurons 11." in desk.text
        await desk.press("enter")
        assert desk.worker.asked(jobs.RepairHead) == [jobs.RepairHead(0, "paper", (11,))]


async def test_accept_exports_the_weights_and_their_path_can_be_copied(launch: Launch) -> None:
    async with launch() as desk:
        await desk.settled()
        await desk.press("m", "enter")
        await desk.until(lambda: "Verdict on repair 1 (auto" in desk.text)
        await desk.press("a")
        await desk.until(lambda: "Repaired weights are in" in desk.text)
        assert desk.worker.asked(jobs.ExportRepair) == [jobs.ExportRepair(1)]
        copied: list[str] = []
        desk.app.copy = copied.append  # type: ignore[method-assign]
        await desk.press("y")
        assert copied == [str(desk.app.app_state.root / "repairs/1-auto/weights.safetensors")]
        await desk.until(lambda: "✓" in desk.text)


async def test_a_repair_that_changes_nothing_cannot_be_accepted(launch: Launch) -> None:
    async with launch() as desk:
        await desk.settled()
        await desk.press("m", "enter")
        await desk.until(lambda: "Verdict on repair 1 (auto" in desk.text)
        made = desk.app.app_state.repairs[1]
        desk.app.app_state.repairs[1] = replace(made, unchanged=True)
        await desk.press("a")
        await desk.until(lambda: "Nothing to accept" in desk.text)
        assert desk.worker.asked(jobs.ExportRepair) == []


async def test_a_repair_that_does_not_help_is_exported_after_a_question(launch: Launch) -> None:
    async with launch() as desk:
        await desk.settled()
        await desk.press("m", "enter")
        await desk.until(lambda: "Verdict on repair 1 (auto" in desk.text)
        app_state = desk.app.app_state
        app_state.repairs[1] = replace(app_state.repairs[1], verdict=Verdict("no_better", ()))
        await desk.press("a")
        await desk.until(lambda: "The verdict on repair 1 is “no better”." in desk.text)
        assert "y export" in desk.text
        await desk.press("escape")
        assert desk.worker.asked(jobs.ExportRepair) == []
        await desk.press("a", "y")
        await desk.until(lambda: desk.worker.asked(jobs.ExportRepair) == [jobs.ExportRepair(1)])


async def test_a_repair_with_the_layer_of_another_says_so(launch: Launch) -> None:
    async with launch() as desk:
        await desk.settled()
        await desk.press("m", "enter", "down", "enter")
        await desk.until(lambda: len(desk.app.app_state.repairs) == 2)
        app_state = desk.app.app_state
        app_state.repairs.update(
            {number: replace(made, digest="5a1e") for number, made in app_state.repairs.items()}
        )
        await desk.press("tab")
        await desk.until(lambda: "Same layer as repair 1" in desk.text)
        await desk.press("down")
        await desk.until(lambda: "Same layer as repair" not in desk.text)


async def test_discard_asks_first(launch: Launch) -> None:
    async with launch() as desk:
        await desk.settled()
        await desk.press("m", "enter", "d")
        await desk.until(lambda: "Discard repair 1 (auto)?" in desk.text)
        await desk.press("n")
        assert desk.worker.asked(jobs.DiscardRepair) == []
        await desk.press("d", "y")
        await desk.until(lambda: "No repair yet." in desk.text)
        assert desk.worker.asked(jobs.DiscardRepair) == [jobs.DiscardRepair(1)]
        assert desk.app.app_state.repairs == {}


async def test_earlier_repairs_can_be_looked_at_again(launch: Launch) -> None:
    async with launch() as desk:
        await desk.settled()
        await desk.press("m", "enter", "down", "enter")
        await desk.until(lambda: "(ridge for sweet pea)" in desk.text)
        await desk.press("tab", "down")
        await desk.until(lambda: "Verdict on repair 1 (auto" in desk.text)
        words = " ".join(desk.page.words.lines)  # type: ignore[attr-defined]
        assert "Fit on train 820, choose on train 200, judge on test 6 149." in words


async def test_escape_stops_a_running_repair_before_it_goes_back(launch: Launch) -> None:
    async with launch() as desk:
        await desk.settled()
        desk.worker.held = (jobs.RepairHead,)
        await desk.press("m", "enter")
        await desk.until(lambda: "Repairing with auto…" in desk.text)
        job = jobs.RepairHead(0, "auto")
        desk.worker.on_event(Progress(job, 3, 10, "fits", 1.0))
        await desk.until(lambda: "repairing" in desk.text.splitlines()[0])
        await desk.press("escape")
        assert desk.worker.cancels == 1 and isinstance(desk.page, RepairScreen)
        desk.worker.on_event(Finished(job, desk.worker.answer(job)))
        await desk.until(lambda: "Verdict on repair 1 (auto" in desk.text)
        await desk.press("escape")
        assert desk.app.screen is desk.triage


async def test_a_failed_repair_says_why(launch: Launch) -> None:
    def break_repairs(worker: FakeWorker) -> None:
        worker.failing[jobs.RepairHead] = ("ridge needs groups: tag a few images with t", "", True)

    async with launch(prepare=break_repairs) as desk:
        await desk.settled()
        await desk.press("m", "down", "enter")
        await desk.until(lambda: "ridge needs groups: tag a few images with t" in desk.text)


async def test_every_method_of_the_configuration_is_offered() -> None:
    assert set(REPAIRS) == set(get_args(RepairMethod)) - {"none"}


async def test_repair_and_tag_wait_for_the_model(launch: Launch) -> None:
    def hold(worker: FakeWorker) -> None:
        worker.held = (jobs.Open, jobs.Evaluate)

    async with launch(prepare=hold) as desk:
        await desk.press("m")
        await desk.until(lambda: "Not yet: the model and the classes" in desk.text)
        assert desk.app.screen is desk.triage


# Tags


SHEET = "Tag “sweet pea cue”"


async def test_one_key_tags_and_goes_on(launch: Launch) -> None:
    async with launch() as desk:
        await desk.settled()
        await desk.press("t")
        await desk.until(lambda: SHEET in desk.text and "image_00030.jpg" in desk.text)
        assert desk.worker.asked(jobs.OrderReview)[0].neurons == desk.app.app_state.one_sided(0, None)
        await desk.press("c", "x", "l")
        assert desk.page.sheet.cursor == 3  # type: ignore[attr-defined]
        assert desk.worker.asked(jobs.AddCue) == [jobs.AddCue("sweet pea cue", "hand", "class 0")]
        assert desk.worker.asked(jobs.SetTag) == [
            jobs.SetTag("val", row, tag, "sweet pea cue")
            for row, tag in ((30, "has"), (31, "not"), (32, "mislabelled"))
        ]
        assert "By hand: 1 have it, 1 have not, 1 mislabelled (left out)." in desk.text
        assert "Estimated over all images: 180 have it, 198 have not, 0 unclear." in desk.text


async def test_a_row_or_a_range_is_tagged_at_once(launch: Launch) -> None:
    async with launch(look=Appearance(images="block")) as desk:
        await desk.settled()
        await desk.press("t")
        await desk.until(lambda: SHEET in desk.text)
        sheet = desk.page.sheet  # type: ignore[attr-defined]
        row = len(sheet.row)
        assert 2 <= row < 12
        await desk.press("C")
        tagged = desk.worker.asked(jobs.SetTag)
        assert [(job.row, job.tag) for job in tagged] == [(30 + place, "has") for place in range(row)]
        assert sheet.cursor == row
        await desk.press("space", "right", "x")
        ranged = desk.worker.asked(jobs.SetTag)[row:]
        assert [(job.row, job.tag) for job in ranged] == [(30 + row, "not"), (31 + row, "not")]
        await desk.press("u")
        assert len(desk.worker.tags) == row, "a range is undone at once"
        assert sheet.cursor == row


async def test_undo_takes_the_last_tag_back_and_returns_to_its_image(launch: Launch) -> None:
    async with launch() as desk:
        await desk.settled()
        await desk.press("t")
        await desk.until(lambda: SHEET in desk.text)
        await desk.press("u")
        await desk.until(lambda: "Nothing to undo." in desk.text)
        await desk.press("c", "down", "x", "u")
        assert desk.page.sheet.cursor == 2  # type: ignore[attr-defined]
        assert desk.worker.asked(jobs.SetTag)[-1] == jobs.SetTag("val", 32, "", "sweet pea cue")
        await desk.press("u")
        assert desk.worker.tags == {}


async def test_a_changed_tag_is_undone_to_the_one_before(launch: Launch) -> None:
    async with launch() as desk:
        await desk.settled()
        await desk.press("t")
        await desk.until(lambda: SHEET in desk.text)
        await desk.press("c", "up", "x", "u")
        await desk.until(lambda: desk.worker.tags == {("val", 30): "has"})
        await desk.press("backspace")
        assert desk.worker.tags == {}


async def test_enough_tags_lead_on_to_the_repair(launch: Launch) -> None:
    async with launch() as desk:
        await desk.settled()
        await desk.press("t")
        await desk.until(lambda: SHEET in desk.text)
        assert "c has it (x: has not)" in desk.text.splitlines()[-1]
        await desk.press(*"cxcxcxcx")
        await desk.until(lambda: "Enough tags" in desk.text)
        assert "m repair with these tags" in desk.text.splitlines()[-1]
        await desk.press("m")
        await desk.until(lambda: isinstance(desk.app.screen, RepairScreen))
        words = " ".join(desk.page.words.lines)  # type: ignore[attr-defined]
        assert "Uses your 8 tags of “sweet pea cue”, carried to all images by the probe" in words


async def test_the_sheet_is_sorted_and_goes_to_other_splits(launch: Launch) -> None:
    async with launch() as desk:
        await desk.settled()
        await desk.press("t")
        await desk.until(lambda: "what teaches most first" in desk.text)
        for words in ("highest score first", "most doubtful first", "most confident first"):
            await desk.press("s")
            assert words in desk.text
        page = desk.page
        shown = [item.sample.confidence for item in page.items]  # type: ignore[attr-defined]
        assert shown == sorted(shown, reverse=True)
        await desk.press("w")
        assert desk.worker.asked(jobs.OrderReview)[-1].split == "test"


async def test_the_main_screen_tags_too(launch: Launch) -> None:
    async with launch() as desk:
        await desk.settled()
        await desk.press("3", "down", "c")
        assert desk.worker.asked(jobs.SetTag) == [jobs.SetTag("val", 12, "has", "sweet pea cue")]
        await desk.until(lambda: "● sweet pea → rose" in line_with(desk, "image_00012.jpg"))


# Cues


async def test_cues_are_named_ticked_merged_and_cleared(launch: Launch) -> None:
    async with launch() as desk:
        await desk.settled()
        await desk.press("3", "c", "x", "n")
        await desk.until(lambda: "sweet pea cue" in line_with(desk, "by hand"))
        await desk.press("space")
        assert desk.worker.asked(jobs.LeaveOutCue) == [jobs.LeaveOutCue("sweet pea cue", True)]
        await desk.press("a", *"fog", "enter")
        await desk.until(lambda: desk.worker.asked(jobs.AddCue)[-1] == jobs.AddCue("fog"))
        await desk.press("r", *"mist", "enter")
        await desk.until(
            lambda: desk.worker.asked(jobs.RenameCue) == [jobs.RenameCue("sweet pea cue", "mist")]
        )
        assert set(desk.app.app_state.tagged) == {"mist"}
        page = desk.page
        page.table.go_to("mist")  # type: ignore[attr-defined]
        await desk.press("M", "enter")
        await desk.until(lambda: desk.worker.asked(jobs.MergeCues) == [jobs.MergeCues("mist", "fog")])
        assert set(desk.app.app_state.tagged) == {"fog"}
        await desk.press("d")
        await desk.until(lambda: "Remove all tags of “fog”? By hand: 1 have it, 1 have not." in desk.text)
        await desk.press("y")
        assert desk.worker.asked(jobs.ClearCue) == [jobs.ClearCue("fog", False)]
        assert desk.app.app_state.tagged == {}


# Confusion and images


async def test_the_confusion_screen_walks_through_the_largest_mistakes(launch: Launch) -> None:
    async with launch() as desk:
        await desk.settled()
        await desk.press("C")
        await desk.until(lambda: "sweet pea right: 8 of 24 images (33.3 %)" in desk.text)
        await desk.press("n")
        words = "common dandelion → mexican aster: 15 of 52 images (28.8 %)"
        assert desk.page.sentence() == words  # type: ignore[attr-defined]
        await desk.press("n")
        words = "petunia → sweet pea: 14 of 51 images (27.5 %)"
        assert desk.page.sentence() == words  # type: ignore[attr-defined]
        await desk.press("right", "l", "down", "j", "up", "left", "h", "k")
        assert desk.page.query_one("#matrix").cell == (1, 0)  # type: ignore[attr-defined]


async def test_the_images_of_a_cell_stand_beside_the_matrix(launch: Launch) -> None:
    async with launch() as desk:
        await desk.settled()
        await desk.press("C", "n")
        await desk.until(lambda: len(desk.page.sheet.tiles) == 15)  # type: ignore[attr-defined]
        assert desk.worker.asked(jobs.ListSamples)[-1] == jobs.ListSamples(3, 7, True)
        await desk.press("enter", "right", "c", "z")
        assert desk.worker.asked(jobs.SetTag)[-1].cue == "common dandelion cue"
        await desk.until(lambda: isinstance(desk.app.screen, ZoomScreen))
        await desk.press("escape", "1", "right")
        assert isinstance(desk.app.screen, ConfusionScreen)
        await desk.press("q")
        assert desk.app.screen is desk.triage


async def test_the_diagonal_shows_images_that_are_right_and_empty_cells_nothing(launch: Launch) -> None:
    async with launch() as desk:
        await desk.settled()
        await desk.press("C")
        await desk.until(lambda: len(desk.page.sheet.tiles) == 12)  # type: ignore[attr-defined]
        await desk.press("right", "right", "right")
        await desk.until(lambda: "No image in this cell." in desk.text)


async def test_the_confusion_view_sorts_by_class_or_by_accuracy(launch: Launch) -> None:
    async with launch() as desk:
        await desk.settled()
        await desk.press("C")
        assert "worst class first" in desk.text
        await desk.press("s")
        assert "in class order" in desk.text


async def test_a_thousand_classes_draw_only_what_is_on_screen(launch: Launch) -> None:
    from dataclasses import replace

    from .fake_worker import evaluation

    names = tuple(f"class {index:04d}" for index in range(1000))
    few = evaluation()
    classes = tuple(
        replace(few.classes[index % 8], index=index, name=name) for index, name in enumerate(names)
    )
    many = replace(few, classes=classes, groups=())

    def widen(worker: FakeWorker) -> None:
        worker._answer_open = lambda job: opened(names)  # type: ignore[method-assign]
        worker._answer_evaluate = lambda job: many  # type: ignore[method-assign]

    async with launch(prepare=widen) as desk:
        await desk.until(lambda: desk.app.app_state.evaluation_final)
        await desk.press("end")
        assert "class 0999" in desk.text
        await desk.press("C")
        await desk.press(*["down"] * 3, "end")
        assert "class 0000" in desk.text


# Zoom


async def test_zoom_steps_through_the_pictures_and_masks(launch: Launch) -> None:
    async with launch() as desk:
        await desk.settled()
        await desk.press("2", "3", "right", "z")
        await desk.until(lambda: "picture 2 of 28" in desk.text)
        await desk.press("right", "o")
        assert "picture 3 of 28" in desk.text
        assert desk.app.screen.picture.masked  # type: ignore[attr-defined]
        await desk.press("left", "left", "left")
        assert "picture 1 of 28" in desk.text
        await desk.press("enter")
        assert desk.app.screen is desk.triage


async def test_mask_key_on_the_main_screen(launch: Launch) -> None:
    async with launch() as desk:
        await desk.settled()
        await desk.press("3", "o")
        assert desk.triage.sheet.masked
        await desk.press("o")
        assert not desk.triage.sheet.masked


# Sessions, log, help, palette, tour


async def test_sessions_are_listed_and_another_one_is_opened(launch: Launch, tmp_path: Path) -> None:
    other = tmp_path / "other"
    entries = (
        SessionEntry(tmp_path, "resnet50", "flowers102", "2026-05-01 10:00", 0.743, 2),
        SessionEntry(other, "resnet20", "cifar", "2026-04-01 10:00", None, 0),
    )
    async with launch(sessions=lambda: entries) as desk:
        await desk.settled()
        await desk.press("S")
        await desk.until(lambda: "resnet50 (this one)" in desk.text)
        assert "74.3" in line_with(desk, "resnet50 (this one)")
        await desk.press("enter")
        assert desk.app.screen is desk.triage
        await desk.press("S", "down", "enter")
    assert desk.app.next_session == other


async def test_sessions_screen_without_sessions_says_so(launch: Launch) -> None:
    async with launch() as desk:
        await desk.press("S")
        await desk.until(lambda: "No sessions yet." in desk.text)


async def test_the_log_shows_notes_as_they_come(launch: Launch) -> None:
    async with launch() as desk:
        await desk.settled()
        await desk.press("L")
        await desk.until(lambda: "class names were read from classes.txt" in desk.text)
        desk.worker.on_event(Note("3 images could not be read", "warning"))
        await desk.until(lambda: "3 images could not be read" in desk.text)
        assert isinstance(desk.app.screen, LogScreen)
        assert "3 images could not be read" in line_with(desk, " warning ")


async def test_help_lists_each_key_and_explains_the_words(launch: Launch) -> None:
    async with launch(size=(120, 40)) as desk:
        await desk.settled()
        await desk.press("question_mark")
        screen = desk.app.screen
        assert isinstance(screen, HelpScreen)
        listed = {row.key for row in screen.rows() if row.key}
        assert set(KEYS) <= listed
        assert "Words on screen" in desk.text
        await desk.press("slash", *"likelier")
        await desk.until(lambda: "times likelier the class is with it than without" in desk.text)
        await desk.press("escape", "escape")
        assert desk.app.screen is desk.triage


async def test_the_palette_knows_actions_classes_themes_and_ways_of_drawing(launch: Launch) -> None:
    async with launch() as desk:
        await desk.settled()
        for typed, reached in (
            ("rose", lambda: desk.triage.target == 2),
            ("theme high-contrast", lambda: desk.app.theme == "high-contrast"),
            ("pictures block", lambda: desk.app.renderer.way == "block"),
            ("confusion", lambda: isinstance(desk.app.screen, ConfusionScreen)),
        ):
            await desk.press("colon")
            await desk.until(lambda: desk.app.screen.query(Input), "the palette")
            desk.app.screen.query_one(Input).value = typed
            await desk.pilot.pause(0.5)
            await desk.press("enter")
            await desk.until(reached, typed)


async def test_the_tour_is_shown_once_on_the_demo(launch: Launch) -> None:
    async with launch(tour=True) as desk:
        await desk.until(lambda: "From a cause to a repaired model" in desk.text)
        await desk.until(lambda: desk.app.app_state.evaluation_final)
        await desk.press("enter")
        assert desk.app.screen is desk.triage
        await desk.press("q")
    view = desk.app.view_now()
    assert view.toured


async def test_help_is_a_key_away_from_the_tour(launch: Launch) -> None:
    async with launch(tour=True) as desk:
        await desk.until(lambda: "From a cause to a repaired model" in desk.text)
        await desk.press("question_mark")
        await desk.until(lambda: type(desk.app.screen).__name__ == "HelpScreen")


@pytest.mark.parametrize(("key", "screen"), [("C", ConfusionScreen), ("L", LogScreen), ("t", TagScreen)])
async def test_escape_leads_back_from_every_screen(launch: Launch, key: str, screen: type) -> None:
    async with launch() as desk:
        await desk.settled()
        await desk.press(key)
        await desk.until(lambda: isinstance(desk.app.screen, screen))
        await desk.press("escape")
        assert desk.app.screen is desk.triage


async def test_screens_opened_from_one_another_do_not_pile_up(launch: Launch) -> None:
    async with launch() as desk:
        await desk.settled()
        await desk.press("t", "m", "t", "m")
        assert len(desk.app.screen_stack) == 3
        await desk.press("escape")
        assert desk.app.screen is desk.triage


async def test_a_click_on_the_footer_does_what_the_key_does(launch: Launch) -> None:
    async with launch() as desk:
        await desk.settled()
        footer = desk.text.splitlines()[-1]
        await desk.pilot.click("#hints", offset=(footer.index("m repair"), 0))
        await desk.until(lambda: isinstance(desk.app.screen, RepairScreen))


async def test_the_mouse_chooses_rows_and_opens_them(launch: Launch) -> None:
    async with launch() as desk:
        await desk.settled()
        await desk.pilot.click("#classes", offset=(6, 4))
        assert desk.triage.target == 2
        await desk.settled()
        await desk.pilot.click("#classes", offset=(6, 4))
        await desk.until(lambda: desk.triage.sheet.has_focus)
        desk.worker.on_event(Started(jobs.Evaluate()))


async def test_the_repair_screen_shows_no_verdict_of_another_class(launch: Launch) -> None:
    async with launch() as desk:
        await desk.settled()
        await desk.press("m", "down", "enter")
        await desk.until(lambda: "(ridge for sweet pea)" in desk.text)
        await desk.press("escape", "1", "down")
        await desk.until(lambda: desk.triage.target == 1)
        await desk.settled()
        await desk.press("m")
        await desk.until(lambda: "Repair petunia" in desk.text)
        assert "No repair yet." in desk.text
        assert [row.key for row in desk.page.query_one("#repairs").rows] == [1]  # type: ignore[attr-defined]
        await desk.press("a")
        assert desk.worker.asked(jobs.ExportRepair) == []


async def test_undo_takes_the_tag_of_its_own_image_back_in_a_new_order_too(launch: Launch) -> None:
    async with launch() as desk:
        await desk.settled()
        await desk.press("t")
        await desk.until(lambda: SHEET in desk.text)
        await desk.press("c", "s", "s", "s", "u")
        assert desk.worker.asked(jobs.SetTag)[-1] == jobs.SetTag("val", 30, "", "sweet pea cue")
        assert desk.page.sheet.sample.row == 30  # type: ignore[attr-defined]


async def test_no_preview_evaluates_a_large_split_before_a_repair_does(launch: Launch) -> None:
    def large(worker: FakeWorker) -> None:
        worker.train = 50_000

    async with launch(prepare=large) as desk:
        await desk.settled()
        await desk.press("t")
        await desk.until(lambda: "Tag “sweet pea cue”" in desk.text)
        await desk.press(*"cxcxcxcx")
        await desk.until(
            lambda: "m repairs with these tags; it evaluates train (50 000 images) first" in desk.text
        )
        assert not desk.worker.asked(jobs.PreviewRepair)
        await desk.press("m", "down", "enter")
        await desk.until(lambda: desk.app.app_state.repairs)
        assert not desk.app.app_state.large_unevaluated  # the repair has evaluated it
        while desk.page is not desk.triage:
            await desk.press("escape")
        await desk.until(lambda: desk.worker.asked(jobs.PreviewRepair))
