"""A repair that is interrupted between two epochs goes on from the last one, and leaves what a whole one leaves."""

from __future__ import annotations

from pathlib import Path

import pytest

from neuroinspect_tui.errors import Cancelled
from neuroinspect_tui.stages.repair import gradient
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
