"""Recorded answers: what is read, what is refused, and that a batch runs on them to the end."""

import json

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from neuroinspect_tui.errors import InputError
from neuroinspect_tui.models.recorded import read_recorded
from tests.test_batch import neuroinspect

WEIGHT = np.array([[1.0, 0, 0], [0, 1, 0]], np.float32)


def arrays(**changes):
    features = np.array([[2, 1, 0], [0, 3, 0], [1, 2, 0], [5, 4, 0]], np.float32)
    whole = {
        "features": features,
        "labels": np.array([0, 1, 0, 1]),
        "paths": np.array(["a.png", "b.png", "c.png", "d.png"]),
        "weight": WEIGHT,
        "bias": np.array([0.0, 0.5], np.float32),
        "splits": np.array(["val", "val", "train", "train"]),
        "class_names": np.array(["ant", "bee"]),
    }
    return {name: value for name, value in (whole | changes).items() if value is not None}


def written(tmp_path, **changes):
    np.savez(tmp_path / "f.npz", **arrays(**changes))
    return f"npz:{tmp_path / 'f.npz'}"


def test_an_npz_file_is_divided_into_its_splits(tmp_path):
    found = read_recorded(written(tmp_path), "val")
    assert found.class_names == ("ant", "bee") and list(found.splits) == ["val", "train"]
    val = found.splits["val"]
    assert (val.paths, val.labels.tolist()) == (("a.png", "b.png"), [0, 1])
    assert val.logits.tolist() == [[2.0, 1.5], [0.0, 3.5]]
    assert found.head.has_bias


def test_what_an_npz_file_leaves_out_has_a_default(tmp_path):
    spec = written(
        tmp_path, bias=None, splits=None, class_names=None, paths=None, labels=np.array([0.0, 1, 0, 1])
    )
    found = read_recorded(spec, "test")
    assert list(found.splits) == ["test"] and found.class_names == ("0", "1")
    assert found.splits["test"].paths[2] == "image 2" and not found.head.has_bias
    assert found.head.bias.tolist() == [0, 0]
    named = read_recorded(
        written(tmp_path, labels=np.array(["bee", "ant", "bee", "1"])), "val", ["ant", "bee"]
    )
    assert [split.labels.tolist() for split in named.splits.values()] == [[1, 0], [1, 1]]


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"weight": None}, "has no array 'weight': save features [N,D], "),
        ({"weight": WEIGHT[:, :2]}, "features are 3 wide, weight is for 2: "),
        ({"labels": np.array([0, 1])}, "labels has 2 entries instead of 4: save it again"),
        (
            {"labels": np.array([0, 1, 2, 0])},
            'label "2" is not a class: use class names, or numbers from 0 to 1',
        ),
        (
            {"features": np.full((4, 3), np.nan)},
            "features holds numbers that are not finite: look for NaN in it",
        ),
        ({"features": np.zeros((4, 3, 1))}, "features has shape [4, 3, 1]: give rows of numbers"),
        ({"labels": np.array([{}, 1, 0, 1], object)}, "cannot be read: it holds Python objects"),
    ],
)
def test_what_does_not_fit_is_one_line(tmp_path, changes, line):
    with pytest.raises(InputError) as error:
        read_recorded(written(tmp_path, **changes), "val")
    assert line in str(error.value) and str(tmp_path / "f.npz") in str(error.value)


def test_predictions_by_name_or_by_probability(tmp_path):
    table = tmp_path / "p.csv"
    table.write_text("path,label,predicted\na.png,bee,ant\nb.png,ant,ant\n")
    found = read_recorded(f"predictions:{table}", "val")
    assert found.class_names == ("ant", "bee") and found.head.neurons == 0
    assert found.splits["val"].logits.argmax(1).tolist() == [0, 0]
    table.write_text("path,label,p_0,p_1,p_2,split\na.png,1,0.2,0.5,0.3,test\nb.png,0,0.1,0.1,0.8,test\n")
    found = read_recorded(f"predictions:{table}", "val")
    assert torch.allclose(found.splits["test"].logits.softmax(1)[0], torch.tensor([0.2, 0.5, 0.3]))
    table.write_text("path,label\na.png,1\n")
    with pytest.raises(InputError, match="has no column 'predicted': give columns path, label and predicted"):
        read_recorded(f"predictions:{table}", "val")


def lopsided(tmp_path):
    """Features of two classes, the second of which the layer underrates: a repair has something to do."""
    generator = np.random.default_rng(0)
    labels = generator.integers(0, 2, 600)
    features = np.abs(generator.normal(size=(600, 3)) + 1.5 * np.eye(3)[labels]).astype(np.float32)
    splits = np.array(["train", "val", "test"])[generator.integers(0, 3, 600)]
    changes = {
        "features": features,
        "labels": labels,
        "splits": splits,
        "bias": np.array([1.5, 0], np.float32),
    }
    return written(tmp_path, **changes, paths=np.array([f"{row}.png" for row in range(600)])), changes


def batch(capsys, tmp_path, *options):
    code, _, error = neuroinspect("--batch", *map(str, options), "-o", str(tmp_path / "out"), capsys=capsys)
    assert code == 0, error
    return json.loads((tmp_path / "out" / "report.json").read_text())


def test_a_batch_on_features_alone_repairs_and_reports(tmp_path, capsys):
    spec, made = lopsided(tmp_path)
    report = batch(capsys, tmp_path, "-m", spec, "--repair", "ridge", "--worst", "1")
    rows = made["splits"] == "val"
    logits = made["features"][rows] @ WEIGHT.T + made["bias"]
    accuracy = float((logits.argmax(1) == made["labels"][rows]).mean())
    assert report["evaluation"]["accuracy"] == pytest.approx(accuracy)
    weights = load_file(next((tmp_path / "out" / "repairs").glob("*/model.safetensors")))
    assert weights["weight"].shape == (2, 3) and weights["bias"].shape == (2,)


def test_a_batch_on_predictions_alone_reports_the_mistakes(tmp_path, capsys):
    table = tmp_path / "p.csv"
    table.write_text("path,label,predicted\na.png,bee,ant\nb.png,ant,ant\nc.png,bee,bee\nd.png,bee,ant\n")
    report = batch(capsys, tmp_path, "--predictions", table, "--repair", "ridge")
    assert not (tmp_path / "out" / "repairs").exists()
    assert report["evaluation"]["accuracy"] == 0.5
