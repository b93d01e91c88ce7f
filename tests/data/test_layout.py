import pytest

from neuroinspect_tui.config import DataConfig
from neuroinspect_tui.data.class_names import ModelClasses
from neuroinspect_tui.data.dataset import load_dataset
from neuroinspect_tui.data.splits import plain_split
from neuroinspect_tui.errors import InputError

from .conftest import save, write_csv


@pytest.fixture
def draw(tmp_path):
    def draw(*names):
        for name in names:
            save(tmp_path / name)
        return tmp_path

    return draw


def counts(dataset):
    return {
        split: [sum(split_.labels == index).item() for index in range(len(dataset.class_names))]
        for split, split_ in dataset.splits.items()
    }


def load(root, split="val", model=None, **options):
    return load_dataset(DataConfig(str(root), split=split, **options), model)


def line(root, split="val", **options):
    with pytest.raises(InputError) as caught:
        load(root, split, **options)
    return str(caught.value).replace(str(root), "ROOT")


@pytest.mark.parametrize(
    ("name", "split"),
    [
        *[
            (name, "train")
            for name in ("train", "Train", "training", "training_set", "seg_train", "train2017")
        ],
        *[(name, "train") for name in ("TrainSet", "train-images", "trn", "trainset")],
        *[
            (name, "val")
            for name in ("val", "valid", "validation", "dev", "eval", "VAL", "valset", "val_data")
        ],
        *[(name, "test") for name in ("test", "testing", "test_set", "test1", "TestImages", "images_test")],
        *[
            (name, None)
            for name in ("cat", "trainer", "test tube", "train_test", "latest", "contest", "image")
        ],
    ],
)
def test_spellings_of_splits(name, split):
    assert plain_split(name) == split


@pytest.mark.parametrize(
    ("train", "test"),
    [
        ("training_set", "test_set"),
        ("seg_train", "seg_test"),
        ("train2017", "test2017"),
        ("flowers_train", "flowers_test"),
        ("data/train", "data/test"),
        ("images/train", "images/test"),
    ],
)
def test_split_folders_do_not_become_classes(draw, train, test):
    root = draw(
        *[f"{split}/{name}/{row}.png" for split in (train, test) for name in ("ant", "bee") for row in (1, 2)]
    )
    dataset = load(root, "test")
    assert (dataset.class_names, counts(dataset)) == (("ant", "bee"), {"train": [2, 2], "test": [2, 2]})


def test_yolo_labels_beside_the_images_are_no_class(draw):
    root = draw(*[f"images/{split}/{name}/a.png" for split in ("train", "val") for name in ("ant", "bee")])
    (root / "labels" / "train").mkdir(parents=True)
    (root / "labels" / "train" / "a.txt").write_text("0 .5 .5 1 1")
    assert counts(load(root)) == {"train": [1, 1], "val": [1, 1]}


def test_flat_yolo_splits_are_refused(draw):
    root = draw("images/train/a.png", "images/val/b.png")
    assert line(root).startswith("ROOT")
    assert line(root / "images") == (
        "ROOT: train/, val/ are splits that hold images but no class folders: "
        "where are the labels? Give a table of path, label and split as -d, or make class folders"
    )


def test_classes_above_splits_are_understood(draw):
    root = draw(
        *[
            f"{name}/{split}/{row}.png"
            for name in ("ant", "bee")
            for split in ("train", "test")
            for row in (1, 2)
        ]
    )
    dataset = load(root, "test")
    assert (dataset.class_names, counts(dataset)) == (("ant", "bee"), {"train": [2, 2], "test": [2, 2]})


def test_a_wrapping_folder_is_stepped_into_and_told(draw):
    dataset = load(draw("PetImages/Cat/1.png", "PetImages/Dog/1.png"))
    assert (dataset.class_names, dataset.notes[0]) == (("Cat", "Dog"), "read from PetImages/")


def sites(draw, prefix=""):
    return draw(
        *[
            f"{prefix}{site}/{name}/1.png"
            for site in ("site_A", "site_B", "site_C")
            for name in ("benign", "malignant")
        ]
    )


@pytest.mark.parametrize("prefix", ["", "val/"])
def test_sites_above_classes_are_a_question(draw, prefix):
    root = sites(draw, prefix)
    assert line(root) == (
        "ROOT: the classes could be site_A, site_B, site_C, or benign, malignant in each of them: "
        f"which ones? Name the classes with --classes FILE, or give one folder as -d, for example ROOT/{prefix}site_A"
    )


def test_sites_that_hold_some_of_the_classes_are_a_question_too(draw):
    assert "benign" in line(draw("a/benign/1.png", "a/malignant/1.png", "b/benign/1.png"))


