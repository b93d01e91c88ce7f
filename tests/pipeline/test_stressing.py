"""The stress battery from every face, on flat colours: a red cast moves answers unless it is weak, a blur none."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from neuroinspect_tui import open_session
from neuroinspect_tui.pipeline.stressing import stress_rows
from neuroinspect_tui.tensors import SplitFeatures
from tests.test_batch import neuroinspect
from tests.tiny import TinyProject


def test_a_session_is_stressed_on_the_command_line_and_reported(
    tiny: TinyProject, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "session"
    code, shown, errors = neuroinspect("stress", *tiny.options, "-o", str(out), capsys=capsys)
    assert code == 0, errors
    (said,) = [line for line in shown.splitlines() if line.startswith("stress battery: ")]
    assert said == (
        "stress battery: None of 18 changes of 36 images of val pulls more than 5 points towards a class beyond "
        "chance. Each is weakened until at most a tenth of a sample's answers change."
    )
    report = json.loads((out / "report.json").read_text())
    assert report["debugged"] == []
    found = report["stress"]
    assert (found["split"], found["images"]) == ("val", 36)
    pulls = {pull["change"]: pull for pull in found["pulls"]}
    red, blur = pulls["red cast"], pulls["blur"]
    assert (blur["strength"], blur["images"], blur["pull"]) == (1, 24, 0)
    # Green with a red tint, all six at once: (1 − .4a)(180 − 100) = .4a (255 − 38) at a = .673.
    assert 0.673 / 2 ** (6 / 32) < red["strength"] <= 0.674
    assert red["gained"] == 0
    code, again, _ = neuroinspect("stress", str(out), capsys=capsys)
    assert (code, said in again) == (0, True)
    with open_session(out) as session:
        assert session.stress().pulls[0].pull == found["pulls"][0]["pull"]


def test_rows_are_spread_evenly_over_the_classes() -> None:
    labels = torch.tensor([0] * 10 + [2] * 3)
    none = torch.empty(13, 0)
    data = SplitFeatures("val", none, labels, none, none, none, ["a"] * 13, torch.arange(13))
    assert stress_rows(data, 8) == [0, 3, 6, 9, 10, 11, 12]
    assert stress_rows(data, 2) == [0, 10]
