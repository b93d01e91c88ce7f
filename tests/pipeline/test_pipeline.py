"""Nothing is done with inputs that are not the session's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from neuroinspect_tui import jobs
from neuroinspect_tui.config import RunConfig
from neuroinspect_tui.errors import Cancelled, InputError
from neuroinspect_tui.pipeline.pipeline import Pipeline
from tests.tiny import TinyProject


class Hearing:
    """A reporter that keeps what is noted; `at_tick` is called at every on_progress."""

    def __init__(self, at_tick: Callable[[int], None] = lambda done: None) -> None:
        self.notes: list[str] = []
        self.at_tick = at_tick

    def note(self, text: str, level: str = "info") -> None:
        self.notes.append(text)

    def progress(self, done: int, total: int) -> None:
        self.at_tick(done)

    def __getattr__(self, name: str) -> Any:
        return lambda *_: None


@pytest.fixture
def config(tiny: TinyProject) -> RunConfig:
    return tiny.config


def run(config: RunConfig, folder: Path, *asked: jobs.Job) -> list[str]:
    heard = Hearing()
    pipeline = Pipeline(config, folder)
    try:
        for job in asked:
            pipeline.run(job, heard)
    finally:
        pipeline.close()
    return heard.notes


def test_after_a_refusal_nothing_is_evaluated(config: RunConfig, tmp_path: Path) -> None:
    session = tmp_path / "session"
    run(config, session, jobs.Open())
    other = Pipeline(replace(config, preprocess=replace(config.preprocess, image_size=16)), session)
    with pytest.raises(InputError, match="was made from other inputs"):
        other.run(jobs.Open(), Hearing())
    with pytest.raises(Cancelled):
        other.run(jobs.Evaluate(), Hearing())
    other.close()
    assert not (session / "features").exists()


def test_nothing_is_done_before_the_inputs_are_opened(config: RunConfig, tmp_path: Path) -> None:
    with pytest.raises(Cancelled):
        run(config, tmp_path / "session", jobs.Evaluate())


def test_images_that_changed_since_are_refused(config: RunConfig, tiny: TinyProject, tmp_path: Path) -> None:
    session, asked = tmp_path / "session", (jobs.Open(), jobs.Evaluate())
    assert run(config, session, *asked) == []
    assert run(config, session, *asked) == ["val: 36 of 36 images were evaluated before"]
    image = tiny.manifest.parent / "val/red-none-0.png"
    (tiny.manifest.parent / "val/green-none-0.png").unlink()
    assert run(config, session, *asked)[-1:] == ["val: 36 of 36 images were evaluated before"], (
        "gone is not changed"
    )
    image.write_bytes(image.read_bytes() + b"\0")
    with pytest.raises(InputError) as caught:
        run(config, session, *asked)
    assert str(caught.value) == (
        "an image changed since the evaluation: val/red-none-0.png: choose another directory with -o"
    )


def test_a_discarded_repair_leaves_the_report(config: RunConfig, tmp_path: Path) -> None:
    session = tmp_path / "session"
    run(config, session, jobs.Open(), jobs.Evaluate(), jobs.RepairHead(0, "ridge"), jobs.WriteReport())
    assert "Repair 1" in (session / "report.md").read_text()
    run(config, session, jobs.Open(), jobs.DiscardRepair(1))
    assert "Repair 1" not in (session / "report.md").read_text()


def test_the_mistakes_of_debugged_classes_name_their_culprits(config: RunConfig, tmp_path: Path) -> None:
    session = tmp_path / "session"
    run(config, session, jobs.Open(), jobs.Evaluate(), jobs.FindCulprits(0), jobs.WriteReport())
    lines = [line.split(",") for line in (session / "samples.csv").read_text().splitlines()]
    place = lines[0].index("culprits")
    blamed = [line for line in lines[1:] if line[place]]
    assert len(blamed) == 6 and all("blue-red" in line[0] for line in blamed)
