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


def line(table):
    with pytest.raises(InputError) as caught:
        build_dataset(table, None, "val", allow_outside=False)
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
