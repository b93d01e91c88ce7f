import pytest

from neuroinspect_tui.results.states import split_folder


@pytest.mark.parametrize("name", ["val", "test", "train-standard", "fold_1.b"])
def test_a_plain_split_has_its_own_name(name):
    assert split_folder(name) == name


@pytest.mark.parametrize(
    ("name", "start"),
    [
        ("val/all", "val_all-"),
        ("../../out", "_out-"),
        (".hidden", "_hidden-"),
        ("zwei ü", "zwei_-"),
        ("", "-"),
    ],
)
def test_any_other_gets_one_that_is_no_path(name, start):
    folder = split_folder(name)
    assert folder.startswith(start)
    assert len(folder) == len(start) + 8
    assert "/" not in folder and not folder.startswith(".")


def test_different_names_have_different_folders():
    assert len({split_folder(name) for name in ("a b", "a/b", "a.b", "a_b", "x" * 80, "x" * 81)}) == 6
