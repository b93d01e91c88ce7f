"""Each form in which data sets come, drawn small; the pixels and labels are compared with what was drawn."""

import io
import json
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest

from neuroinspect_tui.config import DataConfig
from neuroinspect_tui.data.archives import expand
from neuroinspect_tui.data.class_names import ModelClasses
from neuroinspect_tui.data.dataset import load_dataset
from neuroinspect_tui.errors import InputError

from .conftest import picture, save

CLASSES = ("dog", "ant", "cat")


def png(seed):
    data = io.BytesIO()
    picture(seed=seed).save(data, "PNG")
    return data.getvalue()


def check(dataset, split, labels, seeds, names=None):
    """Every image is the one drawn with its seed, and has its label."""
    found = dataset.split(split)
    assert found.labels.tolist() == labels
    assert names is None or dataset.class_names == names
    for row, seed in enumerate(seeds):
        np.testing.assert_array_equal(np.asarray(found.open(row)), np.asarray(picture(seed=seed)))


def load(source, split="val", model=None, **options):
    return load_dataset(DataConfig(str(source), split=split, **options), model)


def add(tar, name, data):
    info = tarfile.TarInfo(name)
    info.size = len(data)
    tar.addfile(info, io.BytesIO(data))


def shard(path, keys, label=lambda key: ("cls", str(key % 3))):
    with tarfile.open(path, "w") as tar:
        for key in keys:
            add(tar, f"{key:06d}.png", png(key))
            suffix, text = label(key)
            add(tar, f"{key:06d}.{suffix}", text.encode())
    return path


def test_braces():
    assert expand("a-{008..010}.tar") == ["a-008.tar", "a-009.tar", "a-010.tar"]
    assert expand("{train,val}-{0..1}.tar") == ["train-0.tar", "train-1.tar", "val-0.tar", "val-1.tar"]
    assert expand("plain.tar") == ["plain.tar"]


def test_webdataset_shards(tmp_path):
    for number in range(3):
        shard(tmp_path / f"s-{number:03d}.tar", range(number * 4, number * 4 + 4))
    dataset = load(tmp_path / "s-{000..002}.tar")
    check(dataset, "val", [key % 3 for key in range(12)], range(12), ("0", "1", "2"))
    assert dataset.split("val").paths[5] == "s-001.tar/000005.png"
    with pytest.raises(InputError, match=r"there is no .*s-003\.tar: check the numbers in the braces"):
        load(tmp_path / "s-{000..003}.tar")


def test_shards_whose_names_are_splits_in_a_folder(tmp_path):
    shard(tmp_path / "train-0.tar", range(4), lambda key: ("json", json.dumps({"label": CLASSES[key % 3]})))
    shard(tmp_path / "val-0.tar", range(4, 7), lambda key: ("txt", CLASSES[key % 3]))
    dataset = load(tmp_path)
    check(dataset, "val", [0, 1, 2], range(4, 7), ("ant", "cat", "dog"))
    check(dataset, "train", [2, 0, 1, 2], range(4))


@pytest.mark.parametrize("kind", ["tar", "stored.zip", "deflated.zip"])
def test_class_folders_in_one_archive(tmp_path, kind):
    names = {
        f"set/{split}/{name}/{row}.png": row + 10 * place
        for split in ("train", "val")
        for place, name in enumerate(CLASSES)
        for row in (0, 1)
    }
    path = tmp_path / f"pets.{kind}"
    if kind == "tar":
        with tarfile.open(path, "w") as tar:
            for name, seed in names.items():
                add(tar, f"./{name}", png(seed))
            add(tar, "__MACOSX/set/val/ant/._0.png", b"x")
    else:
        method = zipfile.ZIP_STORED if kind.startswith("stored") else zipfile.ZIP_DEFLATED
        with zipfile.ZipFile(path, "w", method) as archive:
            for name, seed in names.items():
                archive.writestr(name, png(seed))
    descriptors = Path("/proc/self/fd")
    before = len(list(descriptors.iterdir())) if descriptors.is_dir() else 0
    dataset = load(path)
    check(dataset, "val", [0, 0, 1, 1, 2, 2], [10, 11, 20, 21, 0, 1], ("ant", "cat", "dog"))
    assert dataset.split("val").paths[0] == "set/val/ant/0.png"
    if before:
        assert len(list(descriptors.iterdir())) == before


