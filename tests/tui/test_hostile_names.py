"""Names from strangers: nothing of them reaches the terminal but visible characters, and no layout breaks."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from neuroinspect_tui import jobs
from neuroinspect_tui.results import Concept, CulpritReport, Sample
from neuroinspect_tui.tui.protocol import SavedState

from .conftest import Launch
from .fake_worker import CLASSES, FakeWorker, mistakes

NAMES = (
    "\x1b[31mred\x1b[0m",
    "\x1b]52;c;cm0gLXJmIC8=\x07clip",
    "[bold red]markup[/bold red] [/] [@click=app.leave]x[/]",
    "\u202eevil\u202c \u2066rtl\u2069",
    "👩‍👩‍👧‍👦 familia 日本語の花",
    "x" * 300,
    "new\nline\ttab\r\x00nul",
    "$primary $error %s {0} \\",
)
assert len(NAMES) == len(CLASSES)


def rename(worker: FakeWorker) -> None:
    """Give every class, file, concept, tag and message a hostile name."""
    worker.classes = NAMES

    def hostile(job: jobs.FindCulprits) -> CulpritReport:
        samples = tuple(
            replace(sample, path=f"dir/{NAMES[place % 8]}.jpg", tag=NAMES[place % 8])
            for place, sample in enumerate(mistakes(job.target))
        )
        original = FakeWorker._answer_findculprits(worker, job)
        return replace(original, samples=samples)

    def concepts(job: jobs.NameNeurons) -> tuple[Concept, ...]:
        return tuple(Concept(neuron, NAMES[neuron % 8], 0.3) for neuron in job.neurons)

    def samples(job: jobs.ListSamples) -> tuple[Sample, ...]:
        return tuple(
            Sample("val", place, NAMES[place], job.target, 1, 0.5, (1, 2), NAMES[place]) for place in range(8)
        )

    worker._answer_findculprits = hostile  # type: ignore[method-assign]
    worker._answer_nameneurons = concepts  # type: ignore[method-assign]
    worker._answer_listsamples = samples  # type: ignore[method-assign]


def check(text: str, size: tuple[int, int]) -> None:
    """No control or direction character on screen, and no line wider than the screen."""
    from rich.cells import cell_len

    for line in text.split("\n"):
        assert not any(ord(c) < 32 or 0x7F <= ord(c) < 0xA0 for c in line), repr(line)
        assert not set(line) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"), repr(line)
        assert cell_len(line) <= size[0], repr(line)


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)])
async def test_every_screen_survives_hostile_names(launch: Launch, size: tuple[int, int]) -> None:
    async with launch(size=size, prepare=rename) as desk:
        await desk.until(lambda: desk.triage.neuron is not None)
        for target in range(7):
            desk.app.show_class(target)
            await desk.pilot.pause(0.15)
            await desk.press("2", "space", "3", "1")
            check(desk.text, size)
        for key in ("C", "n", "t", "m", "S", "L", "question_mark"):
            await desk.press(key)
            await desk.pilot.pause(0.05)
            check(desk.text, size)
            await desk.press("escape")
        await desk.press("C", "n", "enter")
        await desk.pilot.pause(0.1)
        check(desk.text, size)


async def test_markup_in_a_name_is_shown_not_obeyed(launch: Launch) -> None:
    async with launch(size=(200, 60), prepare=rename) as desk:
        await desk.until(lambda: desk.triage.neuron is not None)
        assert "[bold red]mark" in desk.text
        assert "\\x1b[31mred" in desk.text


async def test_hostile_messages_in_toasts_log_and_dialogs(launch: Launch) -> None:
    def break_it(worker: FakeWorker) -> None:
        worker.failing[jobs.Illustrate] = (" ".join(NAMES), "\n".join(NAMES), False)

    async with launch(prepare=break_it) as desk:
        await desk.settled()
        await desk.press("2", "v")
        await desk.pilot.pause(0.1)
        check(desk.text, (120, 40))
        await desk.press("L", "enter")
        await desk.pilot.pause(0.1)
        check(desk.text, (120, 40))
        assert "[@click=app.leave]x[/]" in desk.text


async def test_copying_gives_the_real_name(launch: Launch) -> None:
    async with launch(prepare=rename) as desk:
        await desk.until(lambda: desk.triage.neuron is not None)
        copied: list[str] = []
        desk.app.copy = copied.append  # type: ignore[method-assign]
        await desk.press("y")
        assert copied == [NAMES[0]]


@pytest.mark.parametrize("folder", ["[red]x", "a[/b]c", "[@click=app.leave]"])
async def test_markup_in_the_path_of_a_session_is_shown_not_obeyed(
    launch: Launch, tmp_path: Path, folder: str
) -> None:
    def report_there(worker: FakeWorker) -> None:
        worker._answer_writereport = lambda job: f"/{folder}"  # type: ignore[method-assign]

    async with launch(state=SavedState(tmp_path / folder), prepare=report_there) as desk:
        await desk.settled()
        await desk.press("e")
        await desk.until(lambda: f"/{folder}" in desk.text)
        await desk.press("m", "enter")
        await desk.until(lambda: "Verdict on repair 1 (auto" in desk.text)
        await desk.press("a")
        await desk.until(lambda: "Repaired weights are in" in desk.text)