def test_the_question_is_answered_by_the_class_list_or_by_the_model(draw, tmp_path):
    root = sites(draw)
    (tmp_path / "classes.txt").write_text("malignant\nbenign\n")
    by_list = load(root, classes=str(tmp_path / "classes.txt"))
    by_model = load(root, model=ModelClasses(2, ("malignant", "benign")))
    for dataset in (by_list, by_model):
        assert counts(dataset) == {"val": [3, 3]}
        assert sorted(set(dataset.split("val").columns["folder"])) == ["site_A", "site_B", "site_C"]
    outer = load(root, model=ModelClasses(3, ("site_A", "site_B", "site_C")))
    assert (outer.class_names, counts(outer)) == (("site_A", "site_B", "site_C"), {"val": [2, 2, 2]})


def test_numbered_sites_are_no_class_numbers(draw):
    root = draw(*[f"{site}/{name}/1.png" for site in (0, 1, 2) for name in ("ant", "bee", "cat")])
    dataset = load(root, model=ModelClasses(3, ("bee", "cat", "ant")))
    assert (dataset.class_names, counts(dataset)) == (("bee", "cat", "ant"), {"val": [3, 3, 3]})


def test_one_store_folder_in_each_class_is_no_question(draw):
    root = draw("ant/images/1.png", "bee/images/1.png")
    assert load(root).class_names == ("ant", "bee")


def test_two_folders_for_one_split_are_a_question(draw):
    root = draw(*[f"{split}/{name}/1.png" for split in ("val", "valid", "train") for name in ("ant", "bee")])
    assert line(root) == (
        "ROOT: val/ and valid/ could both be the val split: "
        "which one is meant? Move the other one away, or give one of them as -d"
    )


def test_few_loose_images_are_left_out_and_told_and_many_are_refused(draw):
    root = draw(*[f"{name}/{row}.png" for name in ("ant", "bee") for row in range(10)], "loose.png")
    dataset = load(root)
    assert counts(dataset) == {"val": [10, 10]}
    assert dataset.notes[0].endswith("beside its class folders (for example loose.png): they are left out")
    for row in range(4):
        save(root / f"{row}.png")
    assert line(root) == (
        "ROOT holds 5 images beside its class folders (for example 0.png): "
        "of which class are they? Move them into its folder, or away"
    )


def test_a_class_that_train_has_not_is_refused_by_name(draw, tmp_path):
    root = draw("train/ant/1.png", "train/bee/1.png", "val/ant/1.png", "val/wasp/1.png")
    assert line(root) == (
        'ROOT: val has a class "wasp" that train does not have: '
        "is it a class? Name all with --classes FILE, or move its folder away"
    )
    assert 'ROOT has a class "wasp"' in line(root / "val")
    (tmp_path / "classes.txt").write_text("ant\nbee\nwasp\n")
    assert counts(load(root, classes=str(tmp_path / "classes.txt"))) == {"train": [1, 1, 0], "val": [1, 0, 1]}


def test_a_split_given_alone_has_the_classes_of_its_siblings(draw):
    root = draw(*[f"train/{name}/1.png" for name in ("ant", "bee", "cat")], "val/bee/1.png", "val/cat/1.png")
    dataset = load(root / "val")
    assert (dataset.class_names, counts(dataset)) == (("ant", "bee", "cat"), {"val": [0, 1, 1]})


def test_unlabelled_test_images_are_left_out(draw):
    root = draw(
        *[f"{split}/{name}/1.png" for split in ("train", "val") for name in ("ant", "bee")],
        "test/unknown/1.png",
    )
    dataset = load(root)
    assert counts(dataset) == {"train": [1, 1], "val": [1, 1]}
    assert (
        line(root, "test")
        == 'ROOT: test has a class "unknown" that train does not have: is it a class? Name all with --classes FILE, or move its folder away'
    )


def test_kaggle_train_and_flat_test_are_refused(draw):
    assert "train/, test1/ are splits" in line(
        draw("train/cat.0.png", "train/dog.0.png", "test1/1.png")
    ).replace("test1/, train/", "train/, test1/")


def test_a_class_called_train_is_a_class(draw):
    assert load(draw("bus/1.png", "car/1.png", "train/1.png")).class_names == ("bus", "car", "train")


@pytest.mark.parametrize(
    "junk", ["@eaDir", "#recycle", "__MACOSX", "$RECYCLE.BIN", ".ipynb_checkpoints", "lost+found"]
)
def test_what_systems_leave_is_no_class(draw, junk):
    root = draw(
        "val/ant/1.png", "val/bee/1.png", f"val/{junk}/1.png", f"val/ant/{junk}/2.png", f"{junk}/x/1.png"
    )
    assert counts(load(root)) == {"val": [1, 1]}


def test_suffixes_that_are_not_read_are_told(draw):
    root = draw("ant/1.png", "bee/1.png")
    for row in range(3):
        (root / "bee" / f"{row}.heic").touch()
    assert "3 .heic files are not read" in load(root).notes
    (root / "only").mkdir()
    (root / "only" / "a.heic").touch()
    with pytest.raises(InputError, match=r"holds no images: 1 of its files end in \.heic"):
        load(root / "only")


