import pytest
from PIL import Image

from neuroinspect_tui.config import DataConfig
from neuroinspect_tui.data.class_names import ModelClasses
from neuroinspect_tui.data.dataset import load_dataset
from neuroinspect_tui.errors import InputError

from .conftest import save, write_csv


def line(source, **options):
    with pytest.raises(InputError) as caught:
        load_dataset(DataConfig(str(source), **options))
    return str(caught.value)


def test_class_folders(class_folders):
    dataset = load_dataset(DataConfig(str(class_folders)))
    assert (dataset.name, dataset.class_names) == ("animals", ("cat", "dog"))
    assert dataset.split("val").labels.tolist() == [0, 0, 1, 1, 1]


def test_a_class_list_gives_the_order(class_folders, tmp_path):
    (tmp_path / "names.txt").write_text("dog\nfish\ncat\n")
    dataset = load_dataset(DataConfig(str(class_folders), classes=str(tmp_path / "names.txt")))
    assert dataset.class_names == ("dog", "fish", "cat")
    assert dataset.split("val").labels.tolist() == [2, 2, 0, 0, 0]


def test_a_manifest_beside_split_folders_is_mentioned_and_beside_other_folders_used(tmp_path):
    for name in ("val/cat/a.png", "val/dog/b.png"):
        save(tmp_path / "split" / name)
        save(tmp_path / "flat" / name.removeprefix("val/"))
    rows = [["path", "label", "light"], ["cat/a.png", "x", "dim"], ["dog/b.png", "y", "dim"]]
    write_csv(tmp_path / "split" / "metadata.csv", rows)
    write_csv(tmp_path / "flat" / "manifest.csv", rows)
    folders, manifest = (load_dataset(DataConfig(str(tmp_path / name))) for name in ("split", "flat"))
    assert folders.class_names == ("cat", "dog")
    assert folders.notes == (
        "metadata.csv beside the split folders is not used: give it as -d to have its columns as groups",
    )
    assert manifest.class_names == ("x", "y")
    assert manifest.notes == (
        "read from manifest.csv",
        "not divided into splits: all 2 images are taken as val",
    )


def test_a_manifest_with_its_images_elsewhere(tmp_path):
    save(tmp_path / "images" / "a.png")
    file = write_csv(tmp_path / "lists" / "m.csv", [["path", "label"], ["a.png", "x"], ["b.png", "y"]])
    dataset = load_dataset(DataConfig(str(file), root=str(tmp_path / "images")))
    assert dataset.split("val").open(0).mode == "RGB"


def test_lines_for_sources_that_are_no_data(class_folders, tmp_path):
    gone, text = tmp_path / "gone", tmp_path / "data.rar"
    text.touch()
    assert line(gone) == f"-d {gone}: no such file or folder: check the path"
    assert line(text) == (
        f"-d {text} is not a folder, table or archive that can be read: "
        "give a folder, a .csv, .tsv, .jsonl or .parquet table, or a .tar or .zip"
    )
    one = tmp_path / "one"
    save(one / "cat" / "a.png")
    assert line(one) == f'{one} has only one class, "cat": give images of two classes or more'
    assert line("torchvision:CIFAR10") == (
        "-d torchvision:CIFAR10 needs --data-root: give the folder that holds its files"
    )


def test_a_folder_without_permission(class_folders, monkeypatch):
    def scandir(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("os.scandir", scandir)
    reason = f"Permission denied: {class_folders}"
    assert line(class_folders) == f"-d {class_folders} cannot be read ({reason}): check its permissions"


def test_an_unknown_split_names_those_there_are(tmp_path):
    for name in ("train/cat/a.png", "train/dog/a.png", "test/dog/b.png"):
        save(tmp_path / "pets" / name)
    remedy = "use one of train, test"
    assert line(tmp_path / "pets") == f'--split "val" is not in the data pets: {remedy}'


def test_real_counts_equal_the_manifest(real):
    for name, counts in (
        ("tint_birdplane", {"train": 5000, "val": 800, "test": 1200}),
        ("patch_cat", {"train": 6000, "val": 1000, "test": 2200}),
    ):
        folders = load_dataset(DataConfig(str(real / name)))
        manifest = load_dataset(DataConfig(str(real / name / "metadata.csv")))
        assert folders.class_names == manifest.class_names
        for split, count in counts.items():
            ours, listed = folders.split(split), manifest.split(split)
            assert len(ours) == len(listed) == count
            labels = dict(zip(listed.paths, listed.labels.tolist(), strict=True))
            assert labels == dict(zip(ours.paths, ours.labels.tolist(), strict=True))


@pytest.mark.parametrize("outputs", [2, 4])
def test_a_list_of_another_length_than_the_classifier_is_refused(tmp_path, outputs):
    for name in ("ant", "bee", "cat"):
        folder = tmp_path / "val" / name
        folder.mkdir(parents=True)
        Image.new("RGB", (4, 4)).save(folder / "0.png")
    listed = tmp_path / "names.txt"
    listed.write_text("ant\nbee\ncat\n")
    config = DataConfig(str(tmp_path), classes=str(listed))
    with pytest.raises(
        InputError, match=f"names 3 classes, the classifier has {outputs} outputs: name every output"
    ):
        load_dataset(config, ModelClasses(outputs))
    assert load_dataset(config, ModelClasses(3)).class_names == ("ant", "bee", "cat")
