import csv
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings

from neuroinspect_tui.results import LabelIssue, Sample
from neuroinspect_tui.session.report import build_report
from neuroinspect_tui.session.tables import write_classes, write_label_issues, write_neurons, write_samples
from neuroinspect_tui.text import csv_cell

from . import synthetic
from .hostile import NAMES, nothing_hidden
from .test_html import hostile


@pytest.fixture
def report():
    return build_report(synthetic.findings())


def read(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_classes(tmp_path, report):
    write_classes(tmp_path / "classes.csv", report)
    rows = read(tmp_path / "classes.csv")
    assert [row["name"] for row in rows] == list(synthetic.NAMES)
    star = rows[0]
    assert float(star["accuracy"]) == 12 / 36
    assert (float(star["low"]), float(star["high"])) == (12 / 36 - 0.14, 12 / 36 + 0.12)
    assert (star["count"], star["correct"], star["confused_with"], star["confusions"]) == (
        "36",
        "12",
        "ring",
        "15",
    )
    assert (rows[7]["confused_with"], rows[7]["confusions"]) == ("", "")


def test_a_class_without_images_has_no_rates(tmp_path):
    found = synthetic.findings()
    empty = replace(found.evaluation.classes[0], count=0, correct=0, accuracy=None, interval=None)
    evaluation = replace(found.evaluation, classes=(empty, *found.evaluation.classes[1:]))
    report = build_report(replace(found, evaluation=evaluation))
    write_classes(tmp_path / "classes.csv", report)
    star = read(tmp_path / "classes.csv")[0]
    assert [star[name] for name in ("accuracy", "low", "precision", "f1")] == ["", "", "", ""]


def test_neurons(tmp_path, report):
    write_neurons(tmp_path / "neurons.csv", report)
    rows = read(tmp_path / "neurons.csv")
    assert [(row["class"], row["kind"], row["neuron"]) for row in rows] == [
        ("star", "insufficient", "17"),
        ("star", "insufficient", "40"),
        ("star", "excessive", "5"),
        ("star", "excessive", "61"),
    ]
    assert (rows[2]["prec_at_5"], rows[2]["concept"], rows[2]["spurious"]) == ("75.0", "grass", "0.82")
    assert rows[1]["concept"] == ""


def test_samples_add_up_to_the_split(tmp_path, report):
    write_samples(tmp_path / "samples.csv", report, synthetic.samples())
    rows = read(tmp_path / "samples.csv")
    assert len(rows) == 2 + 2
    assert rows[1] == {
        "path": "val/star/0002.png",
        "label": "0",
        "class": "star",
        "predicted": "1",
        "predicted_class": "ring",
        "confidence": "0.5",
        "correct": "0",
        "culprits": "5 61",
        "tag": "on grass",
        "problem": "",
        "groups": "background grass; watermark no",
    }
    assert rows[0]["correct"] == "1"
    assert (rows[2]["path"], rows[2]["correct"], rows[2]["problem"]) == (
        "val/star/0093.png",
        "",
        "truncated file",
    )


def test_samples_are_streamed(tmp_path, report):
    written = []
    target = tmp_path / "samples.csv"

    def endless():
        for row in range(200_000):
            if row == 150_000:
                written.extend(path.stat().st_size for path in tmp_path.iterdir())
            yield Sample("val", row, f"val/{row}.png", 0, 0, 0.5)

    write_samples(target, report, endless())
    assert len(written) == 1
    assert written[0] > 0.7 * target.stat().st_size
    assert len(read(target)) == 200_002


def test_an_interrupted_stream_leaves_the_old_table(tmp_path, report):
    target = tmp_path / "samples.csv"
    target.write_text("old")

    def broken():
        yield synthetic.samples()[0]
        raise RuntimeError("cancelled")

    with pytest.raises(RuntimeError, match="cancelled"):
        write_samples(target, report, broken())
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=NAMES, value=NAMES, path=NAMES, concept=NAMES)
def test_hostile_names_are_text_in_their_own_cell(tmp_path, name, value, path, concept):
    report = build_report(hostile(synthetic.findings(), name, value, path, concept))
    sample = replace(synthetic.samples()[0], path=path, tag=value)
    write_classes(tmp_path / "classes.csv", report)
    write_neurons(tmp_path / "neurons.csv", report)
    write_samples(tmp_path / "samples.csv", report, [sample])
    assert read(tmp_path / "classes.csv")[0]["name"] == csv_cell(name)
    assert read(tmp_path / "neurons.csv")[2]["concept"] == csv_cell(concept or "x")
    row, unreadable, _ = read(tmp_path / "samples.csv")
    assert (row["path"], row["class"], row["tag"]) == (csv_cell(path), csv_cell(name), csv_cell(value))
    assert (unreadable["path"], unreadable["problem"]) == (csv_cell(path), csv_cell(value))
    for file in tmp_path.iterdir():
        assert nothing_hidden(file.read_text(encoding="utf-8"))


def test_label_issues_are_listed_with_names_and_guarded(tmp_path):
    issue = LabelIssue("val", "=a.png", 1, 0, 0.25, 0.9, marked=True)
    write_label_issues(tmp_path / "issues.csv", [issue], ["cat", "+dog"])
    assert (tmp_path / "issues.csv").read_text().splitlines()[1] == "val,'=a.png,1,'+dog,0,cat,0.25,0.9,1"
