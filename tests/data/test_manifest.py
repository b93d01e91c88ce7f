from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from neuroinspect_tui.data.manifest import read_manifest
from neuroinspect_tui.data.splits import plain_split, split_name
from neuroinspect_tui.errors import InputError

from .conftest import write_csv


def line(path):
    with pytest.raises(InputError) as caught:
        read_manifest(path)
    return str(caught.value)


def test_columns_are_told_apart(tmp_path):
    rows = [["path", "split", "label", "class_name", "camera"], ["a.png", "val", "1", "dog", "x, y"]]
    file = write_csv(tmp_path / "birds.csv", [*rows, [], ["b c.png", "test", " 0 ", "cat", ""]])
    table = read_manifest(file)
    assert (table.name, table.origin, table.root) == ("birds", str(file), tmp_path)
    assert table.paths == ["a.png", "b c.png"]
    assert (table.labels, table.splits, table.class_names) == (["1", "0"], ["val", "test"], ["dog", "cat"])
    assert table.columns == {"camera": ["x, y", ""]}


def test_a_manifest_is_called_like_its_folder_and_may_have_another_root(tmp_path):
    file = write_csv(tmp_path / "birds" / "manifest.csv", [["path", "label"], ["a.png", "x"]])
    table = read_manifest(file, tmp_path)
    assert (table.name, table.root, table.splits, table.columns) == ("birds", tmp_path, None, {})


def test_waterbirds_as_published(tmp_path):
    header = ["img_id", "img_filename", "y", "split", "place", "place_filename"]
    rows = [
        [
            "1",
            "001.Black_footed_Albatross/Black_Footed_Albatross_0046_18.jpg",
            "1",
            "0",
            "0",
            "/b/forest/1.jpg",
        ],
        ["2", "009.Brewer_Blackbird/Brewer_Blackbird_0007_2687.jpg", "0", "2", "1", "/o/ocean/2.jpg"],
    ]
    table = read_manifest(write_csv(tmp_path / "metadata.csv", [header, *rows]))
    assert table.paths == [row[1] for row in rows]
    assert (table.labels, table.splits) == (["1", "0"], ["0", "2"])
    assert table.class_names == ["waterbird", "landbird"]
    assert sorted(table.columns) == ["img_id", "place", "place_filename"]


def test_group_benchmarks_with_filename_y_a(tmp_path):
    file = write_csv(
        tmp_path / "metadata_metashift.csv",
        [["id", "filename", "split", "y", "a"], ["0", "d/1.jpg", "0", "1", "0"]],
    )
    table = read_manifest(file)
    assert (table.paths, table.labels, table.class_names) == (["d/1.jpg"], ["1"], None)


def test_repeated_texts_are_held_once(tmp_path):
    rows = [[f"{row}.png", "cat", "camera 1"] for row in range(50)]
    table = read_manifest(write_csv(tmp_path / "m.csv", [["path", "label", "camera"], *rows]))
    assert len({id(value) for value in table.columns["camera"]}) == 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("path,lable\na.png,1\n", 'has no column "label": rename its column "lable"'),
        (
            "camera,label\na.png,1\n",
            'has no column "path": it has camera, label; its first line must be path,label and any further columns',
        ),
        ("", 'has no column "path": it is empty; its first line must be path,label and any further columns'),
        ("path,label\n", "lists no images: add a row for each image"),
        ("path,label,path\na,1,b\n", 'has two columns "path": give each column its own name'),
        ("path,label\na.png,1\nb.png\n", "row 2 has 1 cells, its header 2: quote cells that hold a comma"),
        (
            "path,label\na.png,1\nb,c.png,1\n",
            "row 2 has 3 cells, its header 2: quote cells that hold a comma",
        ),
        ("path,label\n,1\n", "row 1 has no path: fill the cell, or remove the row"),
    ],
)
def test_lines_for_manifests_that_cannot_be_used(tmp_path, text, expected):
    file = tmp_path / "m.csv"
    file.write_text(text)
    assert line(file) == f"{file} {expected}"


def test_two_columns_that_could_be_the_class_are_a_question(tmp_path):
    file = write_csv(
        tmp_path / "m.csv", [["path", "class", "species"], ["a.png", "1", "x"], ["b.png", "1", "y"]]
    )
    assert line(file) == (f'{file}: the class could be "class" or "species": which one? Rename it to label')


