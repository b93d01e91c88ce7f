import pytest

from neuroinspect_tui.data.folders import read_folders
from neuroinspect_tui.errors import InputError

from .conftest import save


def line(path):
    with pytest.raises(InputError) as caught:
        read_folders(path)
    return str(caught.value)


def test_class_folders(class_folders):
    table = read_folders(class_folders)
    assert table.name == "animals"
    assert table.paths == ["cat/a.jpg", "cat/b.png", "dog/a.jpg", "dog/c.bmp", "dog/d.webp"]
    assert table.labels == ["cat", "cat", "dog", "dog", "dog"]
    assert (table.splits, table.columns, table.notes, table.named) == (None, {}, (), True)


def test_split_folders_and_what_else_lies_there(tmp_path):
    names = ("train/cat/a.png", "train/dog/e.png", "valid/cat/b.png", "valid/dog/c.png", "logs/run/d.png")
    for name in names:
        save(tmp_path / name)
    table = read_folders(tmp_path)
    assert table.paths == ["train/cat/a.png", "train/dog/e.png", "valid/cat/b.png", "valid/dog/c.png"]
    assert table.labels == ["cat", "dog", "cat", "dog"]
    assert table.splits == ["train", "train", "val", "val"]
    assert table.notes == ("not a split, skipped: logs",)


def test_a_split_folder_given_alone_is_told_of_the_others(tmp_path):
    for name in ("train/cat/a.png", "train/dog/a.png", "val/cat/b.png"):
        save(tmp_path / name)
    assert read_folders(tmp_path / "train").notes == (
        f"{tmp_path / 'train'} is one split of several: {tmp_path} has val too, "
        f"give -d {tmp_path} to repair with them",
    )
    assert read_folders(tmp_path).notes == ()


def test_files_are_images_by_their_suffix(class_folders):
    for name in ("cat/notes.txt", "cat/.DS_Store", "dog/._a.jpg", "dog/CLAIMS.JPG"):
        (class_folders / name).write_text("no picture")
    table = read_folders(class_folders)
    assert "dog/CLAIMS.JPG" in table.paths
    assert len(table.paths) == 6
    assert table.notes == ("skipped, no image by its name: .DS_Store and 2 more",)


def test_metashift_folders_inside_a_class_become_a_column(tmp_path):
    for name in ("cat/cat(sofa)/1.jpg", "cat/cat(bed)/2.jpg", "dog/dog(bench)/3.jpg"):
        save(tmp_path / "train" / name)
    save(tmp_path / "test" / "cat" / "4.jpg")
    table = read_folders(tmp_path)
    assert table.labels == ["cat", "cat", "cat", "dog"]
    assert table.columns == {"folder": ["", "cat(bed)", "cat(sofa)", "dog(bench)"]}


def test_an_empty_class_folder_is_a_class(class_folders):
    (class_folders / "bird").mkdir()
    table = read_folders(class_folders)
    assert table.classes == ("bird", "cat", "dog")
    assert table.notes == ("no images of class: bird",)
    for number in range(9):
        (class_folders / f"new {number}").mkdir()
    names = "bird, new 0, new 1, new 2, new 3 and 5 more"
    assert read_folders(class_folders).notes == (f"no images of class: {names}",)


def test_a_link_loop_inside_a_class_is_not_followed(class_folders):
    (class_folders / "cat" / "again").symlink_to(class_folders)
    table = read_folders(class_folders)
    assert len(table.paths) == 5
    assert table.notes == ("skipped, no image by its name: again",)


def test_lines_for_folders_without_class_folders(tmp_path):
    assert line(tmp_path) == f"{tmp_path} holds no images: give a folder of class folders, or a manifest.csv"
    save(tmp_path / "a.png")
    assert line(tmp_path) == (
        f"{tmp_path} holds 1 images but no class folders: put each class's images in a folder of its name, "
        "or give a table of path and label as -d"
    )
