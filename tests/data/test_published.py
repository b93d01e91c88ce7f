"""Miniature replicas in the very on-disk formats of Flowers102 and Food101."""

import json

import numpy as np
import pytest
from scipy.io import savemat

from neuroinspect_tui.config import DataConfig
from neuroinspect_tui.data.dataset import load_dataset
from neuroinspect_tui.data.published import read_flowers102
from neuroinspect_tui.errors import InputError
from neuroinspect_tui.torchvision_compat import import_torchvision

from .conftest import save

FLOWERS = [2, 1, 4, 4, 1, 3, 2, 4]
FLOWER_SPLITS = {"train": [8, 2], "val": [1, 5, 3], "test": [4, 6, 7]}
FOOD = {"train": {"steak": ["steak/7", "steak/3"], "apple_pie": ["apple_pie/1"]}}
FOOD["test"] = {"apple_pie": ["apple_pie/9", "apple_pie/8"], "steak": ["steak/2"]}


@pytest.fixture
def flowers(tmp_path):
    folder = tmp_path / "flowers-102"
    for number in range(1, 9):
        save(folder / "jpg" / f"image_{number:05d}.jpg", seed=number)
    keys = {"train": "trnid", "val": "valid", "test": "tstid"}
    savemat(folder / "setid.mat", {keys[split]: np.array([ids]) for split, ids in FLOWER_SPLITS.items()})
    savemat(folder / "imagelabels.mat", {"labels": np.array([FLOWERS], dtype=np.uint8)})
    return tmp_path


@pytest.fixture
def food(tmp_path):
    folder = tmp_path / "food-101"
    (folder / "meta").mkdir(parents=True)
    for split, classes in FOOD.items():
        (folder / "meta" / f"{split}.json").write_text(json.dumps(classes))
        for images in classes.values():
            for image in images:
                save(folder / "images" / f"{image}.jpg")
    return tmp_path


def test_flowers102(flowers):
    dataset = load_dataset(DataConfig("torchvision:Flowers102", root=str(flowers)))
    assert dataset.name == "flowers-102"
    assert dataset.class_names == (
        "pink primrose",
        "hard-leaved pocket orchid",
        "canterbury bells",
        "sweet pea",
    )
    for split, numbers in FLOWER_SPLITS.items():
        assert dataset.split(split).paths == [f"jpg/image_{number:05d}.jpg" for number in numbers]
        assert dataset.split(split).labels.tolist() == [FLOWERS[number - 1] - 1 for number in numbers]


def test_flowers102_equals_torchvision(flowers, monkeypatch):
    theirs = import_torchvision().datasets.Flowers102
    monkeypatch.setattr(theirs, "_check_integrity", lambda self: True)
    ours = load_dataset(DataConfig(str(flowers / "flowers-102")))
    for split in ("train", "val", "test"):
        reference = theirs(str(flowers), split)
        assert ours.split(split).labels.tolist() == reference._labels
        for row in range(len(reference)):
            assert ours.split(split).open(row).tobytes() == reference[row][0].tobytes()


def test_food101_equals_torchvision(food):
    theirs = import_torchvision().datasets.Food101
    by_name = load_dataset(DataConfig("torchvision:Food101", root=str(food), split="test"))
    by_folder = load_dataset(DataConfig(str(food / "food-101"), split="test"))
    assert by_name.class_names == by_folder.class_names == ("apple_pie", "steak")
    assert by_name.fingerprint() == by_folder.fingerprint()
    for split in ("train", "test"):
        reference = theirs(str(food), split)
        assert by_name.split(split).labels.tolist() == reference._labels
        assert [food / "food-101" / path for path in by_name.split(split).paths] == reference._image_files


def test_lines_for_folders_that_are_not_there_or_broken(flowers, food, tmp_path):
    def line(source, **options):
        with pytest.raises(InputError) as caught:
            load_dataset(DataConfig(source, **options))
        return str(caught.value)

    root = str(tmp_path / "empty")
    assert line("torchvision:Flowers102", root=root) == (
        f"-d torchvision:Flowers102 is not in --data-root {root} (no flowers-102/): "
        f"run first: from torchvision.datasets import Flowers102; Flowers102('{root}', download=True)"
    )
    labels = tmp_path / "flowers-102" / "imagelabels.mat"
    labels.unlink()
    files = "unpack setid.mat, imagelabels.mat and jpg/ there again"
    reason = "Reader needs file name or open file-like object"
    assert line(str(labels.parent)) == f"{labels.parent} cannot be read ({reason}): {files}"
    meta = tmp_path / "food-101" / "meta" / "train.json"
    meta.write_text("[]")
    expected = f"{meta.parent.parent} cannot be read ('list' object has no attribute 'items'): "
    assert (
        line(str(meta.parent.parent))
        == expected + "unpack meta/train.json, meta/test.json and images/ there again"
    )


def test_files_of_a_newer_matlab_are_one_line_that_names_the_folder(tmp_path):
    header = b"MATLAB 7.3 MAT-file".ljust(124) + bytes([0, 2]) + b"IM"
    (tmp_path / "setid.mat").write_bytes(header.ljust(512, b"\0"))
    with pytest.raises(InputError, match=r"v7\.3") as caught:
        read_flowers102(tmp_path)
    assert str(tmp_path) in str(caught.value) and "unpack setid.mat" in str(caught.value)
