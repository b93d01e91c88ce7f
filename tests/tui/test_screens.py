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
from neuroinspect_tui.tui.protocol import SessionEntry
from neuroinspect_tui.tui.screens.confusion import ConfusionScreen
from neuroinspect_tui.tui.screens.help import HelpScreen
from neuroinspect_tui.tui.screens.log import LogScreen
from neuroinspect_tui.tui.screens.repair import RepairScreen
from neuroinspect_tui.tui.screens.samples import SamplesScreen
from neuroinspect_tui.tui.screens.tag import TagScreen
from neuroinspect_tui.tui.screens.zoom import ZoomScreen

from .conftest import Desk, Launch
from .fake_worker import FakeWorker, opened


def line_with(desk: Desk, words: str) -> str:
    return next(line for line in desk.text.splitlines() if words in line)


# Repair


async def test_repair_shows_the_verdict_beside_its_controls(launch: Launch) -> None:
    async with launch() as desk:
        await desk.settled()
        await desk.press("m")
        assert "No repair yet." in desk.text and "Nothing is changed before you accept it." in desk.text
        await desk.press("j", "enter")
        await desk.until(lambda: "Before and after · ridge for sweet pea · on 6 149 of test" in desk.text)
        assert desk.worker.asked(jobs.RepairHead) == [jobs.RepairHead(0, "ridge")]
        words = line_with(desk, "▸ ridge").split("▸ ridge")[1].split()
        assert words[:7] == ["58.3", "43–73", "70.0", "60.0", "85.1", "58.3", "50.0"]
        words = line_with(desk, "difference").split()
        assert words[words.index("difference") + 1 :][:6] == [
            "+25.0",
            "±0.0",
            "±0.0",
            "+0.4",
            "+25.0",
            "+30.0",
        ]
        assert "bias" in desk.text and "finetune" in desk.text
        assert "Helps: sweet pea 33.3 → 58.3 % of 24 images" in desk.text


async def test_methods_that_take_neurons_get_the_marked_ones(launch: Launch) -> None:
    async with launch() as desk:
        await desk.settled()
        await desk.press("enter", "space", "m")
        place = [row.key for row in desk.page.query_one("#methods").rows].index("paper")  # type: ignore[attr-defined]
        await desk.press(*["down"] * place, "enter")
        assert desk.worker.asked(jobs.RepairHead) == [jobs.RepairHead(0, "paper", (11,))]
        assert "Uses the marked neurons 11." in desk.text
        await desk.until(lambda: "random" in line_with(desk, "random "))


async def test_accept_exports_the_weights_and_their_path_can_be_copied(launch: Launch) -> None:
    async with launch() as desk:
        await desk.settled()
        await desk.press("m", "enter")
        await desk.until(lambda: "Before and after · auto" in desk.text)
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
        await desk.until(lambda: "Before and after · auto" in desk.text)
        made = desk.app.app_state.repairs[1]
        desk.app.app_state.repairs[1] = replace(made, unchanged=True)
        await desk.press("a")
        await desk.until(lambda: "Nothing to accept" in desk.text)
        assert desk.worker.asked(jobs.ExportRepair) == []


async def test_a_repair_that_does_not_help_is_exported_after_a_question(launch: Launch) -> None:
    async with launch() as desk:
        await desk.settled()
        await desk.press("m", "enter")
        await desk.until(lambda: "Before and after · auto" in desk.text)
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
        await desk.until(lambda: "same layer as repair 1" in desk.text)
        await desk.press("down")
        await desk.until(lambda: "same layer as repair" not in desk.text)


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
        await desk.until(lambda: "Before and after · ridge" in desk.text)
        await desk.press("tab", "down")
        await desk.until(lambda: "Before and after · auto" in desk.text)
        assert "fit on train 820 · choose on train 200 · judge on test 6 149" in desk.text
        assert "fixed 61 · broken 23 · chance p = 0.0004" in desk.text


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
        await desk.until(lambda: "Before and after · auto" in desk.text)
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


async def test_one_key_tags_and_goes_on(launch: Launch) -> None:
    async with launch() as desk:
        await desk.settled()
        await desk.press("t")
        await desk.until(lambda: "Tag 1 of 12 · sweet pea" in desk.text)
        assert desk.worker.asked(jobs.OrderReview)[0].neurons == desk.app.app_state.one_sided(0, None)
        await desk.press("c", "x", "l")
        await desk.until(lambda: "Tag 4 of 12" in desk.text)
        assert desk.worker.asked(jobs.SetTag) == [
            jobs.SetTag("val", row, tag, "sweet pea cue")
            for row, tag in ((30, "has"), (31, "not"), (32, "mislabelled"))
        ]
        assert "●○✗" in desk.text
        assert "✗ mislabelled 1 left out" in desk.text
        assert "  2 " in desk.text, "two tags teach, the mislabelled image does not"
        assert "The tags are not" in desk.text
        assert "● has 1 ⇒ 180" in desk.text


