"""Running the app on the fake worker, and reading the screen as text."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from textual.pilot import Pilot

from neuroinspect_tui.tui.app import NeuroInspectApp
from neuroinspect_tui.tui.images.probe import Terminal
from neuroinspect_tui.tui.protocol import Appearance, AppSession, Facts, SavedState
from neuroinspect_tui.tui.screens.page import Page
from neuroinspect_tui.tui.screens.triage import TriageScreen

from .fake_worker import FakeWorker

ENOUGH = 8.0


@dataclass
class Desk:
    """A running app with its fake worker and what was written to the terminal."""

    app: NeuroInspectApp
    pilot: Pilot[int]
    workers: list[FakeWorker]
    written: list[str] = field(default_factory=list)
    views: list[object] = field(default_factory=list)

    @property
    def worker(self) -> FakeWorker:
        return self.workers[-1]

    @property
    def triage(self) -> TriageScreen:
        return self.app.triage

    @property
    def page(self) -> Page[object]:
        assert isinstance(self.app.screen, Page)
        return self.app.screen

    @property
    def text(self) -> str:
        return "\n".join(strip.text.rstrip() for strip in self.app.screen._compositor.render_strips())

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)
        await self.pilot.pause()

    async def until(self, reached: Callable[[], object], what: str = "") -> None:
        """Wait until `reached` holds."""
        for _ in range(int(ENOUGH / 0.02)):
            await self.pilot.pause()
            if reached():
                return
            await asyncio.sleep(0.02)
        raise AssertionError(f"never {what or reached}:\n{self.text}")

    async def settled(self) -> None:
        """Wait until the class on show has its culprits and the neuron its exemplars."""
        await self.until(lambda: self.triage.neuron is not None, "a neuron on show")
        await self.until(
            lambda: (self.triage.target, self.triage.neuron) in self.app.app_state.exemplars,
            "exemplars on show",
        )
        await self.pilot.pause()

    async def painted(self) -> None:
        """Wait until no picture on screen is missing."""
        from neuroinspect_tui.tui.images.encoder import Rendered

        def done() -> bool:
            galleries = self.app.screen.query("Gallery").results()
            return all(
                isinstance(gallery.painted(place), Rendered | str)  # type: ignore[attr-defined]
                for gallery in galleries
                for place in gallery.plan.tiles  # type: ignore[attr-defined]
            )

        await self.until(done, "all pictures painted")
        await self.pilot.pause()


Launch = Callable[..., AbstractAsyncContextManager[Desk]]


@pytest.fixture
def launch(tmp_path: Path) -> Launch:
    """`async with launch(size=(120, 40)) as desk`: the app on a worker that answers at once.

    Without `modes` there are no common causes, and the classes are listed.
    """

    @asynccontextmanager
    async def start(
        size: tuple[int, int] = (120, 40),
        look: Appearance | None = None,
        terminal: Terminal | None = None,
        state: SavedState | None = None,
        prepare: Callable[[FakeWorker], None] = lambda worker: None,
        modes: bool = False,
        **changes: object,
    ) -> AsyncIterator[Desk]:
        workers: list[FakeWorker] = []
        views: list[object] = []

        def make(on_event: Callable[..., None]) -> FakeWorker:
            workers.append(FakeWorker(on_event, tmp_path))
            workers[-1].modes = modes
            prepare(workers[-1])
            return workers[-1]

        facts = Facts("resnet50", "flowers102", "val", "cpu")
        project = AppSession(facts, state or SavedState(tmp_path), make, save_view=views.append)
        app = NeuroInspectApp(replace(project, **changes), look or Appearance(images="none"), terminal)  # type: ignore[arg-type]
        written: list[str] = []
        app._write = written.append  # type: ignore[method-assign]
        async with app.run_test(size=size, notifications=True) as pilot:
            await pilot.pause()
            yield Desk(app, pilot, workers, written, views)

    return start


def shown(lines: Iterable[str]) -> str:
    """Join lines as `Desk.text` does."""
    return "\n".join(line.rstrip() for line in lines)
