"""Recorded answers: what is read, what is refused, and that a batch runs on them to the end."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

import neuroinspect_tui as ni
from neuroinspect_tui.errors import InputError
from neuroinspect_tui.models.recorded_files import read_recorded
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
        ({"features": np.zeros((0, 3))}, "features has shape [0, 3]: give a row for each image"),
        ({"bias": np.array(0.5)}, "bias has 1 entries instead of 2: save it again"),
        ({"bias": np.array([0, np.inf])}, "bias holds numbers that are not finite: look for NaN in it"),
        ({"bias": np.array(["a", "b"])}, "bias has shape [1, 2]: give rows of numbers"),
        ({"labels": np.zeros((4, 2, 2))}, "labels has shape [4, 2, 2]: give one entry for each row"),
        ({"labels": np.array(1)}, "labels has shape []: give one entry for each row"),
        ({"splits": np.array(["val"])}, "splits has 1 entries instead of 4: save it again"),
        ({"class_names": np.array(["ant"])}, "class_names has 1 entries instead of 2: save it again"),
        ({"labels": np.array([{}, 1, 0, 1], object)}, "cannot be read: it holds Python objects"),
    ],
)
def test_what_does_not_fit_is_one_line(tmp_path, changes, line):
    with pytest.raises(InputError) as error:
        read_recorded(written(tmp_path, **changes), "val")
    assert line in str(error.value) and str(tmp_path / "f.npz") in str(error.value)


def test_what_is_no_npz_file_is_one_line(tmp_path):
    (tmp_path / "f.npz").write_bytes(b"hello")
    with pytest.raises(InputError, match=r"f\.npz cannot be read: it is not an \.npz file"):
        read_recorded(f"npz:{tmp_path / 'f.npz'}", "val")


def test_columns_and_bytes_and_half_precision_are_read(tmp_path):
    features = (arrays()["features"] / 3).astype(np.float16)
    changes = {"labels": np.array([[False], [True], [False], [True]]), "bias": np.array([[0.0], [0.5]])}
    names = {"class_names": np.array([b"ant", b"bee"])}
    found = read_recorded(written(tmp_path, features=features, **changes, **names), "val")
    assert found.class_names == ("ant", "bee") and found.splits["val"].labels.tolist() == [0, 1]
    assert found.splits["val"].features.tolist() == features[:2].astype(np.float32).tolist()


def test_one_row_of_weights_is_the_second_of_two_classes(tmp_path):
    """So scikit-learn keeps a logistic regression of two classes."""
    one = {"weight": WEIGHT[:1] - WEIGHT[1:], "bias": np.array([-0.5]), "class_names": None}
    found = read_recorded(written(tmp_path, **one), "val")
    assert found.class_names == ("0", "1")
    assert found.splits["val"].logits.tolist() == [[0.0, 0.5], [0.0, -3.5]]
    head = replace(found.head, weight=found.head.weight + 1, bias=torch.tensor([1.0, 3.0]))
    exported = found.repaired_state(head)
    assert exported["weight"].tolist() == [[1.0, -1.0, 0.0]] and exported["bias"].tolist() == [2.0]


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


def test_python_has_all_of_it_that_needs_no_network(tmp_path):
    spec, made = lopsided(tmp_path)
    Image.new("RGB", (8, 8), (200, 0, 0)).save(tmp_path / f"{strongest(made, 1)}.png")
    rows = made["splits"] == "val"
    with ni.load(spec, session=tmp_path / "s") as found:
        logits = made["features"] @ WEIGHT.T + made["bias"]
        right = logits.argmax(1) == made["labels"]
        assert found.evaluate().accuracy == pytest.approx(right[rows].mean())
        features, labels, paths = found.features("val")
        assert np.array_equal(features, made["features"][rows])
        assert np.array_equal(labels, made["labels"][rows])
        assert paths == [f"{row}.png" for row in np.flatnonzero(rows)]
        assert found.culprits("1").mistakes == int((~right & rows & (made["labels"] == 1)).sum())
        modes = found.failure_modes(2)
        assert sum(mode.mistakes for mode in modes) == int((~right & rows).sum())
        (picture,) = found.exemplars(1, count=1)
        assert picture.path == f"{strongest(made, 1)}.png" and tuple(picture.image[0, 0]) == (200, 0, 0)
        repair = found.repair("1", method="ridge")
        predicted = (made["features"] @ repair.weight.T + repair.bias).argmax(1)
        test = made["splits"] == "test"
        (line,) = [
            one for one in repair.verdict.comparisons if (one.metric, one.against) == ("all", "untouched")
        ]
        assert line.after == pytest.approx((predicted == made["labels"])[test].mean())
        repair.export(tmp_path / "repaired.safetensors")
        assert np.allclose(load_file(tmp_path / "repaired.safetensors")["weight"].numpy(), repair.weight)
        assert found.report(tmp_path / "report").is_file()


def strongest(made, neuron):
    """The row of val on which a neuron is most active."""
    rows = np.flatnonzero(made["splits"] == "val")
    return int(rows[made["features"][rows, neuron].argmax()])


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


def several(tmp_path, marks):
    """Write features of two labels: logits are x - 1 and y - 1."""
    features = np.array([[2, 2], [2, 0], [0, 2], [0, 0], [2, 0], [0, 0.5]] * 3, np.float32)
    layer = {"weight": np.eye(2, dtype=np.float32), "bias": np.full(2, -1, np.float32)}
    names = {"class_names": np.array(["cat", "dog"]), "splits": np.repeat(["train", "val", "test"], 6)}
    np.savez(tmp_path / "f.npz", features=features, labels=np.array(marks * 3), **layer, **names)
    return f"npz:{tmp_path / 'f.npz'}"


MARKS = [[1, 1], [1, 0], [0, 1], [0, 0], [1, 1], [0, -1]]


def test_a_column_of_labels_for_each_output_is_one_binary_problem_each(tmp_path, capsys):
    spec = several(tmp_path, MARKS)
    words = ["-m", spec, "--label", "dog", "--modes", "0", "--illusions", "0", "-o", str(tmp_path / "out")]
    code, _, errors = neuroinspect("--batch", *words, "--repair", "ridge", capsys=capsys)
    assert code == 0, errors
    found = json.loads((tmp_path / "out" / "report.json").read_text())["evaluation"]
    assert [row["name"] for row in found["classes"]] == ["not dog", "dog"]
    assert (found["samples"], found["accuracy"]) == (5, 0.8)
    cat, dog = found["labels"]
    assert (cat["accuracy"], cat["auroc"], cat["positives"]) == (1.0, 1.0, 3)
    assert (dog["accuracy"], dog["recall"], dog["positives"]) == (0.8, pytest.approx(2 / 3), 3)
    assert dog["auroc"] == pytest.approx((2 + 2 + 1) / 6)


def test_the_layer_of_one_label_is_written_into_its_row(tmp_path):
    whole = read_recorded(several(tmp_path, MARKS), "val")
    seen = whole.of_label(1, 0.8)
    assert [len(split.labels) for split in seen.splits.values()] == [5, 5, 5]
    assert seen.head.bias[1] == pytest.approx(-1 - np.log(4))
    assert all(
        torch.equal(seen.repaired_state(seen.head)[name], whole.repaired_state(whole.head)[name])
        for name in ("weight", "bias")
    )
    moved = replace(seen.head, weight=seen.head.weight + torch.tensor([[0.0, 0], [3, 4]]))
    assert seen.repaired_state(moved)["weight"].tolist() == [[1, 0], [3, 5]]
    again = seen.head_in(seen.repaired_state(moved))
    assert torch.allclose(again.weight, moved.weight) and torch.allclose(again.bias, moved.bias)


def test_columns_with_one_label_in_each_row_are_classes(tmp_path):
    found = read_recorded(several(tmp_path, [[1, 0], [0, 1], [0, 1], [1, 0], [1, 0], [0, 1]]), "val")
    assert not found.marked and found.splits["val"].labels.tolist() == [0, 1, 1, 0, 0, 1]


def test_labels_of_another_width_are_refused(tmp_path):
    with pytest.raises(InputError, match=r"labels has shape \[18, 3\], weight 2 rows"):
        read_recorded(several(tmp_path, [[1, 0, 0]] * 6), "val")


def test_a_repaired_layer_of_one_row_is_read_as_two_classes(tmp_path):
    found = read_recorded(written(tmp_path, weight=WEIGHT[:1], bias=np.array([0.5], np.float32)), "val")
    head = found.head_in(found.repaired_state(found.head))
    assert head.weight.tolist() == [[0, 0, 0], [1, 0, 0]] and head.bias.tolist() == [0, 0.5]
