"""The Python API on a project computed by hand."""

from __future__ import annotations

import csv
import json
import runpy
import subprocess
import sys

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

import neuroinspect_tui as ni
from tests.tiny import EACH, make_tiny, state

WRONG = [f"val/blue-red-{index}.png" for index in range(EACH)]


def load(tiny, session, **more):
    options = {"image_size": 8, "crop_pct": 1.0, "mean": (0.0,) * 3, "std": (1.0,) * 3, "device": "cpu"}
    return ni.load(tiny.model, tiny.manifest, weights=tiny.weights, session=session, **options, **more)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return make_tiny(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="module")
def inspection(tiny, tmp_path_factory):
    with load(tiny, tmp_path_factory.mktemp("session")) as found:
        yield found


def test_importing_the_package_imports_neither_torch_nor_numpy():
    code = "import sys, neuroinspect_tui; print({'torch', 'numpy', 'textual'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "set()\n"


def test_what_is_exported_is_there_and_nothing_else():
    assert all(getattr(ni, name) is not None for name in ni.__all__)
    with pytest.raises(AttributeError, match="has no attribute 'lod'"):
        _ = ni.lod


def test_evaluation_and_its_tables(inspection):
    found = inspection.evaluate()
    assert found.accuracy == pytest.approx(30 / 36)
    blue = found.classes_frame().set_index("name").loc["blue"]
    assert (blue["count"], blue["correct"], blue["accuracy"]) == (12, 6, 0.5)
    groups = found.groups_frame()
    assert groups[groups["accuracy"] == 0][["class_name", "value"]].to_numpy().tolist() == [["blue", "red"]]


