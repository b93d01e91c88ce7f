"""After a repair: its fixed and broken images, the layer that was accepted, and the next repair on top."""

from __future__ import annotations

from neuroinspect_tui import jobs

from .conftest import Desk, Launch


async def repaired(desk: Desk, *then: str) -> None:
    await desk.until(lambda: desk.app.app_state.modes_tested)
    await desk.settled()
    await desk.press("m", "down", "enter")
    await desk.until(lambda: desk.app.app_state.layers, "the images that it changed")
    await desk.press(*then)


async def accepted(desk: Desk) -> None:
    await repaired(desk, "a")
    await desk.until(lambda: desk.app.app_state.accepted, "an accepted repair")
    await desk.press("q")


async def test_the_verdict_shows_what_was_fixed_and_what_was_broken(launch: Launch) -> None:
    async with launch(modes=True) as desk:
        await repaired(desk, "3")
        assert "3 Fixed 12 · broken 2 · surest answers first" in desk.text
        assert desk.page.sheet.tile.copy == "images/00/image_00001.jpg"  # type: ignore[attr-defined]
        await desk.press("z")
        assert "image_00001.jpg" in desk.text
        await desk.press("q", "tab")
        assert desk.page.methods.has_focus  # type: ignore[attr-defined]


async def test_what_was_accepted_is_looked_through_at_once(launch: Launch) -> None:
    async with launch(modes=True, size=(200, 60)) as desk:
        await accepted(desk)
        await desk.until(lambda: "1 Why it fails · repair 1 · worst first" in desk.text)
        rows = [row.key for row in desk.triage.mode_table.rows]
        assert rows == [1, 0]  # 75 % before 87 %
        assert "80.0 ▸ 75.0 % of the 40 judged images of test that carry it are right." in desk.text
        assert "Repair 1 fixed 0 and broke 2; 0 are wrong still." in desk.text
        await desk.press("c")
        assert "1 Classes · repair 1 · worst first" in desk.text
        await desk.press("s")
        assert "1 Classes · repair 1 · largest change first" in desk.text
        await desk.press("b", "c")
        assert "1 Why it fails · most mistakes first" in desk.text
        await desk.press("b")
        assert "1 Why it fails · repair 1 · worst first" in desk.text


async def test_the_next_repair_stands_on_the_accepted_one(launch: Launch) -> None:
    async with launch(modes=True) as desk:
        await accepted(desk)
        await desk.press("m")
        assert "Starts from the layer of repair 1." in desk.text
        await desk.press("down", "enter")
        await desk.until(lambda: len(desk.app.app_state.repairs) == 2)
        assert [job.base for job in desk.worker.asked(jobs.RepairHead)] == [None, 1]
        assert "on top of repair 1" in desk.text
        await desk.press("q", "b", "m", "down", "enter")
        await desk.until(lambda: len(desk.app.app_state.repairs) == 3)
        assert desk.worker.asked(jobs.RepairHead)[-1].base is None


async def test_the_accepted_weights_are_verified_from_the_main_screen(launch: Launch) -> None:
    async with launch(modes=True, size=(200, 60)) as desk:
        await accepted(desk)
        assert "w verify the exported weights" in desk.text
        await desk.press("w")
        await desk.until(lambda: "each gets the class that the verdict counted" in desk.text)
        assert [job.number for job in desk.worker.asked(jobs.VerifyRepair)] == [1]


async def test_discarding_the_accepted_repair_leads_back_to_the_untouched_layer(launch: Launch) -> None:
    async with launch(modes=True) as desk:
        await accepted(desk)
        await desk.press("m", "2", "d", "y")
        await desk.until(lambda: not desk.app.app_state.repairs)
        await desk.press("q")
        assert "1 Why it fails · most mistakes first" in desk.text


async def test_without_an_accepted_repair_there_is_nothing_to_look_through(launch: Launch) -> None:
    async with launch() as desk:
        await desk.settled()
        await desk.press("b")
        assert "No repair is accepted yet" in desk.text
        await desk.press("w")
        assert desk.worker.asked(jobs.VerifyRepair) == []


async def test_the_neurons_are_said_to_be_those_of_the_untouched_layer(launch: Launch) -> None:
    async with launch(modes=True) as desk:
        await accepted(desk)
        await desk.until(lambda: "2 Neurons, untouched layer · heaviest first" in desk.text)
        await desk.press("2")
        await desk.until(lambda: "Measured with the untouched layer" in desk.text)
        await desk.press("1", "c")
        await desk.until(lambda: "2 Neurons, untouched layer · strongest first" in desk.text)
        await desk.press("b")
        await desk.until(lambda: "2 Neurons of" in desk.text)
        assert "untouched layer" not in desk.text
