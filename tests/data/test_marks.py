"""Images with several labels: columns, lists in cells, vectors; which label is looked at, under which threshold."""

import json

import pytest
import torch

from neuroinspect_tui.config import DataConfig
from neuroinspect_tui.data.class_names import ModelClasses
from neuroinspect_tui.data.dataset import load_dataset
from neuroinspect_tui.errors import InputError
from tests.data.conftest import save

TWO = ModelClasses(2)
NAMED = ModelClasses(3, ("cat", "dog", "sun"))
CAT, DOG = [1, 0, 0, 1, 0], [1, 1, 0, 0, 1]


def images(folder, names="abcde"):
    for name in names:
        save(folder / f"{name}.png")


def table(folder, lines, name="t.csv"):
    images(folder)
    (folder / name).write_text("\n".join(lines) + "\n")
    return str(folder / name)


def load(source, model=TWO, **options):
    return load_dataset(DataConfig(source, **options), model)


def marks_of(dataset):
    return dict(zip(dataset.view.names, dataset.split("val").marks.T.tolist(), strict=True))


def columns(folder, cells=((1, 1), (0, 1), (0, 0), (1, 0), (0, 1)), header="path,cat,dog"):
    rows = [f"{name}.png,{cat},{dog}" for name, (cat, dog) in zip("abcde", cells, strict=True)]
    return table(folder, [header, *rows])


def test_a_column_for_each_label(tmp_path):
    found = load(columns(tmp_path), label="cat")
    assert marks_of(found) == {"cat": CAT, "dog": DOG}
    assert found.class_names == ("not cat", "cat")
    assert found.split("val").labels.tolist() == CAT
    assert found.view.outputs == (0, 1) and found.view.chosen == 0
    assert any("are taken in this order" in note and "cat, dog" in note for note in found.notes)


def test_the_most_frequent_label_is_looked_at_and_said(tmp_path):
    found = load(columns(tmp_path))
    assert found.view.name == "dog" and found.split("val").labels.tolist() == DOG
    assert any('looked at is "dog", the most frequent one (3 images)' in note for note in found.notes)


@pytest.mark.parametrize(
    ("cells", "name"),
    [
        (["cat|dog", "dog", "none", "cat", "dog"], "t.csv"),
        (["dog; cat", "dog", "none", "cat", "dog"], "t.csv"),
        (["cat dog", "dog", "none", "cat", "dog"], "t.tsv"),
    ],
)
def test_labels_divided_by_a_sign_where_they_are_as_many_as_the_outputs(tmp_path, cells, name):
    sign = "\t" if name == "t.tsv" else ","
    lines = [
        f"path{sign}tags",
        *(f"{image}.png{sign}{cell}" for image, cell in zip("abcde", cells, strict=True)),
    ]
    assert marks_of(load(table(tmp_path, lines, name), label="cat")) == {"cat": CAT, "dog": DOG}


def test_labels_divided_by_a_sign_where_the_classifier_knows_them(tmp_path):
    lines = ["path,label", 'a.png,"cat, dog"', "b.png,dog", "c.png,none", "d.png,cat", "e.png,dog"]
    found = load(table(tmp_path, lines), NAMED)
    assert marks_of(found) == {"cat": CAT, "dog": DOG}
    assert found.view.outputs == (0, 1) and not any("in this order" in note for note in found.notes)


def test_a_name_with_a_comma_is_one_class(tmp_path):
    lines = ["path,label", 'a.png,"tench, Tinca tinca"', "b.png,dog", "c.png,dog", "d.png,dog", "e.png,dog"]
    found = load(table(tmp_path, lines), ModelClasses(3, ("cat", "dog", "tench, Tinca tinca")))
    assert found.view is None and found.split("val").labels.tolist() == [2, 1, 1, 1, 1]


@pytest.mark.parametrize(
    "rows",
    [
        [["cat", "dog"], ["dog"], [], ["cat"], ["dog"]],
        [[0, 1], [1], [], [0], [1]],
        [[1, 1], [0, 1], [0, 0], [1, 0], [0, 1]],
    ],
    ids=["names", "indices", "a number for each label"],
)
def test_lists_in_json_lines(tmp_path, rows):
    lines = [
        json.dumps({"file_name": f"{name}.png", "labels": row})
        for name, row in zip("abcde", rows, strict=True)
    ]
    found = load(table(tmp_path, lines, "t.jsonl"))
    assert list(marks_of(found).values()) == [CAT, DOG]


def test_lists_in_parquet(tmp_path):
    arrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    images(tmp_path)
    rows = [["cat", "dog"], ["dog"], [], ["cat"], ["dog"]]
    whole = arrow.table({"path": [f"{name}.png" for name in "abcde"], "labels": rows})
    parquet.write_table(whole, tmp_path / "t.parquet")
    assert marks_of(load(str(tmp_path / "t.parquet"))) == {"cat": CAT, "dog": DOG}


