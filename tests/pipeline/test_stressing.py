"""The stress battery from every face, on flat colours: a red cast makes other images red, a blur nothing."""

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
    assert "pulls most: of 24 images of other classes" in said
    report = json.loads((out / "report.json").read_text())
    assert report["debugged"] == []
    found = report["stress"]
    assert (found["split"], found["images"]) == ("val", 36)
    pulls = {(pull["change"], pull["target"]): pull for pull in found["pulls"]}
    red = pulls["red cast", 2]
    assert (red["images"], red["lost"], red["pull"]) == (24, 0, red["gained"] / 24)
    assert red["gained"] == 6  # green with a red tint: 0.6 × (100, 180, 20) + 0.4 × (255, 38, 25)
    assert max(pull["pull"] for pull in found["pulls"] if pull["change"] == "blur") == 0
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
