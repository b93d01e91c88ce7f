"""Sampler weights by cell beside a repair, that a training loader reads back."""

from __future__ import annotations

import csv
import runpy
from pathlib import Path

import pytest

from neuroinspect_tui import load
from neuroinspect_tui.errors import InputError
from neuroinspect_tui.results import SampledCell
from tests.tiny import TinyProject

GIVEN = {"image_size": 8, "crop_pct": 1.0, "mean": (0.0, 0.0, 0.0), "std": (1.0, 1.0, 1.0)}


def skewed(tiny: TinyProject) -> None:
    """Leave one of six red-tinted blue images in train."""
    lines = tiny.manifest.read_text().splitlines()
    dropped = {f"train/blue-red-{index}.png" for index in range(1, 6)}
    tiny.manifest.write_text("\n".join(line for line in lines if line.split(",")[0] not in dropped) + "\n")


def test_cells_are_drawn_as_often_and_the_files_say_so(tiny: TinyProject, tmp_path: Path) -> None:
    skewed(tiny)
    out = tmp_path / "session"
    with load(tiny.model, tiny.manifest, tiny.weights, device="cpu", session=out, **GIVEN) as found:
        made = found.repair("blue", "ridge", groups=["tint"])
        prescribed = made.prescribe()
        with pytest.raises(InputError, match="knows no groups"):
            found.repair("blue", "ridge", groups=[]).prescribe()
    # 31 images, 6 cells: 31/36 for each of six images, 31/6 for the one that is alone
    assert prescribed.cells[0] == SampledCell(
        0, ("none",), 6, 0, pytest.approx(31 / 36), pytest.approx(1 / 6)
    )
    assert prescribed.cells[1] == SampledCell(0, ("red",), 1, 0, pytest.approx(31 / 6), pytest.approx(1 / 6))
    assert (prescribed.split, prescribed.columns, prescribed.number) == ("train", ("tint",), 1)
    (more,) = prescribed.more
    assert (more.label, more.column, more.value, more.gain) == (0, "tint", "red", None)
    for folder in (out / "prescription", out / prescribed.folder):
        weights = dict(list(csv.reader((folder / "weights.csv").open()))[1:])
        assert len(weights) == 31
        assert float(weights["train/blue-red-0.png"]) == pytest.approx(31 / 6, rel=1e-4)
        groups = list(csv.reader((folder / "groups.csv").open()))
        assert groups[0] == ["path", "cue", "value", "from"]
        assert ["train/blue-red-0.png", "tint", "red", "column"] in groups
        assert len((folder / "sampler.py").read_text().splitlines()) == 6
        sampler = runpy.run_path(str(folder / "sampler.py"))["sampler"](list(weights))
        assert sampler.weights.tolist() == [float(weight) for weight in weights.values()]
        assert len(list(sampler)) == 31


def test_carried_tags_count_as_far_as_the_probe_is_right(tiny: TinyProject, tmp_path: Path) -> None:
    with load(tiny.model, tiny.manifest, tiny.weights, device="cpu", **GIVEN) as found:
        cue = found.cue("redness", "blue")
        for index in range(6):
            cue.tag(f"val/blue-red-{index}.png", True)
            cue.tag(f"val/blue-none-{index}.png", False)
        found.evaluate("train")
        cue.tag("train/blue-red-0.png", True)
        prescribed = found.repair("blue", "ridge", cues=[cue], groups=[]).prescribe()
        lines = list(csv.reader((found.root / "prescription" / "groups.csv").open()))
    assert prescribed.columns == ("redness",)
    assert ["train/blue-red-0.png", "redness", "has", "hand"] in lines
    assert ["train/blue-red-1.png", "redness", "has", "carried"] in lines
    assert sum(cell.by_hand for cell in prescribed.cells) == 1