def test_lines_for_files_that_are_no_csv(tmp_path):
    gone, binary, huge = (tmp_path / name for name in ("gone.csv", "binary.csv", "huge.csv"))
    binary.write_bytes(b"path,label\na\0.png,1\n")
    huge.write_text("path,label\n" + "a" * 200_000 + ",1\n")
    assert line(gone) == f"{gone}: no such file: check -d"
    assert line(binary) == f"{binary} is not text: save it as CSV in UTF-8"
    remedy = "give a CSV file or JSON lines in UTF-8"
    assert line(huge) == f"{huge} cannot be read (field larger than field limit (131072)): {remedy}"


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("m.csv", b"path;label;split\na.png;cat;train\nb, c.png;dog;test\n"),
        ("m.tsv", b"path\tlabel\tsplit\na.png\tcat\ttrain\nb, c.png\tdog\ttest\n"),
        ("m.csv", b"'path','label','split'\n'a.png','cat','train'\n'b, c.png','dog','test'\n"),
        ("m.csv", '\ufeff"path","label","split"\r\na.png,cat,train\r\n"b, c.png",dog,test\r\n'.encode()),
        ("m.csv", "path|label|split\na.png|cat|train\nb, c.png|dog|test\n".encode("utf-16")),
        (
            "m.csv",
            "File Name,CLASS,Split,,\na.png,cat,train,,\n'b, c.png',dog,test,,\n".replace("'", '"').encode(),
        ),
        ("m.csv", b'image_path,Species,set\na.png, cat ,Training\n"b, c.png",dog,testing\n'),
        ("m.csv", b'image,cat,dog,partition\na.png,1,0,train\n"b, c.png",0,1,test\n'),
        (
            "m.jsonl",
            b'{"file_name": "a.png", "label": "cat", "split": "train"}\n'
            b'{"file_name": "b, c.png", "label": "dog", "split": "test"}\n',
        ),
    ],
)
def test_dialects_and_usual_column_names(tmp_path, name, data):
    (tmp_path / name).write_bytes(data)
    table = read_manifest(tmp_path / name)
    assert (table.paths, table.labels) == (["a.png", "b, c.png"], ["cat", "dog"])
    assert [split_name(split) for split in table.splits] == ["train", "test"]
    assert (table.columns, table.notes) == ({}, ())


def test_text_in_another_encoding_is_read_and_told(tmp_path):
    file = tmp_path / "m.csv"
    file.write_bytes("path,label\ncafé.png,1\n".encode("cp1252"))
    table = read_manifest(file)
    assert (table.paths, table.notes) == (["café.png"], ("m.csv is not UTF-8: read as Windows-1252",))


def test_a_column_called_set_that_names_no_splits_makes_groups(tmp_path):
    table = read_manifest(write_csv(tmp_path / "m.csv", [["path", "label", "set"], ["a.png", "x", "blue"]]))
    assert (table.splits, table.columns) == (None, {"set": ["blue"]})


def test_split_folders_in_the_paths_are_the_splits(tmp_path):
    rows = [["path", "label"], ["img/train/a.png", "x"], ["img/val/b.png", "y"]]
    assert read_manifest(write_csv(tmp_path / "m.csv", rows)).splits == ["train", "val"]


TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.tuples(TEXT, TEXT.filter(str.strip), TEXT), min_size=1))
def test_any_text_comes_back_raw(tmp_path, rows):
    table = read_manifest(write_csv(tmp_path / "m.csv", [("path", "label", "camera"), *rows]))
    assert table.paths == [path for path, _, _ in rows]
    assert table.labels == [label.strip() for _, label, _ in rows]
    assert table.columns == {"camera": [camera.strip() for _, _, camera in rows]}


def test_image_ids_without_a_suffix_are_files_of_the_data_root(tmp_path):
    for name in ("1001.JPG", "1002.JPG"):
        (tmp_path / name).touch()
    table = read_manifest(
        write_csv(tmp_path / "l" / "m.csv", [["image_id", "dx"], ["1001", "nv"], ["1002", "bkl"]]), tmp_path
    )
    assert (table.paths, table.labels) == (["1001.JPG", "1002.JPG"], ["nv", "bkl"])
    assert table.notes == ("image_id is read as file names with .JPG",)


def test_label_studios_export(tmp_path):
    rows = [
        ["image", "id", "choice", "annotator", "lead_time"],
        ["/data/upload/3/ab12-cat%201.png", "1", "cat", "1", "2.5"],
        ["/data/local-files/?d=pets/dog.png", "2", "dog", "1", "3.5"],
    ]
    table = read_manifest(write_csv(tmp_path / "m.csv", rows))
    assert (table.paths, table.labels) == (["ab12-cat 1.png", "pets/dog.png"], ["cat", "dog"])


@pytest.mark.parametrize(
    ("header", "cells", "expected"),
    [
        ("is_valid", ["False", "False", "True", "True"], {"train": 2, "val": 2}),
        ("is_train", ["1", "0", "1", "1"], {"train": 3, "test": 1}),
        ("is_test", ["no", "no", "no", "yes"], {"train": 3, "test": 1}),
        ("is_train,is_val", ["1,0", "0,1", "0,0", "1,0"], {"train": 2, "val": 1, "test": 1}),
        (
            "Usage",
            ["Training", "PublicTest", "PrivateTest", "Training"],
            {"train": 2, "PublicTest": 1, "PrivateTest": 1},
        ),
        ("phase", ["train", "val", "val", "train"], {"train": 2, "val": 2}),
    ],
)
def test_columns_that_say_the_split_in_another_way(tmp_path, header, cells, expected):
    rows = [[f"{index}.png", "ab"[index % 2], *cell.split(",")] for index, cell in enumerate(cells)]
    file = write_csv(tmp_path / "t.csv", [["fname", "label", *header.split(",")], *rows])
    table = read_manifest(file)
    assert table.splits is not None and not table.columns
    assert dict(Counter(plain_split(name) or name for name in table.splits)) == expected