async def test_undo_takes_the_last_tag_back_and_returns_to_its_image(launch: Launch) -> None:
    async with launch() as desk:
        await desk.settled()
        await desk.press("t")
        await desk.until(lambda: "Tag 1 of 12" in desk.text)
        await desk.press("u")
        await desk.until(lambda: "Nothing to undo." in desk.text)
        await desk.press("c", "space", "x", "u")
        await desk.until(lambda: "Tag 3 of 12" in desk.text)
        assert desk.worker.asked(jobs.SetTag)[-1] == jobs.SetTag("val", 32, "", "sweet pea cue")
        await desk.press("u")
        await desk.until(lambda: "Tag 1 of 12" in desk.text)
        assert desk.worker.tags == {}


async def test_a_changed_tag_is_undone_to_the_one_before(launch: Launch) -> None:
    async with launch() as desk:
        await desk.settled()
        await desk.press("t")
        await desk.until(lambda: "Tag 1 of 12" in desk.text)
        await desk.press("c", "backspace", "x", "u")
        await desk.until(lambda: desk.worker.tags == {("val", 30): "has"})


async def test_skip_and_back_do_not_tag(launch: Launch) -> None:
    async with launch() as desk:
        await desk.settled()
        await desk.press("t")
        await desk.until(lambda: "Tag 1 of 12" in desk.text)
        await desk.press("space", "right", "j", "backspace")
        assert "Tag 3 of 12" in desk.text
        await desk.press(*["space"] * 20)
        assert "Tag 12 of 12" in desk.text
        assert desk.worker.asked(jobs.SetTag) == []


async def test_enough_tags_show_how_good_the_probe_is(launch: Launch) -> None:
    async with launch() as desk:
        await desk.settled()
        await desk.press("t")
        await desk.until(lambda: "Tag 1 of 12" in desk.text)
        await desk.press(*"cxcxcxcx")
        await desk.until(lambda: "probe right 97%" in desk.text)
        assert "Enough tags" in desk.text
        await desk.press("r")
        await desk.until(lambda: "probe says has 81%" in desk.text)
        assert "Tag 1 of 12" in desk.text
        await desk.press("m")
        await desk.until(lambda: isinstance(desk.app.screen, RepairScreen))
        assert "Uses your 8 tags, carried to all images by the probe, and the groups of" in desk.text


async def test_tags_appear_beside_the_mistakes(launch: Launch) -> None:
    async with launch() as desk:
        await desk.settled()
        desk.app.app_state.tagged["water"] = {("val", "images/00/image_00003.jpg"): "has"}
        await desk.press("t")
        await desk.until(lambda: isinstance(desk.app.screen, TagScreen))
        await desk.press("escape")
        await desk.until(lambda: "has" in line_with(desk, "image_00003.jpg"))


# Confusion and images


async def test_the_confusion_view_walks_through_the_largest_mistakes(launch: Launch) -> None:
    async with launch() as desk:
        await desk.settled()
        await desk.press("c")
        await desk.until(lambda: "sweet pea: 8 of 24 images (33.3 %) right" in desk.text)
        await desk.press("n")
        assert "common dandelion: 15 of 52 images (28.8 %) taken for mexican aster" in desk.text
        await desk.press("n")
        assert "petunia: 14 of 51 images (27.5 %) taken for sweet pea" in desk.text
        await desk.press("right", "l", "down", "j", "up", "left", "h", "k")
        assert desk.page.query_one("#matrix").cell == (1, 0)  # type: ignore[attr-defined]


async def test_enter_on_a_cell_shows_its_images(launch: Launch) -> None:
    async with launch() as desk:
        await desk.settled()
        await desk.press("c", "n", "enter")
        await desk.until(lambda: "common dandelion taken for mexican aster · 15" in desk.text)
        assert desk.worker.asked(jobs.ListSamples) == [jobs.ListSamples(3, 7, True)]
        await desk.until(lambda: desk.app.app_state.thumbnails)
        await desk.press("right", "down", "z")
        await desk.until(lambda: isinstance(desk.app.screen, ZoomScreen))
        await desk.press("escape", "escape")
        assert isinstance(desk.app.screen, ConfusionScreen)
        await desk.press("home", "escape")
        assert desk.app.screen is desk.triage


async def test_the_diagonal_shows_images_that_are_right_and_empty_cells_nothing(launch: Launch) -> None:
    async with launch() as desk:
        await desk.settled()
        await desk.press("c", "enter")
        await desk.until(lambda: "sweet pea predicted right · 12" in desk.text)
        assert desk.worker.asked(jobs.ListSamples) == [jobs.ListSamples(0, 0, False)]
        await desk.press("escape", "right", "right", "right", "enter")
        await desk.until(lambda: "No image in this cell." in desk.text)
        assert not isinstance(desk.app.screen, SamplesScreen)


