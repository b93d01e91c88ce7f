"""Images that could be read when the split was evaluated and have gone since."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from neuroinspect_tui import jobs
from neuroinspect_tui.errors import InputError
from neuroinspect_tui.pipeline.picturing import framed
from neuroinspect_tui.pipeline.pipeline import Pipeline
from neuroinspect_tui.results import Evaluation
from tests.tiny import TinyProject


class Quiet:
    """A reporter to nobody."""

    def __getattr__(self, name: str) -> Any:
        return lambda *_: None


@pytest.fixture
def pipeline(tiny: TinyProject, tmp_path: Path) -> Iterator[Pipeline]:
    config = tiny.config
    made = Pipeline(config, tmp_path / "session")
    for job in (jobs.Open(), jobs.Evaluate()):
        made.run(job, Quiet())
    yield made
    made.close()


def test_a_lost_image_has_no_thumbnail_and_keeps_none_from_the_others(
    pipeline: Pipeline, tiny: TinyProject
) -> None:
    paths = pipeline.project.features("val").paths
    (tiny.manifest.parent / paths[1]).unlink()
    found = pipeline.run(jobs.MakeThumbnails("val", (0, 1, 2)), Quiet())
    assert found == {0: "thumbnails/val/0.png", 1: "", 2: "thumbnails/val/2.png"}
    assert (pipeline.session.root / found[2]).is_file()


def test_a_lost_image_is_named_where_it_is_needed(pipeline: Pipeline, tiny: TinyProject) -> None:
    path = pipeline.project.features("val").paths[3]
    (tiny.manifest.parent / path).write_bytes(b"gone")
    assert framed(pipeline.project, [2, 4]).shape == (2, 8, 8, 3)
    with pytest.raises(InputError) as caught:
        framed(pipeline.project, [2, 3])
    assert str(caught.value).startswith(f"{path} can no longer be read: not one of JPEG, ")


def test_classes_without_an_image_in_the_split_are_told(tiny: TinyProject, tmp_path: Path) -> None:
    lines = tiny.manifest.read_text().splitlines(keepends=True)
    tiny.manifest.write_text("".join(line for line in lines if not line.startswith("val/green")))
    config = tiny.config
    heard: list[str] = []
    reporter = Quiet()
    reporter.note = lambda text, level="info": heard.append(text)  # type: ignore[attr-defined]
    pipeline = Pipeline(config, tmp_path / "empty")
    for job in (jobs.Open(), jobs.Evaluate(), jobs.Evaluate("test")):
        pipeline.run(job, reporter)
    pipeline.close()
    assert heard == ["val has no images of green"]


def test_images_whose_disk_did_not_answer_are_read_by_the_next_run(
    tiny: TinyProject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("neuroinspect_tui.data.images.time.sleep", lambda seconds: None)
    config, heard = tiny.config, []
    reporter = Quiet()
    reporter.note = lambda text, level="info": heard.append(text)  # type: ignore[attr-defined]

    def evaluation(folder: str) -> Evaluation:
        pipeline = Pipeline(config, tmp_path / folder)
        pipeline.run(jobs.Open(), reporter)
        found: Evaluation = pipeline.run(jobs.Evaluate(), reporter)
        pipeline.close()
        return found

    whole = evaluation("whole")
    lost = sorted((tiny.manifest.parent / "val").iterdir())[3:6]
    for path in lost:
        path.rename(path.with_suffix(".away"))
    partial = evaluation("again")
    assert (partial.samples, len(partial.unreadable)) == (whole.samples - 3, 3)
    assert evaluation("again") == partial
    for path in lost:
        path.with_suffix(".away").rename(path)
    assert evaluation("again") == whole
    assert "val: 3 images that could not be read before are read again" in heard


def test_the_class_table_is_shown_while_the_split_is_evaluated(
    tiny: TinyProject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("neuroinspect_tui.pipeline.evaluating.FIRST_SHARD", 8)
    monkeypatch.setattr("neuroinspect_tui.pipeline.evaluating.LARGEST_SHARD", 8)
    config = replace(tiny.config, compute=replace(tiny.config.compute, batch_size=8))
    seen: list[Evaluation] = []
    reporter = Quiet()
    reporter.partial = seen.append
    made = Pipeline(config, tmp_path / "other")
    made.run(jobs.Open(), reporter)
    whole = made.run(jobs.Evaluate(), reporter)
    made.close()
    assert [one.samples for one in seen] == list(range(8, whole.samples, 8)) and len(seen) > 2
    labels, predicted = (made.project.features("val").labels, made.project.features("val").predicted)
    assert [one.accuracy for one in seen] == pytest.approx(
        [float((labels[:count] == predicted[:count]).double().mean()) for count in range(8, whole.samples, 8)]
    )
    assert sum(row.count for row in seen[1].classes) == 16
