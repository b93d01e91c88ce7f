import pickle

import numpy as np
import pytest

from neuroinspect_tui.config import DataConfig
from neuroinspect_tui.data.dataset import load_dataset
from neuroinspect_tui.data.images import UnreadableImage
from neuroinspect_tui.data.torchvision_sets import IndexedImages
from neuroinspect_tui.errors import InputError
from neuroinspect_tui.torchvision_compat import import_torchvision

from .conftest import save


def load(name, root, **options):
    return load_dataset(DataConfig(f"torchvision:{name}", root=str(root), **options))


def line(name, root, **options):
    with pytest.raises(InputError) as caught:
        load(name, root, **options)
    return str(caught.value)


@pytest.fixture
def textures(tmp_path):
    """A replica of DTD, whose splits are lists of files."""
    folder = tmp_path / "dtd" / "dtd"
    splits = {
        "train": ["zigzagged/b", "dotted/a"],
        "val": ["dotted/e", "zigzagged/c"],
        "test": ["dotted/d", "zigzagged/f"],
    }
    for split, names in splits.items():
        (folder / "labels").mkdir(parents=True, exist_ok=True)
        (folder / "labels" / f"{split}1.txt").write_text("".join(f"{name}.jpg\n" for name in names))
        for name in names:
            save(folder / "images" / f"{name}.jpg", seed=len(name))
    return tmp_path


@pytest.fixture
def digits(tmp_path, monkeypatch):
    """A replica of CIFAR-10, whose images lie in pickled arrays that torchvision reads."""
    cifar = import_torchvision().datasets.CIFAR10
    monkeypatch.setattr(cifar, "_check_integrity", lambda self: True)
    monkeypatch.setattr("torchvision.datasets.cifar.check_integrity", lambda *_: True)
    folder = tmp_path / "cifar-10-batches-py"
    folder.mkdir()
    pixels = np.random.default_rng(0).integers(0, 256, (4, 3072), dtype=np.uint8)
    for name, _ in cifar.train_list + cifar.test_list:
        entry = {"data": pixels, "labels": [3, 1, 9, 1]}
        (folder / name).write_bytes(pickle.dumps(entry))
    (folder / "batches.meta").write_bytes(
        pickle.dumps({"label_names": [f"class {index}" for index in range(10)]})
    )
    return tmp_path, pixels


def test_a_set_of_files_keeps_their_paths(textures):
    dataset = load("DTD", textures)
    assert dataset.name == "DTD"
    assert list(dataset.splits) == ["train", "val", "test"]
    assert dataset.split("train").paths == ["dtd/dtd/images/zigzagged/b.jpg", "dtd/dtd/images/dotted/a.jpg"]
    theirs = import_torchvision().datasets.DTD(str(textures), "val")
    assert dataset.split("val").labels.tolist() == theirs._labels
    assert dataset.class_names == tuple(theirs.classes)
    assert dataset.split("val").open(0).tobytes() == theirs[0][0].tobytes()


def test_splits_that_disagree_about_the_classes_are_refused(textures):
    (textures / "dtd" / "dtd" / "labels" / "val1.txt").write_text("dotted/e.jpg\n")
    assert line("DTD", textures) == (
        "-d torchvision:DTD has other classes in val than in train: its files are not complete"
    )


def test_an_unreadable_file_is_listed(textures):
    dataset = load("DTD", textures)
    (textures / "dtd/dtd/images/zigzagged/c.jpg").write_text("text")
    with pytest.raises(UnreadableImage):
        dataset.split("val").open(1)


def test_a_set_of_arrays_numbers_its_images(digits):
    root, pixels = digits
    dataset = load("CIFAR10", root, split="test")
    assert {name: len(split) for name, split in dataset.splits.items()} == {"train": 20, "test": 4}
    assert dataset.class_names[9] == "class 9"
    assert dataset.split("test").paths[2] == "test/000002"
    assert dataset.split("test").labels.tolist() == [3, 1, 9, 1]
    stored = pixels[2].reshape(3, 32, 32).transpose(1, 2, 0)
    np.testing.assert_array_equal(np.asarray(dataset.split("test").open(2)), stored)


def test_a_class_list_renames(digits, tmp_path):
    (tmp_path / "ten.txt").write_text("\n".join("abcdefghij"))
    (tmp_path / "two.txt").write_text("a\nb")
    assert load("CIFAR10", digits[0], split="test", classes=str(tmp_path / "ten.txt")).class_names[3] == "d"
    assert line("CIFAR10", digits[0], split="test", classes=str(tmp_path / "two.txt")) == (
        "torchvision:CIFAR10 has 10 classes, --classes names 2: name every class"
    )


def test_a_set_without_splits_is_the_debugged_split(tmp_path):
    for name in ("AnnualCrop/1.jpg", "River/2.jpg"):
        save(tmp_path / "eurosat" / "2750" / name)
    dataset = load("EuroSAT", tmp_path)
    assert {name: split.paths for name, split in dataset.splits.items()} == {
        "val": ["eurosat/2750/AnnualCrop/1.jpg", "eurosat/2750/River/2.jpg"]
    }


def test_lines_for_names_that_cannot_be_loaded(tmp_path):
    assert line("CIFAR11", tmp_path) == (
        '-d torchvision:CIFAR11 is not a torchvision data set: did you mean "CIFAR10"?'
    )
    assert line("DTD", tmp_path) == (
        f"-d torchvision:DTD is not in --data-root {tmp_path} "
        "(Dataset not found. You can use download=True to download it): "
        f"run first: from torchvision.datasets import DTD; DTD('{tmp_path}', download=True)"
    )
    assert line("Kinetics", tmp_path).startswith("-d torchvision:Kinetics is not in --data-root")


def test_files_that_are_links_out_of_the_root_are_listed_and_opened_on_wish(textures):
    file = textures / "dtd" / "dtd" / "images" / "dotted" / "e.jpg"
    elsewhere = textures.parent / f"{textures.name}-elsewhere.jpg"
    file.rename(elsewhere)
    file.symlink_to(elsewhere)
    split = load("DTD", textures).split("val")
    row = next(row for row, path in enumerate(split.paths) if path.endswith("dotted/e.jpg"))
    with pytest.raises(UnreadableImage, match="a link that leaves the data folder"):
        split.open(row)
    assert load("DTD", textures, allow_outside=True).split("val").open(row).mode == "RGB"


def test_whatever_a_set_raises_makes_its_image_unreadable():
    class Broken:
        def __getitem__(self, row):
            raise (SyntaxError("broken PNG file"), OSError(5, "Input/output error"), KeyError())[row]

    reasons = []
    for row in range(3):
        with pytest.raises(UnreadableImage) as caught:
            IndexedImages(Broken()).open(row)
        reasons.append(caught.value.reason)
    assert reasons == ["broken PNG file", "Input/output error", "KeyError"]
