"""A repair that is interrupted between two epochs goes on from the last one, and leaves what a whole one leaves."""

from __future__ import annotations

from pathlib import Path

import pytest

from neuroinspect_tui import jobs
from neuroinspect_tui.errors import Cancelled
from neuroinspect_tui.pipeline.pipeline import Pipeline
from neuroinspect_tui.repair_methods import RepairMethod
from neuroinspect_tui.stages.repair import gradient
from tests.pipeline.test_pipeline import Hearing
from tests.test_batch import neuroinspect
from tests.test_resume import comparable
from tests.tiny import TinyProject


@pytest.mark.parametrize("stop", [1, 3])
def test_a_repair_goes_on_from_its_last_epoch(
    tiny: TinyProject,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    stop: int,
) -> None:
    options = [*tiny.options, "--repair", "finetune", "--illusions", "0", "-o"]
    train_epoch, begun = gradient._train_epoch, []

    def interrupted(training: gradient.Training, *details: object) -> None:
        begun.append(training.epoch)
        if len(begun) == stop + 1:
            raise Cancelled
        train_epoch(training, *details)  # type: ignore[arg-type]

    def watched(training: gradient.Training, *details: object) -> None:
        begun.append(training.epoch)
        train_epoch(training, *details)  # type: ignore[arg-type]

    monkeypatch.setattr(gradient, "_train_epoch", interrupted)
    out = tmp_path / "stopped"
    code, _, errors = neuroinspect("--batch", *options, str(out), capsys=capsys)
    assert code == 130, errors
    assert begun == list(range(stop + 1))
    assert len(list((out / "state" / "epochs").iterdir())) == 1

    begun.clear()
    monkeypatch.setattr(gradient, "_train_epoch", watched)
    assert neuroinspect("--batch", *options, str(out), capsys=capsys)[0] == 0
    assert begun[0] == stop
    assert not (out / "state" / "epochs").exists()
    whole = tmp_path / "whole"
    assert neuroinspect("--batch", *options, str(whole), capsys=capsys)[0] == 0
    assert comparable(out) == comparable(whole)


@pytest.mark.parametrize(
    ("method", "columns"), [("ridge", None), ("auto", ()), ("dfr", ("tint",)), ("bias", None)]
)
def test_a_preview_has_the_numbers_of_the_repair_and_leaves_nothing(
    tiny: TinyProject, tmp_path: Path, method: RepairMethod, columns: tuple[str, ...] | None
) -> None:
    pipeline, hears = Pipeline(tiny.config, tmp_path / "session"), Hearing()
    try:
        for job in (jobs.Open(), jobs.Evaluate()):
            pipeline.run(job, hears)
        for row in range(0, 36, 3):
            pipeline.run(jobs.SetTag("val", row, "has" if row % 2 else "not", "glare"), hears)
        asked = (0, method, (), ("glare",), columns)
        shown = pipeline.run(jobs.PreviewRepair(*asked), hears)
        assert not list((tmp_path / "session").glob("repairs/*"))
        made = pipeline.run(jobs.RepairHead(*asked), hears)
    finally:
        pipeline.close()
    untouched = tuple(line for line in made.verdict.comparisons if line.against == "untouched")
    assert (shown.method, shown.before, shown.after) == (made.method, made.before, made.after)
    assert (shown.fixed, shown.broken, shown.unchanged) == (made.fixed, made.broken, made.unchanged)
    assert shown.comparisons == untouched and shown.cues == made.cues == ("glare",)
    line = shown.comparisons[1]
    assert (line.metric, line.fixed, line.broken) == ("all", made.fixed, made.broken)


def test_train_is_evaluated_to_be_tagged_and_a_repair_tells_how_far_read_tags_carry(
    tiny: TinyProject, tmp_path: Path
) -> None:
    """Reading tags teaches no probe; from sixteen tags on images of `train` may be proposed."""
    tags = tmp_path / "tags.csv"
    pipeline, hears = Pipeline(tiny.config, tmp_path / "session"), Hearing()
    try:
        for job in (jobs.Open(), jobs.Evaluate()):
            pipeline.run(job, hears)
        project = pipeline.project
        paths = project.features("val").paths
        lines = [f"{path},tint,{'has' if '-red-' in path else 'not'}" for path in paths[::2]]
        for count, evaluated in ((14, False), (18, True)):
            tags.write_text("\n".join(["path,cue,tag", *lines[:count]]) + "\n")
            project.cues.read(tags, project.dataset)
            items = pipeline.run(jobs.OrderReview(2, (), cue="tint"), hears)
            assert project.evaluated("train") == evaluated
        shown = {item.sample.path for item in items}
        assert len(shown) == len(items) and not shown & {line.split(",")[0] for line in lines[:18]}
        assert project.cues.named("tint").probe is None
        pipeline.run(jobs.RepairHead(2, "ridge", (), ("tint",), ()), hears)
        probe = project.cues.named("tint").probe
        assert probe is not None and probe.has + probe.not_ + probe.unclear == 3 * 36
    finally:
        pipeline.close()