def test_a_packed_tar_and_a_broken_zip_are_refused(tmp_path):
    with tarfile.open(tmp_path / "a.tar", "w:gz") as tar:
        add(tar, "a.png", png(0))
    (tmp_path / "b.zip").write_bytes(b"no zip")
    for name in ("a.tar", "b.zip"):
        with pytest.raises(InputError, match=r"give a \.tar that is not compressed, or a \.zip"):
            load(tmp_path / name)


def parquet(path, rows, features=True, **more):
    pa = pytest.importorskip("pyarrow")
    import pyarrow.parquet as pq

    image = pa.array(
        [{"bytes": png(seed), "path": None} for seed, _ in rows],
        pa.struct([("bytes", pa.binary()), ("path", pa.string())]),
    )
    columns = {"image": image, "label": pa.array([label for _, label in rows], pa.int64())}
    columns |= {name: pa.array(values) for name, values in more.items()}
    table = pa.table(columns)
    if features:
        info = {
            "info": {
                "features": {"image": {"_type": "Image"}, "label": {"names": CLASSES, "_type": "ClassLabel"}}
            }
        }
        table = table.replace_schema_metadata({"huggingface": json.dumps(info)})
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path, row_group_size=50)
    return path


def test_parquet_with_images_keeps_the_order_of_its_class_labels(tmp_path):
    file = parquet(tmp_path / "pets.parquet", [(0, 2), (1, 0), (2, 1)], light=["dim", "bright", "dim"])
    dataset = load(file)
    check(dataset, "val", [2, 0, 1], range(3), CLASSES)
    assert dataset.split("val").columns == {"light": ["dim", "bright", "dim"]}
    named = load(file, model=ModelClasses(4, ("bee", "ant", "cat", "dog")))
    check(named, "val", [2, 3, 1], range(3), ("bee", "ant", "cat", "dog"))


def test_parquet_of_many_rows_is_read_in_any_order(tmp_path):
    file = parquet(tmp_path / "many.parquet", [(row % 7, row % 3) for row in range(1300)], features=False)
    found = load(file).split("val")
    assert found.labels.tolist() == [row % 3 for row in range(1300)]
    for row in (0, 64, 65, 1299, 3, 700, 1298, 64):
        np.testing.assert_array_equal(np.asarray(found.open(row)), np.asarray(picture(seed=row % 7)))
    assert len(found.source.blobs._held) <= 16


@pytest.mark.parametrize("prefix", ["", "hf:"])
def test_folders_of_parquet_named_by_split(tmp_path, prefix):
    parquet(tmp_path / "data" / "train-00000-of-00002.parquet", [(0, 0), (1, 1)])
    parquet(tmp_path / "data" / "train-00001-of-00002.parquet", [(2, 2)])
    parquet(tmp_path / "data" / "validation-00000-of-00001.parquet", [(3, 1), (4, 2)])
    dataset = load(f"{prefix}{tmp_path}")
    check(dataset, "val", [1, 2], (3, 4), CLASSES)
    check(dataset, "train", [0, 1, 2], range(3))


def test_parquet_of_paths(tmp_path):
    pa = pytest.importorskip("pyarrow")
    import pyarrow.parquet as pq

    for seed in (0, 1):
        save(tmp_path / f"{seed}.png", seed=seed)
    pq.write_table(pa.table({"file_name": ["0.png", "1.png"], "class": ["b", "a"]}), tmp_path / "m.parquet")
    check(load(tmp_path / "m.parquet"), "val", [1, 0], (0, 1), ("a", "b"))


def test_a_missing_library_names_the_extra(tmp_path, monkeypatch):
    (tmp_path / "a.parquet").touch()
    monkeypatch.setitem(__import__("sys").modules, "pyarrow.parquet", None)
    with pytest.raises(InputError) as caught:
        load(tmp_path / "a.parquet")
    assert str(caught.value) == 'parquet files need a library: pip install "neuroinspect-tui[formats]"'


def test_a_folder_that_save_to_disk_wrote(tmp_path):
    datasets = pytest.importorskip("datasets")

    def part(seeds, labels):
        features = datasets.Features(
            {"image": datasets.Image(), "label": datasets.ClassLabel(names=list(CLASSES))}
        )
        return datasets.Dataset.from_dict(
            {"image": [{"bytes": png(seed), "path": None} for seed in seeds], "label": labels},
            features=features,
        )

    found = datasets.DatasetDict({"train": part([0, 1, 2], [0, 1, 2]), "validation": part([3, 4], [2, 1])})
    found.save_to_disk(str(tmp_path / "saved"))
    dataset = load(f"hf:{tmp_path / 'saved'}")
    check(dataset, "val", [2, 1], (3, 4), CLASSES)
    check(dataset, "train", [0, 1, 2], range(3))


