import pytest

from neuroinspect_tui.data.build import build_dataset
from neuroinspect_tui.data.table import Table
from neuroinspect_tui.errors import InputError

from .conftest import save


@pytest.fixture
def make(tmp_path):
    def make(paths, labels=None, on_disk=None, **more):
        for path in paths if on_disk is None else on_disk:
            save(tmp_path / "root" / path)
        labels = labels or ["cat", "dog"] * len(paths)
        return Table("set", "set.csv", tmp_path / "root", paths, labels[: len(paths)], **more)

    return make


def line(table, split="val"):
    with pytest.raises(InputError) as caught:
        build_dataset(table, None, split, allow_outside=False)
    return str(caught.value)


def test_rows_go_to_their_splits_in_order_with_their_columns(make):
    table = make(
        ["a.png", "b.png", "c.png", "d.png"],
        ["dog", "cat", "cat", "dog"],
        splits=["test", "Training", "extra", "train"],
        columns={"camera": ["1", "2", "3", "4"]},
    )
    dataset = build_dataset(table, None, "val", allow_outside=False)
    assert list(dataset.splits) == ["train", "test", "extra"]
    train = dataset.split("train")
    assert (train.paths, train.labels.tolist()) == (["b.png", "d.png"], [0, 1])
    assert train.columns == {"camera": ["2", "4"]}
    assert dataset.split("test").labels.tolist() == [1]
    assert train.open(1).mode == "RGB"


def test_numbered_splits_are_train_val_test(make):
    table = make(["a.png", "b.png", "c.png"], splits=["2", "0", "1"])
    dataset = build_dataset(table, None, "val", allow_outside=False)
    assert {name: split.paths for name, split in dataset.splits.items()} == {
        "train": ["b.png"],
        "val": ["c.png"],
        "test": ["a.png"],
    }


def test_without_splits_all_images_belong_to_the_debugged_one(make):
    dataset = build_dataset(make(["a.png", "b.png"]), None, "Validation", allow_outside=False)
    assert {name: len(split) for name, split in dataset.splits.items()} == {"val": 2}


def test_lines_for_rows_that_cannot_be(make):
    assert line(make(["a.png", "b.png", "a.png"])) == (
        'set.csv row 3 lists "a.png" again (first in row 1): keep one row for each image'
    )
    assert line(make(["a.png", "b.png"], splits=["val", " "])) == (
        "set.csv row 2 has no split: write train, val or test"
    )


@pytest.mark.parametrize("path", ["../b.png", "/etc/b.png", "sub/../../b.png", "bad\0folder/b.png"])
def test_paths_that_leave_the_root_are_refused(make, path):
    remedy = "keep images inside it, or give --allow-outside"
    expected = f'set.csv: "{path}" leaves the data folder: {remedy}'
    assert line(make(["a.png", path], on_disk=["a.png"])) == expected


def test_a_linked_folder_that_leaves_the_root_is_refused(make, tmp_path):
    save(tmp_path / "elsewhere" / "b.png")
    table = make(["a.png", "cats/b.png"], on_disk=["a.png"])
    (tmp_path / "root" / "cats").symlink_to(tmp_path / "elsewhere")
    assert line(table).startswith('set.csv: "cats/b.png" leaves the data folder')
    assert len(build_dataset(table, None, "val", allow_outside=True).split("val")) == 2


def test_a_few_missing_images_are_left_for_later_but_a_wrong_root_is_refused(make, tmp_path):
    paths = [f"{row}.png" for row in range(200)]
    assert (
        len(build_dataset(make(paths, on_disk=["4.png"]), None, "val", allow_outside=False).split("val"))
        == 200
    )
    (tmp_path / "root" / "4.png").unlink()
    assert line(make(paths, on_disk=[])) == (
        f'set.csv: its images are not in {tmp_path / "root"} (for example "0.png"): '
        "give the folder that holds them as --data-root"
    )


@pytest.mark.parametrize(
    ("written", "stored", "expected"),
    [
        (
            "img\\a.png",
            "img/a.png",
            'set.csv: paths are written with backslashes (for example "img\\a.png"): '
            'write "img/a.png": forward slashes, relative to ROOT',
        ),
        (
            "C:\\data\\img\\a.png",
            "img/a.png",
            'set.csv: paths are written with backslashes (for example "C:\\data\\img\\a.png"): '
            'write "img/a.png": forward slashes, relative to ROOT',
        ),
        (
            "/nowhere/set/img/a.png",
            "img/a.png",
            'set.csv: paths are absolute and not on this machine (for example "/nowhere/set/img/a.png"): '
            'write "img/a.png"',
        ),
        (
            "cafe\u0301.png",
            "caf\u00e9.png",
            'set.csv: paths are in another Unicode form than the files (for example "cafe\u0301.png"): '
            "write them in NFC, as the files are named",
        ),
        (
            "img/a",
            "img/a.png",
            'set.csv: paths lack the suffix of the files (for example "img/a"): write img/a.png',
        ),
        (
            "root/data/a.png",
            "a.png",
            'set.csv: paths begin with "root/data/", which is not in ROOT (for example "root/data/a.png"): '
            'write "a.png"',
        ),
    ],
)
def test_paths_that_are_not_there_are_told_why(make, tmp_path, written, stored, expected):
    assert (
        line(make([written, f"2{written}"], on_disk=[stored])).replace(str(tmp_path / "root"), "ROOT")
        == expected
    )


def test_images_in_a_folder_above_are_found_for_the_remedy(make, tmp_path):
    save(tmp_path / "images" / "a.png")
    assert line(make(["images/a.png"], on_disk=["x.png"])).endswith(f"give --data-root {tmp_path}")


def test_two_spellings_of_one_path_are_one_image(make):
    assert line(make(["a.png", "./a.png"], on_disk=["a.png"])) == (
        'set.csv row 2 lists "./a.png" again (first in row 1 as "a.png"): keep one row for each image'
    )
    assert "again (first in row 1" in line(make(["b/a.png", "b//../b/a.png"], on_disk=["b/a.png"]))


@pytest.mark.parametrize("empty", ["", "nan", "NaN", "-1", "-1.0"])
def test_rows_without_a_label_are_left_out_of_other_splits_and_refused_in_the_debugged_one(make, empty):
    paths = ["a.png", "b.png", "c.png", "d.png"]
    table = make(paths, ["0", "1", "0", empty], splits=["val", "val", "train", "train"])
    dataset = build_dataset(table, None, "val", allow_outside=False)
    assert {name: split.paths for name, split in dataset.splits.items()} == {
        "val": ["a.png", "b.png"],
        "train": ["c.png"],
    }
    assert dataset.class_names == ("0", "1")
    assert "1 images have no label and are left out" in dataset.notes
    assert line(table, "train").startswith("set.csv row 4 has no label")


def test_a_split_without_any_label_says_so_when_asked_for(make):
    table = make(["a.png", "b.png", "c.png"], ["cat", "dog", ""], splits=["val", "val", "test"])
    dataset = build_dataset(table, None, "val", allow_outside=False)
    with pytest.raises(InputError, match="no image of the split has a label"):
        dataset.split("test")


def test_minus_one_and_one_are_a_question(make):
    assert line(make(["a.png", "b.png"], ["-1", "1"])) == (
        "set.csv has the labels -1, 1: "
        "is -1 a class? Write 0 and 1; leave the cells of unlabelled images empty"
    )