def test_lists_of_one_label_are_classes(tmp_path):
    lines = [
        json.dumps({"path": f"{name}.png", "label": [own]})
        for name, own in zip("abcde", "xyxyx", strict=True)
    ]
    found = load(table(tmp_path, lines, "t.jsonl"))
    assert found.view is None and found.class_names == ("x", "y")


def test_columns_with_one_yes_in_each_row_are_classes(tmp_path):
    found = load(columns(tmp_path, ((1, 0), (0, 1), (0, 1), (1, 0), (0, 1))))
    assert found.view is None and found.split("val").labels.tolist() == [0, 1, 1, 0, 1]


def test_minus_one_is_no_where_nothing_else_is(tmp_path):
    found = load(columns(tmp_path, ((1, 1), (-1, 1), (-1, -1), (1, -1), (-1, 1))), label="cat")
    assert marks_of(found) == {"cat": CAT, "dog": DOG}


def test_what_is_not_known_of_the_label_is_left_out_and_counted(tmp_path):
    found = load(columns(tmp_path, ((1, 1), (0, ""), (0, 0), (-1, 0), ("nan", 1))), label="cat")
    assert list(found.split("val").paths) == ["a.png", "b.png", "c.png"]
    assert found.split("val").labels.tolist() == [1, 0, 0]
    assert marks_of(found) == {"cat": [1, 0, 0], "dog": [1, -1, 0]}
    assert any('2 images that do not say about "cat" are left out' in note for note in found.notes)


def test_columns_that_are_no_labels_of_the_classifier_are_groups(tmp_path):
    lines = [
        "path,cat,indoors,dog",
        *(f"{n}.png,{c},{i},{d}" for n, c, i, d in zip("abcde", CAT, "10101", DOG, strict=True)),
    ]
    found = load(table(tmp_path, lines), NAMED, label="dog")
    assert found.view.names == ("cat", "dog")
    assert found.split("val").columns["indoors"] == ["yes", "no", "yes", "no", "yes"]


def test_another_label_can_make_groups(tmp_path):
    found = load(columns(tmp_path), label="cat", groups=("dog",))
    assert found.split("val").columns["dog"] == ["yes", "yes", "no", "no", "yes"]


def test_classes_name_the_outputs(tmp_path):
    (tmp_path / "names.txt").write_text("dog\nsun\ncat\n")
    found = load(columns(tmp_path), ModelClasses(3), label="cat", classes=str(tmp_path / "names.txt"))
    assert found.view.outputs == (2, 0)


def test_thresholds_from_a_table(tmp_path):
    source = columns(tmp_path)
    (tmp_path / "thresholds.csv").write_text("label,threshold\ndog,0.25\ncat,0.6\n")
    found = load(source, label="cat", threshold=str(tmp_path / "thresholds.csv"))
    assert found.view.thresholds == (0.6, 0.25) and found.view.threshold == 0.6


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"label": "cow"}, '--label "cow" is not a label'),
        ({"threshold": "1.5"}, "--threshold 1.5 is out of range"),
        ({"threshold": "none.csv"}, "no such file"),
        ({"model": ModelClasses(5)}, "the classifier has 5 outputs"),
        ({"model": ModelClasses(2, ("bee", "wasp"))}, '"cat" is not in the classifier'),
    ],
)
def test_what_does_not_fit_is_refused_by_name(tmp_path, options, words):
    source = columns(tmp_path)
    with pytest.raises(InputError, match="(?s)" + words.replace("(", r"\(")):
        load(source, **options)


def test_a_label_that_no_image_says_anything_about_is_refused(tmp_path):
    source = columns(tmp_path, (("", 1), ("", 1), ("", 0), ("", 0), ("", 1)))
    with pytest.raises(InputError, match="no column"):
        load(source)


def test_the_view_is_part_of_what_a_session_is_made_from(tmp_path):
    source = columns(tmp_path)
    prints = {
        load(source, label=label, threshold=t).fingerprint()
        for label in ("cat", "dog")
        for t in ("0.5", "0.4")
    }
    assert len(prints) == 4


def test_marks_are_small(tmp_path):
    assert load(columns(tmp_path)).split("val").marks.dtype == torch.int8


@pytest.mark.parametrize("outputs", [2, 3])
def test_no_finding_is_no_label_unless_it_is_one_of_the_outputs(tmp_path, outputs):
    cells = ["Mass|Nodule", "No Finding", "Mass", "Nodule", "No Finding"]
    lines = [
        "Image Index,Finding Labels",
        *(f"{n}.png,{cell}" for n, cell in zip("abcde", cells, strict=True)),
    ]
    found = marks_of(load(table(tmp_path, lines), ModelClasses(outputs), label="Mass"))
    expected = {"Mass": [1, 0, 1, 0, 0], "Nodule": [1, 0, 0, 1, 0]}
    assert found == expected | ({"No Finding": [0, 1, 0, 0, 1]} if outputs == 3 else {})