def test_a_hub_name_that_is_not_in_the_cache_is_refused(monkeypatch, tmp_path):
    datasets = pytest.importorskip("datasets")
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path)
    with pytest.raises(InputError) as caught:
        load("hf:nobody/nothing")
    assert 'run first: from datasets import load_dataset; load_dataset("nobody/nothing")' in str(caught.value)


def test_tiny_imagenet(tmp_path):
    for name, seed in (("n02", 0), ("n01", 1)):
        save(tmp_path / "train" / name / "images" / f"{name}_0.png", seed=seed)
    for seed in (2, 3):
        save(tmp_path / "val" / "images" / f"val_{seed}.png", seed=seed)
    (tmp_path / "val" / "val_annotations.txt").write_text(
        "val_3.png\tn01\t0\t0\t9\t9\nval_2.png\tn02\t0\t0\t9\t9\n"
    )
    (tmp_path / "words.txt").write_text("n01\ttench, Tinca tinca\nn02\tcrane\nn03\tother\n")
    dataset = load(tmp_path)
    check(dataset, "val", [1, 0], (2, 3), ("tench", "crane"))
    check(dataset, "train", [0, 1], (1, 0))


def test_cub(tmp_path):
    paths = ["002.Crow/b.png", "001.Albatross/a.png", "010.Jay/c.png"]
    for seed, path in enumerate(paths):
        save(tmp_path / "images" / path, seed=seed)
    numbered = "".join(f"{row} {path}\n" for row, path in enumerate(paths, 1))
    (tmp_path / "images.txt").write_text(numbered)
    (tmp_path / "image_class_labels.txt").write_text("1 2\n2 1\n3 10\n")
    (tmp_path / "train_test_split.txt").write_text("1 0\n2 1\n3 0\n")
    (tmp_path / "classes.txt").write_text("2 002.Crow\n1 001.Albatross\n10 010.Jay\n")
    dataset = load(tmp_path, "test")
    check(dataset, "test", [1, 2], (0, 2), ("Albatross", "Crow", "Jay"))
    check(dataset, "train", [0], (1,))


@pytest.mark.parametrize("form", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT, tarfile.USTAR_FORMAT])
def test_tars_of_every_form_and_long_names(tmp_path, form):
    long = "x" * 60 + "/" + "y" * 60
    names = [
        "ant/a.png",
        f"bee/{long}.png" if form != tarfile.USTAR_FORMAT else "bee/b.png",
        "cat/\u00e9.png",
    ]
    with tarfile.open(tmp_path / "a.tar", "w", format=form) as tar:
        for seed, name in enumerate(names):
            add(tar, name, png(seed))
    dataset = load(tmp_path / "a.tar")
    check(dataset, "val", [0, 1, 2], range(3), ("ant", "bee", "cat"))
    assert dataset.split("val").paths == names


@pytest.mark.parametrize("source", ["folders", "tar", "parquet"])
def test_hundreds_of_classes_with_few_open_files(tmp_path, source):
    resource = pytest.importorskip("resource")
    keys = range(600)
    if source == "folders":
        for key in keys:
            path = tmp_path / "val" / f"{key % 300:03d}x" / f"{key}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(png(key % 5))
        place = tmp_path
    elif source == "tar":
        for number in range(60):
            with tarfile.open(tmp_path / f"a-{number:02d}.tar", "w") as tar:
                for key in keys[number * 10 : number * 10 + 10]:
                    add(tar, f"{key:06d}.png", png(key % 5))
                    add(tar, f"{key:06d}.cls", f"{key % 300:03d}x".encode())
        place = tmp_path / "a-{00..59}.tar"
    else:
        place = parquet(tmp_path / "a.parquet", [(key % 5, key % 300) for key in keys], features=False)
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    descriptors = Path("/proc/self/fd")
    opened = len(list(descriptors.iterdir())) if descriptors.is_dir() else 40
    resource.setrlimit(resource.RLIMIT_NOFILE, (opened + 12, before[1]))
    try:
        found = load(place).split("val")
        for row in range(0, 600, 7):
            key = int(found.paths[row].rpartition("/")[2].partition(".")[0])
            assert int(found.labels[row]) == key % 300
            np.testing.assert_array_equal(np.asarray(found.open(row)), np.asarray(picture(seed=key % 5)))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
