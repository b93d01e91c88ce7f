import pytest
import torch

from neuroinspect_tui.data.files import FileImages
from neuroinspect_tui.data.groups import group_column, group_columns, group_notes
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


def aged(ages, **more):
    columns = {"age": list(map(str, ages)), **more}
    split = Split("val", [f"{row}.png" for row in range(len(ages))], torch.zeros(len(ages)), columns, None)
    return ImageDataset("set", None, ("a", "b"), {"val": split})


def test_many_numbers_become_four_groups_of_equally_many_images():
    dataset = aged([*range(40), ""])
    found = group_column(dataset, "val", "age")
    assert found.values == ("0 to 9", "10 to 19", "20 to 29", "30 to 39")
    assert found.codes.tolist() == [row // 10 for row in range(40)] + [-1]
    assert group_notes(dataset, ["age"]) == (
        "age has 40 numbers: its groups are 0 to 9, 10 to 19, 20 to 29, 30 to 39",
    )
    assert group_columns(dataset) == ()
    assert group_columns(dataset, ["age"]) == ("age",)


def test_a_number_that_most_images_share_is_one_group():
    found = group_column(aged([0] * 60 + list(range(1, 41))), "val", "age")
    assert found.values == ("0 to 0", "1 to 15", "16 to 40")
    assert found.codes.bincount().tolist() == [60, 15, 25]


def test_few_numbers_are_groups_of_their_own():
    dataset = aged([1, 2, 10, 2])
    assert group_column(dataset, "val", "age").values == ("1", "10", "2")
    assert group_notes(dataset, ["age"]) == ()


def test_the_rarer_of_many_names_are_one_group():
    names = [f"n{row:02d}" for row in range(30)]
    dataset = aged([*names, *names[:19]])
    found = group_column(dataset, "val", "age")
    assert found.values == (*names[:19], "11 others")
    assert found.codes.tolist() == [min(row, 19) for row in range(30)] + list(range(19))
    assert group_notes(dataset, ["age"]) == ("age has 30 values: all but the 19 most frequent are one group",)
