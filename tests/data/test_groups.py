import pytest
import torch

from neuroinspect_tui.data.files import FileImages
from neuroinspect_tui.data.groups import group_column, group_columns
from neuroinspect_tui.data.splits import ImageDataset, Split
from neuroinspect_tui.errors import InputError


@pytest.fixture
def dataset():
    def split(name, **columns):
        paths = [f"{name}{row}.png" for row in range(30)]
        return Split(name, paths, torch.zeros(30, dtype=torch.int64), columns, FileImages(None, paths))

    numbers = [str(row) for row in range(30)]
    return ImageDataset(
        "birds",
        None,
        ("a", "b"),
        {
            "val": split("val", place=["land", ""] * 15, one=["x"] * 30, many=numbers, hidden=["1"] * 30),
            "test": split("test", place=["water"] * 30, one=["x"] * 30, many=numbers, hidden=["2"] * 30),
        },
    )


def test_columns_of_2_to_20_values_over_all_splits_make_groups(dataset):
    assert group_columns(dataset) == ("place", "hidden")


def test_columns_of_names_come_before_those_of_numbers(dataset):
    columns = dataset.splits["val"].columns
    columns["code"] = ["0", "1"] * 15
    columns["after"] = ["dry", "wet"] * 15
    for split in dataset.splits.values():
        split.columns["hidden"] = ["1", "x"] * 15
    assert group_columns(dataset) == ("place", "hidden", "after", "code")


def test_wanted_columns_make_groups_whatever_they_hold(dataset):
    assert group_columns(dataset, ["many", "one", "many"]) == ("many", "one")


@pytest.mark.parametrize(
    ("wanted", "remedy"),
    [("plcae", 'did you mean "place"?'), ("xyz", "use one of place, one, many, hidden")],
)
def test_a_column_that_is_not_there(dataset, wanted, remedy):
    with pytest.raises(InputError) as caught:
        group_columns(dataset, [wanted])
    assert str(caught.value) == f'--groups "{wanted}" is not a column of the data birds: {remedy}'


def test_codes_agree_over_splits_and_an_empty_cell_has_none(dataset):
    val, test = (group_column(dataset, split, "place") for split in ("val", "test"))
    assert val.values == test.values == ("land", "water")
    assert val.codes[:4].tolist() == [0, -1, 0, -1]
    assert test.codes.unique().tolist() == [1]
