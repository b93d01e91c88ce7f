"""Keys that arrive in one read, as over a slow line: the second acts on what the first made the cursor show."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual import events

from neuroinspect_tui import jobs
from neuroinspect_tui.tui.protocol import SessionEntry
from neuroinspect_tui.tui.screens.repair import RepairScreen
from neuroinspect_tui.tui.screens.tag import TagScreen
from neuroinspect_tui.tui.screens.zoom import ZoomScreen

from .conftest import Desk, Launch

CHARACTERS = {"space": " "}


def burst(desk: Desk, *keys: str) -> None:
    """Hand over all keys before any is handled."""
    for key in keys:
        desk.app.post_message(events.Key(key, CHARACTERS.get(key, key if len(key) == 1 else None)))


@pytest.mark.parametrize("move", ["down", "j", "end"])
@pytest.mark.parametrize("key", ["t", "m", "n", "y", "enter"])
async def test_an_action_on_the_causes(launch: Launch, move: str, key: str) -> None:
    async with launch(modes=True) as desk:
        await desk.settled()
        modes = desk.app.app_state.failure_modes or ()
        mode = modes[-1 if move == "end" else 1]
        copied: list[str] = []
        desk.app.copy = copied.append  # type: ignore[method-assign]
        burst(desk, move, key)
        await desk.until(lambda: copied or desk.app.screen is not desk.triage or desk.triage.sheet.has_focus)
        screen = desk.app.screen
        assert desk.triage.mode == mode
        if isinstance(screen, TagScreen):
            assert (screen.aim.source, screen.aim.target) == (str(mode.id), mode.classes[0])
        if isinstance(screen, RepairScreen):
            assert (screen.mode, screen.target) == (mode.id, mode.classes[0])
        if key == "y":
            assert copied[0].startswith(f"{mode.carried.mistakes[0]} of {mode.carried.mistakes[1]} mistakes")


@pytest.mark.parametrize(("key", "kind"), [("space", jobs.AskWhatIf), ("v", jobs.Illustrate)])
async def test_an_action_on_the_neurons_of_the_next_class(launch: Launch, key: str, kind: type) -> None:
    async with launch() as desk:
        await desk.settled()
        await desk.press("down")
        await desk.settled()
        await desk.press("up", "2")
        await desk.settled()
        burst(desk, "down", key)
        await desk.until(lambda: desk.worker.asked(kind))
        asked = desk.worker.asked(kind)[-1]
        assert (asked.target, asked.neurons) == (0, (16,))
        desk.worker.submitted.clear()
        burst(desk, "1", "down", "2", "down", key)
        await desk.until(lambda: desk.worker.asked(kind))
        asked = desk.worker.asked(kind)[-1]
        second = desk.app.app_state.reports[1].insufficient[1].neuron
        assert (asked.target, asked.neurons) == (1, (second,))


@pytest.mark.parametrize(("key", "tag"), [("c", "has"), ("x", "not"), ("l", "mislabelled")])
async def test_tagging_while_moving(launch: Launch, key: str, tag: str) -> None:
    async with launch() as desk:
        await desk.settled()
        await desk.press("t")
        await desk.until(lambda: isinstance(desk.page, TagScreen) and desk.page.sheet.tiles)
        burst(desk, "down", key, "down", "down", key)
        await desk.until(lambda: len(desk.worker.asked(jobs.SetTag)) == 2)
        assert [(job.row, job.tag) for job in desk.worker.asked(jobs.SetTag)] == [(31, tag), (34, tag)]
        burst(desk, "up", "z")
        await desk.until(lambda: isinstance(desk.app.screen, ZoomScreen))
        assert desk.app.screen.tile.sample.row == 34  # type: ignore[attr-defined]


async def test_running_the_method_that_was_just_reached(launch: Launch) -> None:
    async with launch() as desk:
        await desk.settled()
        burst(desk, "m")
        await desk.until(lambda: isinstance(desk.page, RepairScreen) and desk.page.methods.has_focus)
        burst(desk, "down", "down", "enter")
        await desk.until(lambda: desk.worker.asked(jobs.RepairHead))
        assert desk.worker.asked(jobs.RepairHead) == [jobs.RepairHead(0, "dfr")]


async def test_the_cell_and_the_session_that_were_just_reached(launch: Launch, tmp_path: Path) -> None:
    entries = (SessionEntry(tmp_path, "resnet50"), SessionEntry(tmp_path / "other", "resnet20"))
    async with launch(sessions=lambda: entries) as desk:
        await desk.settled()
        await desk.press("C")
        await desk.until(lambda: desk.page.sheet.tiles)  # type: ignore[attr-defined]
        burst(desk, "n", "y")
        copied: list[str] = []
        desk.app.copy = copied.append  # type: ignore[method-assign]
        await desk.until(lambda: copied)
        assert copied[0].startswith("common dandelion → mexican aster: 15 of 52 images")
        await desk.press("q", "S")
        burst(desk, "down", "enter")
        await desk.pilot.pause()
    assert desk.app.next_session == tmp_path / "other"
