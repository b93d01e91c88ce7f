"""Every screen as text at three sizes, compared with what is stored beside this file.

`UPDATE_SNAPSHOTS=write` stores what is on screen now; look at the difference before committing it.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from textual.content import Content

from neuroinspect_tui import jobs
from neuroinspect_tui.events import Partial, Progress
from neuroinspect_tui.tui.protocol import SessionEntry

from .conftest import Desk, Launch
from .fake_worker import FakeWorker, evaluation

STORED = Path(__file__).parent / "snapshots"
SIZES = ((80, 24), (120, 40), (200, 60))
Scene = Callable[[Desk], Awaitable[None]]


async def causes(desk: Desk) -> None:
    await desk.settled()
    await desk.until(lambda: desk.app.app_state.concepts)


async def cause_pictures(desk: Desk) -> None:
    await causes(desk)
    await desk.press("3", "right", "c", "x")
    await desk.until(lambda: desk.app.app_state.cues)


async def classes(desk: Desk) -> None:
    await desk.settled()


async def neurons(desk: Desk) -> None:
    await desk.settled()
    await desk.press("2", "space", "down", "space")
    await desk.settled()
    await desk.press("v")
    await desk.until(lambda: desk.app.app_state.illusions and desk.app.app_state.what_ifs)


async def pictures(desk: Desk) -> None:
    await desk.settled()
    await desk.press("3", "right")


async def zoom(desk: Desk) -> None:
    await causes(desk)
    await desk.press("3", "z")


async def filtering(desk: Desk) -> None:
    await desk.settled()
    await desk.press("slash", "p", "e")


async def evaluating(desk: Desk) -> None:
    await desk.until(lambda: desk.app.app_state.running)
    job = jobs.Evaluate()
    desk.worker.on_event(Partial(job, evaluation(share=0.4)))
    desk.worker.on_event(Progress(job, 2400, 6149, "images", 3.0))
    await desk.until(lambda: desk.app.app_state.evaluation and desk.app.app_state.progress)


async def repair(desk: Desk) -> None:
    await desk.settled()
    await desk.press("m", "down", "enter")
    await desk.until(lambda: desk.app.app_state.repairs)


async def flips(desk: Desk) -> None:
    await repair(desk)
    await desk.press("3")
    await desk.until(lambda: desk.app.app_state.layers)


async def through(desk: Desk) -> None:
    await causes(desk)
    await repair(desk)
    await desk.press("a")
    await desk.until(lambda: desk.app.app_state.accepted)
    await desk.press("q", "w")
    await desk.until(lambda: desk.app.app_state.layers and desk.app.app_state.verifications)
    desk.page.header.message = Content("")


async def tag(desk: Desk) -> None:
    await desk.settled()
    await desk.press("t")
    await desk.until(lambda: "Tag “sweet pea cue”" in desk.text)
    await desk.press(*"cxcxlcxcxc")
    await desk.until(lambda: "Enough tags" in desk.text)


async def cues(desk: Desk) -> None:
    await desk.settled()
    await desk.press("3", *"cxcx", "n", "a", *"fog", "enter")
    await desk.until(lambda: "fog" in desk.app.app_state.cues)


async def confusion(desk: Desk) -> None:
    await desk.settled()
    await desk.press("C", "n")
    await desk.until(lambda: desk.page.sheet.tiles)  # type: ignore[attr-defined]


async def sessions(desk: Desk) -> None:
    await desk.settled()
    await desk.press("S")


async def help_here(desk: Desk) -> None:
    await desk.settled()
    await desk.press("question_mark")


async def tour(desk: Desk) -> None:
    await desk.settled()
    await desk.until(lambda: "From a cause to a repaired" in desk.text)


async def failure(desk: Desk) -> None:
    await desk.until(lambda: "size mismatch" in desk.text)


SCENES: dict[str, Scene] = {
    scene.__name__: scene
    for scene in (
        causes, cause_pictures, classes, neurons, pictures, zoom, filtering, evaluating, repair, flips, through, tag, cues,
        confusion, sessions, help_here, tour, failure,
    )
}  # fmt: skip
ENTRIES = (
    SessionEntry(Path("/data/sessions/flowers"), "resnet50", "flowers102", "2026-05-01 10:00", 0.743, 2),
    SessionEntry(Path("/data/sessions/cifar"), "file.py:resnet20", "cifar", "2026-04-01 10:00", 0.921, 0),
)


def prepare(name: str) -> Callable[[FakeWorker], None]:
    def changed(worker: FakeWorker) -> None:
        if name == "evaluating":
            worker.held = (jobs.Evaluate,)
        if name == "failure":
            worker.failing[jobs.Open] = (
                "weights.pth does not fit resnet18: check -m", "RuntimeError\n  size mismatch for fc.weight", True,
            )  # fmt: skip

    return changed


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("name", SCENES)
async def test_screen(launch: Launch, name: str, size: tuple[int, int]) -> None:
    changes = {"sessions": lambda: ENTRIES, "tour": name == "tour"}
    modes = name in ("causes", "cause_pictures", "zoom", "tour", "through")
    async with launch(size=size, prepare=prepare(name), modes=modes, **changes) as desk:
        await SCENES[name](desk)
        await desk.until(lambda: all(type(job) in desk.worker.held for job in desk.app.app_state.pending))
        await desk.painted()
        shown = desk.text + "\n"
    stored = STORED / f"{name}-{size[0]}x{size[1]}.txt"
    if os.environ.get("UPDATE_SNAPSHOTS") == "write":
        STORED.mkdir(exist_ok=True)
        stored.write_text(shown, encoding="utf-8")
    assert shown == stored.read_text(encoding="utf-8")
    assert max(len(line) for line in shown.splitlines()) <= size[0]
