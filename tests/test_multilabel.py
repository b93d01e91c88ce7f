"""Images with several labels, from the command line to the exported weights, on a set computed by hand."""

import csv
import json
import math
import runpy
from pathlib import Path

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

import neuroinspect_tui as ni
from tests.multilabel import EACH, draw, options, state, write_columns, write_lists
from tests.test_batch import neuroinspect

QUICK = ["--illusions", "0", "--modes", "0"]


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """The drawn set: its folder and its rows."""
    root = tmp_path_factory.mktemp("labels") / "set"
    return root, draw(root)


def report_of(capsys, *words):
    code, shown, errors = neuroinspect("--batch", *words, *QUICK, capsys=capsys)
    assert code == 0, errors
    return json.loads((Path(words[words.index("-o") + 1]) / "report.json").read_text()), shown


def said(root, builder, weights, rows, threshold=0.5):
    """Return, by plain PyTorch, whether each of the `rows` on test has blue."""
    model = runpy.run_path(str(root / "labels.py"))[builder]().eval()
    model.load_state_dict(load_file(weights))
    found = []
    for path, split, _, blue in rows:
        if split == "test":
            pixels = torch.tensor(list(Image.open(root / path).tobytes()), dtype=torch.float32)
            answer = model(pixels.reshape(1, 8, 8, 3).permute(0, 3, 1, 2) / 255)[0, 1]
            probability = answer if builder == "probabilities" else answer.sigmoid()
            found.append((bool(probability > threshold), blue))
    return found


@pytest.mark.parametrize("builder", ["build", "probabilities"])
def test_a_repair_of_one_label_is_exported_into_its_row_alone(drawn, tmp_path, capsys, builder):
    root, rows = drawn
    data, out = write_columns(root, rows), tmp_path / "out"
    words = [*options(root, data, builder), "--label", "blue", "--class", "blue", "--groups", "red"]
    report, shown = report_of(capsys, *words, "--repair", "ridge", "-o", str(out))
    assert "label blue" in shown and "AUROC 0.750" in shown
    assert report["data"]["classes"] == ["not blue", "blue"]
    assert report["evaluation"]["accuracy"] == 0.75
    assert report["evaluation"]["worst_group"]["accuracy"] == 0.0
    (repair,) = report["debugged"][0]["repairs"]
    assert repair["verdict"]["outcome"] == "helps"
    weights = out / repair["weights"]
    repaired, before = load_file(weights), state()
    assert torch.equal(repaired["conv.weight"], before["conv.weight"])
    assert torch.equal(repaired["fc.weight"][0], before["fc.weight"][0])
    assert repaired["fc.bias"][0] == before["fc.bias"][0]
    assert all(says == has for says, has in said(root, builder, weights, rows))
    code, shown, errors = neuroinspect("verify", str(weights.parent), capsys=capsys)
    assert code == 0 and "accuracy 100.0 %" in shown, errors


def test_every_label_has_its_row_by_hand(drawn, tmp_path, capsys):
    root, rows = drawn
    data = write_columns(root, rows)
    report, _ = report_of(capsys, *options(root, data), "--label", "blue", "-o", str(tmp_path / "out"))
    red, blue = report["evaluation"]["labels"]
    assert (red["name"], red["count"], red["positives"], red["accuracy"], red["auroc"]) == (
        "red",
        40,
        20,
        1,
        1,
    )
    assert (blue["accuracy"], blue["recall"], blue["precision"]) == (0.75, 0.5, 1.0)
    # The bright ten are above all; the dim ten, 90 to 92, below the 110s without red, above the 30s with it.
    assert blue["auroc"] == pytest.approx((10 * 20 + 10 * 10) / 400)
    steps = 3 / 20 * 13 / 23 + 3 / 20 * 16 / 26 + 4 / 20 * 20 / 30
    assert blue["average_precision"] == pytest.approx(10 / 20 + steps)


def test_a_threshold_moves_the_decision_and_the_repair_keeps_it(drawn, tmp_path, capsys):
    """At a probability of sigmoid(20 · 80/255 - 10) all the dim ones are found, and the 110s are too."""
    root, rows = drawn
    threshold = 1 / (1 + math.exp(10 - 20 * 80 / 255))
    data, out = write_columns(root, rows), tmp_path / "out"
    words = [*options(root, data), "--label", "blue", "--threshold", f"{threshold:.6f}", "--groups", "red"]
    report, _ = report_of(capsys, *words, "--class", "not blue", "--repair", "ridge", "-o", str(out))
    rows_of = {row["name"]: row["accuracy"] for row in report["evaluation"]["classes"]}
    assert rows_of == {"not blue": 0.5, "blue": 1.0}
    (repair,) = report["debugged"][0]["repairs"]
    assert repair["verdict"]["outcome"] == "helps"
    assert all(a == b for a, b in said(root, "build", out / repair["weights"], rows, threshold))


