import pytest
import torch

from neuroinspect_tui.data.files import FileImages
from neuroinspect_tui.data.splits import ImageDataset, Split, split_name
from neuroinspect_tui.errors import InputError


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
    assert (
        str(caught.value)
        == '--split "tset" is not in the data pets: did you mean "test"? use one of val, test'
    )
    with pytest.raises(InputError) as caught:
        dataset().split("train")
    assert str(caught.value) == '--split "train" is not in the data pets: use one of val, test'


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