def test_tables_are_lists_where_pandas_is_missing(inspection, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    rows = inspection.evaluate().classes_frame()
    assert [row["name"] for row in rows] == ["blue", "green", "red"]
    assert (rows[0]["low"], rows[0]["high"]) == pytest.approx((0.2538, 0.7462), abs=1e-4)


def test_features_are_the_means_of_the_colours_by_path(inspection):
    found = inspection.features("val")
    row = found.paths.index("val/blue-red-0.png")
    red, green, blue = 180 / 255, 20 / 255, 120 / 255
    assert found.features.shape == (36, 4)
    assert found.features[row] == pytest.approx([red, green, blue, (red + green + blue) / 3], abs=1e-3)
    assert found.labels[row] == 0


def test_classes_are_named_by_name_or_index(inspection):
    assert inspection.culprits("blue") == inspection.culprits(0)
    with pytest.raises(ni.InputError, match="blu"):
        inspection.culprits("blu")


def test_what_if_the_red_neuron_were_off(inspection):
    found = inspection.what_if("red", [0])
    assert (found.fixed, found.broken) == (EACH, 2 * EACH)


def test_the_failure_mode_holds_the_tinted_images(inspection):
    modes = inspection.failure_modes()
    assert sum(mode.mistakes for mode in modes) == EACH
    assert {(pair.label, pair.predicted) for mode in modes for pair in mode.pairs} == {(0, 2)}
    features, labels, paths = inspection.features()
    scores = features @ modes[0].direction
    blue = [row for row in np.argsort(-scores) if labels[row] == 0]
    assert {paths[row] for row in blue[:EACH]} == set(WRONG)


def test_the_report_holds_the_modes_that_were_asked_for_last(tiny, tmp_path):
    with load(tiny, tmp_path / "session") as found:
        (mode,) = found.failure_modes(k=1)
        assert (mode.mistakes, mode.cover.images) == (EACH, EACH)
        found.report(tmp_path / "session")
    report = json.loads((tmp_path / "session" / "report.json").read_text())
    assert [part["mistakes"] for part in report["failure_modes"]] == [EACH]
    directions = load_file(tmp_path / "session" / "failure_modes.safetensors")["directions"]
    assert directions.numpy().tolist() == [mode.direction.tolist()]
    with ni.open_session(tmp_path / "session") as again:
        assert [one.mistakes for one in again.failure_modes(k=1)] == [EACH]


def test_exemplars_of_a_neuron_are_the_reddest_images(inspection):
    first = inspection.exemplars(0, count=1)[0]
    assert (first.path, first.label) == (f"val/red-red-{EACH - 1}.png", 2)
    assert first.activation == pytest.approx((220 + EACH - 1) / 255, abs=1e-3)
    assert first.image.dtype == np.uint8 and first.image[0, 0].tolist() == [225, 35, 35]
    of_blue = inspection.exemplars(0, "blue", count=EACH)
    assert {picture.path for picture in of_blue} == set(WRONG)
    before = inspection.features().features.copy()
    assert np.isfinite(before).all()


def test_an_illusion_of_a_mode_is_a_picture_with_numbers(inspection):
    (mode, *_) = inspection.failure_modes()
    (found,) = inspection.illusions(mode, iters=2)
    assert (found.target.name, found.neuron) == ("blue", 4)
    assert found.pixels.shape == (8, 8, 3) and found.pixels.dtype == np.uint8


def test_tags_are_counted_and_a_wrong_path_is_refused(inspection):
    cue = inspection.cue("tint", target="blue")
    assert cue.counts == {"has": 0, "not": 0, "mislabelled": 0}
    proposed = cue.propose(4)
    assert len(set(proposed)) == 4 and set(proposed) <= set(inspection.features().paths)
    cue.tag(WRONG[0], True)
    cue.tag("val/blue-none-0.png", False)
    cue.tag("val/blue-none-1.png", "mislabelled")
    assert cue.counts == {"has": 1, "not": 1, "mislabelled": 1}
    cue.tag("val/blue-none-1.png", None)
    assert cue.counts == {"has": 1, "not": 1, "mislabelled": 0}
    with pytest.raises(ni.InputError, match="no evaluated image"):
        cue.tag("val/none.png", True)
    with pytest.raises(ni.InputError, match="is not a tag"):
        cue.tag(WRONG[0], "yes")


def test_a_module_gives_what_its_file_gives(tiny, inspection, tmp_path):
    module = runpy.run_path(str(tiny.root / "tiny.py"))["tiny"]()
    module.load_state_dict(state())
    same = ni.load(
        module, tiny.manifest, image_size=8, crop_pct=1.0, mean=(0.0,) * 3, std=(1.0,) * 3, session=tmp_path
    )
    with same:
        assert same.evaluate().accuracy == inspection.evaluate().accuracy
    reopened = ni.open_session(tmp_path)
    assert reopened.evaluate().accuracy == inspection.evaluate().accuracy
    with pytest.raises(ni.InputError, match="model in memory"):
        reopened.culprits("blue")


def test_a_session_on_disk_is_the_same_object(inspection, tmp_path):
    page = inspection.report(tmp_path / "out")
    assert page == tmp_path / "out" / "report.html" and page.is_file()
    with ni.open_session(tmp_path / "out") as other:
        assert other.evaluate() == inspection.evaluate()
        ours, theirs = inspection.failure_modes(), other.failure_modes()
        assert [mode.pairs for mode in ours] == [mode.pairs for mode in theirs]
        assert all((one.direction == two.direction).all() for one, two in zip(ours, theirs, strict=True))
    directions = load_file(tmp_path / "out" / "failure_modes.safetensors")["directions"].numpy()
    assert (directions == np.stack([mode.direction for mode in ours])).all()


def test_arrays_give_the_same_modes_as_the_session(inspection):
    features, labels, _ = inspection.features()
    weight, bias = state()["fc.weight"].numpy(), state()["fc.bias"].numpy()
    found = ni.failure_modes(features, labels, weight, bias)
    assert [mode.mistakes for mode in found] == [mode.mistakes for mode in inspection.failure_modes()]
    with pytest.raises(ni.InputError, match="do not fit"):
        ni.failure_modes(features[:, :2], labels, weight, bias)


def test_a_mode_repairs_alone_and_is_exported_only_if_it_helps(inspection, tmp_path):
    (mode, *_) = inspection.failure_modes()
    repair = inspection.repair(mode, cues=[])
    assert repair.found.label_free and repair.found.target.name == "blue"
    first = repair.verdict.comparisons[0]
    assert (first.metric, first.against, first.n, first.fixed, first.broken) == (
        "mode",
        "untouched",
        EACH,
        EACH,
        0,
    )
    assert repair.verdict.outcome == "too_few"
    with pytest.raises(ni.InputError, match="do not show that it helps"):
        repair.export(tmp_path / "model.safetensors")


def test_a_repair_of_arrays_gets_the_tinted_images_right(inspection):
    features, labels, paths = inspection.features("val")
    weight, bias = state()["fc.weight"].numpy(), state()["fc.bias"].numpy()
    tinted = np.array(["-red-" in path for path in paths]).astype(int)
    layer = ni.repair_head(features, labels, weight, bias, groups=tinted)
    assert ((features @ weight.T + bias).argmax(1) == labels).mean() == pytest.approx(30 / 36)
    assert ((features @ layer.weight.T + layer.bias).argmax(1) == labels).all()


def test_twenty_lines_from_a_model_and_a_folder_to_exported_weights(tmp_path):
    from neuroinspect_tui.demo import assets_dir

    assets = assets_dir()
    with (assets / "data" / "manifest.csv").open() as file:
        water = {row["path"]: row["background"] == "water" for row in csv.DictReader(file)}
    i = ni.load(
        "neuroinspect_tui.demo.network:demo_resnet",
        assets / "data" / "manifest.csv",
        weights=assets / "classifier.safetensors",
        image_size=64,
        crop_pct=1.0,
        session=tmp_path / "session",
    )
    cue = i.cue("water", target="boat")
    for _ in range(4):
        for path in cue.propose(8):
            cue.tag(path, water[path])
    repair = i.repair("boat", method="ridge", cues=[cue], groups=[])
    written = repair.export(tmp_path / "model.safetensors")
    i.close()
    assert repair.verdict.outcome == "helps" and sum(cue_counts := list(cue.counts.values())) == 32
    assert cue_counts[0] >= 8
    old, new = load_file(assets / "classifier.safetensors"), load_file(written)
    changed = [name for name in old if not torch.equal(old[name], new[name])]
    assert sorted(name.rsplit(".", 1)[1] for name in changed) == ["bias", "weight"]
    layer = changed[0].rsplit(".", 1)[0]
    assert np.array_equal(new[f"{layer}.weight"].numpy(), repair.weight)