def test_labels_in_a_cell_in_another_order_than_the_outputs_are_refused_with_the_remedy(
    drawn, tmp_path, capsys
):
    root, rows = drawn
    words = [*options(root, write_lists(root, rows)), "--label", "blue", "-o", str(tmp_path / "out"), *QUICK]
    code, _, errors = neuroinspect("--batch", *words, capsys=capsys)
    assert code == 2
    assert 'order of the labels looks permuted ("blue" answers as output 1, not 0' in errors
    (tmp_path / "names.txt").write_text("red\nblue\n")
    words += ["--classes", str(tmp_path / "names.txt")]
    words[words.index("-o") + 1] = str(tmp_path / "again")
    report, _ = report_of(capsys, *words)
    assert report["evaluation"]["accuracy"] == 0.75


def test_a_classifier_that_picks_one_class_is_refused(drawn, tmp_path, capsys):
    root, rows = drawn
    words = [*options(root, write_columns(root, rows), "exclusive"), "-o", str(tmp_path / "out")]
    code, _, errors = neuroinspect("--batch", *words, capsys=capsys)
    assert code == 2 and "gives an image one of its classes" in errors


def test_the_table_stands_in_every_report(drawn, tmp_path, capsys):
    root, rows = drawn
    report_of(capsys, *options(root, write_columns(root, rows)), "-o", str(tmp_path / "out"))
    line = "| blue | 40 | 20 | 0.5 | 75.0 % | 50.0 % | 100.0 % | 0.750 | 0.810 |"
    assert line in (tmp_path / "out" / "report.md").read_text()
    page = (tmp_path / "out" / "report.html").read_text()
    assert "<h2>All labels</h2>" in page and ">0.810<" in page
    with (tmp_path / "out" / "classes.csv").open() as file:
        assert [row["name"] for row in csv.DictReader(file)] == ["not red", "red"]
    assert EACH == 10


def loaded(drawn, tmp_path, **more):
    root, rows = drawn
    pixels = {"image_size": 8, "crop_pct": 1.0, "mean": (0.0,) * 3, "std": (1.0,) * 3, "device": "cpu"}
    spec, weights = f"{root / 'labels.py'}:build", root / "labels.safetensors"
    data = write_columns(root, rows)
    return ni.load(spec, data, weights=weights, session=tmp_path / "session", **pixels, **more)


def test_the_api_looks_at_a_label_and_its_frame_has_all_by_hand(drawn, tmp_path):
    with loaded(drawn, tmp_path, label="blue") as inspection:
        assert inspection.class_names == ("not blue", "blue")
        found = inspection.evaluate()
        assert found.accuracy == 0.75
        table = found.labels_frame().set_index("name")
        columns = ["count", "positives", "threshold", "accuracy", "recall", "precision", "auroc"]
        assert table.loc["red", columns].tolist() == [40, 20, 0.5, 1, 1, 1, 1]
        assert table.loc["blue", columns].tolist() == [40, 20, 0.5, 0.75, 0.5, 1, 0.75]
    with ni.open_session(tmp_path / "session") as again:
        assert again.class_names == ("not blue", "blue")


def test_the_api_takes_a_threshold_or_a_table_of_them(drawn, tmp_path):
    low = 1 / (1 + math.exp(10 - 20 * 80 / 255))
    thresholds = tmp_path / "thresholds.csv"
    thresholds.write_text(f"label,threshold\nred,0.5\nblue,{low:.6f}\n")
    for place, given in enumerate((low, thresholds)):
        with loaded(drawn, tmp_path / str(place), label="blue", threshold=given) as inspection:
            assert [row.accuracy for row in inspection.evaluate().classes] == [0.5, 1.0]


def test_the_api_names_a_label_that_is_not_there(drawn, tmp_path):
    with loaded(drawn, tmp_path, label="bleu") as inspection, pytest.raises(ni.InputError, match='"blue"'):
        inspection.evaluate()
