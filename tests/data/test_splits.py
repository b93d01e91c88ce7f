import pytest
import torch

from neuroinspect_tui.data.images import UnreadableImage
from neuroinspect_tui.data.splits import FileImages, ImageDataset, Split, is_inside, is_there, split_name
from neuroinspect_tui.errors import InputError

from .conftest import save


def dataset(root=None, names=("cat", "dog"), paths=("a.png", "b.png"), labels=(0, 1), columns=None):
    split = Split("val", list(paths), torch.tensor(labels), columns or {}, FileImages(root, list(paths)))
    return ImageDataset("pets", root, names, {"val": split, "test": split})


def test_split_names_in_their_usual_spellings():
    spellings = ["Training", "valid", "VALIDATION", "dev", "testing", " test ", "Fold 1"]
    assert [split_name(text) for text in spellings] == [
        "train",
        "val",
        "val",
        "val",
        "test",
        "test",
        "Fold 1",
    ]


def test_a_split_is_found_by_any_spelling_and_else_refused_with_those_there_are():
    assert dataset().split("Validation").name == "val"
    with pytest.raises(InputError) as caught:
        dataset().split("tset")
    assert str(caught.value) == '--split "tset" is not in pets: did you mean "test"? use one of val, test'
    with pytest.raises(InputError) as caught:
        dataset().split("train")
    assert str(caught.value) == '--split "train" is not in pets: use one of val, test'


def test_fingerprint_depends_on_everything_but_the_place(tmp_path):
    columns = {"camera": ["x", "y"]}
    same = {dataset(root, columns=columns).fingerprint() for root in (None, tmp_path)}
    others = {
        dataset(columns={"camera": ["x", "z"]}).fingerprint(),
        dataset(columns={"lens": ["x", "y"]}).fingerprint(),
        dataset(columns=columns, names=("cat", "cow")).fingerprint(),
        dataset(columns=columns, paths=("a.png", "c.png")).fingerprint(),
        dataset(columns=columns, labels=(1, 0)).fingerprint(),
    }
    assert len(same) == 1
    assert len(others | same) == 6


def test_an_image_is_opened_from_the_root(tmp_path):
    save(tmp_path / "sub" / "a b.png", width=7, height=5)
    assert FileImages(tmp_path, ["sub/a b.png"]).open(0).size == (7, 5)


def test_a_missing_image_is_unreadable_but_a_missing_root_stops_the_run(tmp_path):
    root = tmp_path / "data"
    save(root / "a.png")
    images = FileImages(root, ["a.png", "gone.png"])
    with pytest.raises(UnreadableImage, match="no such file or directory"):
        images.open(1)
    for leave in ((root / "a.png").unlink, root.rmdir):
        leave()
        with pytest.raises(InputError) as caught:
            images.open(0)
        assert str(caught.value) == f"{root} is gone: mount the data folder again, then resume"


def test_links_out_of_the_root_are_not_followed_unless_allowed(tmp_path):
    secret = save(tmp_path / "secret" / "s.png")
    root = tmp_path / "data"
    save(root / "a.png")
    (root / "file.png").symlink_to(secret)
    (root / "folder").symlink_to(secret.parent)
    (root / "within.png").symlink_to(root / "a.png")
    paths = ["file.png", "folder/s.png", "../secret/s.png", str(secret)]
    for row in range(4):
        with pytest.raises(UnreadableImage, match="a link that leaves the data folder"):
            FileImages(root, paths).open(row)
        assert FileImages(root, paths, allow_outside=True).open(row).mode == "RGB"
    assert FileImages(root, ["within.png"]).open(0).mode == "RGB"


def test_is_inside_and_is_there_take_any_text(tmp_path):
    assert is_inside(tmp_path, tmp_path / "a" / ".." / "b")
    assert not is_inside(tmp_path / "a", tmp_path / "ab")
    assert not is_inside(tmp_path, tmp_path / "\0")
    assert not is_there(tmp_path / "\0")
    assert is_there(tmp_path)