async def test_the_confusion_view_sorts_by_class_or_by_accuracy(launch: Launch) -> None:
    async with launch() as desk:
        await desk.settled()
        await desk.press("c")
        assert "worst class first" in desk.text
        await desk.press("s")
        assert "worst class first" not in desk.text


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
        await desk.press("c")
        await desk.press(*["down"] * 3, "end")
        assert "class 0000" in desk.text


# Zoom


async def test_zoom_steps_through_the_pictures_and_masks(launch: Launch) -> None:
    async with launch() as desk:
        await desk.settled()
        await desk.press("4", "right", "z")
        await desk.until(lambda: "picture 2 of 9" in desk.text)
        await desk.press("right", "o")
        assert "picture 3 of 9" in desk.text
        assert desk.app.screen.picture.masked  # type: ignore[attr-defined]
        await desk.press("left", "left", "left")
        assert "picture 1 of 9" in desk.text
        await desk.press("enter")
        assert desk.app.screen is desk.triage


async def test_mask_key_on_the_main_screen(launch: Launch) -> None:
    async with launch() as desk:
        await desk.settled()
        await desk.press("4", "o")
        assert desk.triage.pictures.masked
        await desk.press("o")
        assert not desk.triage.pictures.masked


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
        assert "warning" in line_with(desk, "3 images could not be read")


async def test_help_lists_each_key_and_explains_the_words(launch: Launch) -> None:
    async with launch(size=(120, 40)) as desk:
        await desk.settled()
        await desk.press("question_mark")
        screen = desk.app.screen
        assert isinstance(screen, HelpScreen)
        listed = {row.key for row in screen.rows() if row.key}
        assert set(KEYS) <= listed
        assert "Here" in desk.text
        await desk.press("slash", *"retaining")
        await desk.until(lambda: "retaining ratio: how many times likelier" in desk.text)
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
        await desk.until(lambda: "From a failing class to a repaired one" in desk.text)
        await desk.until(lambda: desk.app.app_state.evaluation_final)
        await desk.press("enter")
        assert desk.app.screen is desk.triage
        await desk.press("q")
    view = desk.app.view_now()
    assert view.toured


async def test_help_is_a_key_away_from_the_tour(launch: Launch) -> None:
    async with launch(tour=True) as desk:
        await desk.until(lambda: "From a failing class to a repaired one" in desk.text)
        await desk.press("question_mark")
        await desk.until(lambda: type(desk.app.screen).__name__ == "HelpScreen")


@pytest.mark.parametrize(("key", "screen"), [("c", ConfusionScreen), ("L", LogScreen), ("t", TagScreen)])
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
        await desk.until(lambda: desk.triage.neuron_table.has_focus)
        desk.worker.on_event(Started(jobs.Evaluate()))


async def test_the_repair_screen_shows_no_verdict_of_another_class(launch: Launch) -> None:
    async with launch() as desk:
        await desk.settled()
        await desk.press("m", "down", "enter")
        await desk.until(lambda: "Before and after · ridge for sweet pea" in desk.text)
        await desk.press("escape", "1", "down")
        await desk.until(lambda: desk.triage.target == 1)
        await desk.settled()
        await desk.press("m")
        await desk.until(lambda: "Repair petunia" in desk.text)
        assert "No repair yet." in desk.text and "sweet pea" in desk.text, "it is still in the list"
        await desk.press("a")
        assert desk.worker.asked(jobs.ExportRepair) == []


async def test_the_tag_screen_asks_for_the_cue_by_the_culprits_concept(launch: Launch) -> None:
    async with launch(size=(200, 60)) as desk:
        await desk.settled()
        await desk.until(lambda: desk.app.app_state.concepts)
        await desk.press("enter", "space", "t")
        await desk.until(lambda: "Tag 1 of 12" in desk.text)
        marked = desk.triage.marked[0]
        assert f"Does it show “{desk.app.app_state.concepts[0, marked].label}”?" in desk.text
        desk.app.app_state.concepts.clear()
        await desk.press("right")
        await desk.until(lambda: f"Does it show what excites {marked}?" in desk.text)


async def test_undo_takes_the_tag_of_its_own_image_back_in_a_new_order_too(launch: Launch) -> None:
    async with launch() as desk:
        await desk.settled()
        await desk.press("enter", "space", "t")
        await desk.until(lambda: "Tag 1 of 12" in desk.text)
        page, app_state = desk.page, desk.app.app_state
        first = page.item  # type: ignore[attr-defined]
        await desk.press("c")
        app_state.reviews[0] = tuple(reversed(app_state.reviews[0]))
        await desk.press("u")
        assert desk.worker.asked(jobs.SetTag)[-1] == jobs.SetTag("val", first.sample.row, "", "sweet pea cue")
        assert page.item == first  # type: ignore[attr-defined]
        await desk.press("c")
        app_state.reviews[0] = ()
        await desk.press("u")
        assert desk.worker.asked(jobs.SetTag)[-1] == jobs.SetTag("val", first.sample.row, "", "sweet pea cue")
