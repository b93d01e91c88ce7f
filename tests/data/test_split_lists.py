"""Lists of the images of each split beside them."""

import pytest

from neuroinspect_tui.config import DataConfig
from neuroinspect_tui.data.dataset import load_dataset
from neuroinspect_tui.errors import InputError

from .conftest import save


def load(root, split="test"):
    return load_dataset(DataConfig(str(root), split=split))


def classes(root, folder="images"):
    for name in ("bee", "ant"):
        for index in range(3):
            save(root / folder / name / f"{index}.png", seed=index)


@pytest.mark.parametrize("form", ["{0}/{1}.png", "images/{0}/{1}.png", "{0}/{1}", "./images/{0}/{1}.png"])
@pytest.mark.parametrize("folder", [".", "splits"])
def test_class_folders_are_divided_by_their_lists(tmp_path, form, folder):
    """All of them as `test` would count the images that the classifier was trained on."""
    classes(tmp_path)
    (tmp_path / folder).mkdir(exist_ok=True)
    for split, indices in (("train", (0, 1)), ("test", (2,))):
        lines = [form.format(name, index) for name in ("ant", "bee") for index in indices]
        (tmp_path / folder / f"{split}.txt").write_text("\n".join(lines) + "\n")
    found = load(tmp_path)
    assert list(found.split("test").paths) == ["images/ant/2.png", "images/bee/2.png"]
    assert found.split("test").labels.tolist() == [0, 1] and len(found.split("train")) == 4
    assert any("the splits are those of" in note for note in found.notes)


def test_images_in_no_list_are_left_out_and_counted(tmp_path):
    classes(tmp_path)
    (tmp_path / "train_list.txt").write_text("ant/0.png\nbee/0.png\n")
    (tmp_path / "test_list.txt").write_text("ant/1.png\nbee/1.png\n")
    found = load(tmp_path)
    assert {name: len(split) for name, split in found.splits.items()} == {"train": 2, "test": 2}
    assert any("2 images in none of them are left out" in note for note in found.notes)


def test_an_image_in_two_lists_is_refused(tmp_path):
    classes(tmp_path)
    (tmp_path / "train.txt").write_text("ant/0.png\nbee/0.png\n")
    (tmp_path / "test.txt").write_text("ant/1.png\nant/0.png\n")
    with pytest.raises(InputError, match=r"images/ant/0.png is in the lists of test and of train"):
        load(tmp_path)


def test_lists_of_something_else_are_no_lists(tmp_path):
    classes(tmp_path)
    (tmp_path / "train.txt").write_text("epoch 1 loss 0.3\nepoch 2 loss 0.2\n")
    (tmp_path / "test.txt").write_text("accuracy 0.9\n")
    assert len(load(tmp_path, "val").split("val")) == 6


def test_one_list_alone_divides_nothing(tmp_path):
    classes(tmp_path)
    (tmp_path / "train.txt").write_text("ant/0.png\nbee/0.png\n")
    assert len(load(tmp_path, "val").split("val")) == 6


def test_lists_give_the_labels_of_images_in_one_folder(tmp_path):
    for index in range(4):
        save(tmp_path / "images" / f"{index}.png", seed=index)
    (tmp_path / "train.txt").write_text("images/0.png 0\nimages/1.png 1\n")
    (tmp_path / "val.txt").write_text("images/2.png 1\nimages/3.png 0\n")
    found = load(tmp_path, "val")
    assert found.split("val").labels.tolist() == [1, 0] and found.split("train").labels.tolist() == [0, 1]


@pytest.mark.parametrize("sign", [" ", "\t", ",", ";"])
def test_a_list_without_a_header_is_a_table_of_path_and_label(tmp_path, sign):
    for index in range(2):
        save(tmp_path / f"{index}.png", seed=index)
    (tmp_path / "list.txt").write_text(f"0.png{sign}dog\n1.png{sign}cat\n")
    found = load(tmp_path / "list.txt", "val")
    assert found.class_names == ("cat", "dog") and found.split("val").labels.tolist() == [1, 0]
    assert any("has no header line" in note for note in found.notes)