def test_imagefolder_with_metadata_in_each_split(draw):
    root = draw("train/c0.png", "train/d0.png", "validation/c1.png", "validation/d1.png")
    write_csv(
        root / "train" / "metadata.csv",
        [["file_name", "label", "sky"], ["d0.png", "dog", "blue"], ["c0.png", "cat", "grey"]],
    )
    lines = ['{"file_name": "c1.png", "label": "cat"}', '{"file_name": "d1.png", "label": "dog"}']
    (root / "validation" / "metadata.jsonl").write_text("\n".join(lines))
    dataset = load(root)
    assert (dataset.class_names, counts(dataset)) == (("cat", "dog"), {"train": [1, 1], "val": [1, 1]})
    assert dataset.split("train").labels.tolist() == [1, 0]
    assert dataset.split("val").columns == {"sky": ["", ""]}


def test_imagefolder_metadata_without_labels_leaves_the_class_folders(draw):
    root = draw(*[f"{split}/{name}/1.png" for split in ("train", "val") for name in ("ant", "bee")])
    write_csv(root / "train" / "metadata.csv", [["file_name", "caption"], ["ant/1.png", "an ant"]])
    dataset = load(root)
    assert counts(dataset) == {"train": [1, 1], "val": [1, 1]}
    assert dataset.notes[-1].endswith("the class folders are read without it")


def test_a_foreign_table_of_other_images_names_the_way_out(draw):
    root = draw("ant/1.png", "bee/1.png")
    write_csv(root / "metadata.csv", [["image", "label"], ["scan", "x"], ["scan", "y"]])
    assert line(root) == (
        'ROOT/metadata.csv row 2 lists "scan" again (first in row 1): keep one row for each image; '
        "--no-manifest reads the folders as they are"
    )
    assert counts(load(root, manifest=False)) == {"val": [1, 1]}


def test_roboflow_classes_in_each_split(draw):
    root = draw("train/a.png", "train/b.png", "valid/c.png")
    write_csv(
        root / "train" / "_classes.csv",
        [["filename", "bee", "ant"], ["a.png", "1", "0"], ["b.png", "0", "1"]],
    )
    write_csv(root / "valid" / "_classes.csv", [["filename", "bee", "ant"], ["c.png", "0", "1"]])
    dataset = load(root)
    assert (dataset.class_names, dataset.split("train").labels.tolist()) == (("ant", "bee"), [1, 0])
    assert dataset.split("val").labels.tolist() == [0]


def test_a_foreign_table_beside_class_folders(draw):
    root = draw("ant/1.png", "bee/1.png")
    (root / "metadata.csv").write_text("patient,node,center\n1,2,3\n")
    dataset = load(root)
    assert counts(dataset) == {"val": [1, 1]}
    assert dataset.notes[0].endswith(
        'metadata.csv has no column "path": the class folders are read without it'
    )
    (root / "metadata.csv").rename(root / "manifest.csv")
    assert line(root).endswith("any further columns; --no-manifest reads the folders as they are")
    assert counts(load(root, manifest=False)) == {"val": [1, 1]}


def test_a_flat_split_needs_its_list(draw):
    names = [f"ILSVRC2012_val_{row:08d}.JPEG" for row in range(3)]
    root = draw(
        *[f"train/{name}/1.png" for name in ("n01", "n02", "n03")], *[f"val/{name}" for name in names]
    )
    assert line(root) == (
        "ROOT/val holds 3 images but no class folders and no list of labels: "
        "give the list as ROOT/val.txt, a line of file name and class for each image"
    )
    (root / "val.txt").write_text(
        "".join(f"{name} {label}\n" for name, label in zip(names, (2, 0, 1), strict=True))
    )
    assert load(root).split("val").labels.tolist() == [2, 0, 1]
    rows = "".join(
        f"{name.removesuffix('.JPEG')},n0{label} 1 2 3 4\n"
        for name, label in zip(names, (3, 1, 2), strict=True)
    )
    (root / "val.txt").unlink()
    (root / "LOC_val_solution.csv").write_text(f"ImageId,PredictionString\n{rows}")
    assert load(root).split("val").labels.tolist() == [2, 0, 1]
    assert load(root / "val").split("val").labels.tolist() == [2, 0, 1]
    (root / "LOC_val_solution.csv").unlink()
    (root / "val_synset_labels.txt").write_text("n02\nn02\nn01\n")
    assert load(root).split("val").labels.tolist() == [1, 1, 0]


def test_a_list_that_leaves_images_out_is_refused(draw):
    root = draw("train/n01/1.png", "train/n02/1.png", "val/a.png", "val/b.png")
    (root / "val.txt").write_text("a.png 0\n")
    assert "has no label for 1 images, for example b.png" in line(root)
    (root / "val.txt").write_text("a.png 0\nb.png 2\n")
    assert "the list gives label 2, there are 2 class folders" in line(root)
