from pathlib import Path

import pytest

from neuroinspect_tui.data.class_names import ClassList, ModelClasses
from neuroinspect_tui.data.labels import resolve_labels
from neuroinspect_tui.data.table import Table
from neuroinspect_tui.errors import InputError


def table(labels, **more):
    return Table("set", "set.csv", Path(), [f"{row}.png" for row in range(len(labels))], list(labels), **more)


def listed(*names, keys=None):
    return ClassList(tuple(keys or names), names, "classes.txt")


def resolved(found):
    return found.names, found.indices.tolist()


def line(found, classes=None):
    with pytest.raises(InputError) as caught:
        resolve_labels(found, classes)
    return str(caught.value)


def test_names_are_sorted_and_indices_kept():
    assert resolved(resolve_labels(table(["dog", "cat", "dog"]), None)) == (("cat", "dog"), [1, 0, 1])
    assert resolved(resolve_labels(table(["2", "0", "2"]), None)) == (("0", "1", "2"), [2, 0, 2])


def test_the_class_name_column_names_indices_and_keys():
    found = table(["1", "0", "1"], class_names=["dog", "cat", "dog"])
    assert resolved(resolve_labels(found, None)) == (("cat", "dog"), [1, 0, 1])
    found = table(["n2", "n1", "n2"], class_names=["tench", "shark", ""])
    assert resolved(resolve_labels(found, None)) == (("shark", "tench"), [1, 0, 1])


def test_a_class_list_gives_order_and_classes_without_images():
    found = resolve_labels(table(["dog", "cat"]), listed("dog", "fish", "cat"))
    assert resolved(found) == (("dog", "fish", "cat"), [0, 2])


def test_numbers_are_names_when_the_class_list_has_them_as_names():
    assert resolved(resolve_labels(table(["10", "20"]), listed("20", "10"))) == (("20", "10"), [1, 0])
    assert resolved(resolve_labels(table(["1", "0"]), listed("cat", "dog"))) == (("cat", "dog"), [1, 0])


def test_numbered_folders_are_in_number_order_and_say_so():
    found = resolve_labels(table(["2", "10"], named=True, classes=("1", "2", "10")), None)
    assert resolved(found) == (("1", "2", "10"), [1, 2])
    assert found.notes == (
        "the class folders are numbers and are taken in number order (1, 2 … 10); a classifier that "
        "ImageFolder trained has them in text order: name that with --classes",
    )
    assert resolve_labels(table(["1", "2"], named=True), None).notes == ()


def test_whole_numbers_written_as_floats_are_numbers():
    labels = [f"{number}.0" for number in (11, 0, 2, *range(12))]
    found = resolve_labels(table(labels), None)
    assert found.names == tuple(map(str, range(12)))
    assert found.indices.tolist() == [11, 0, 2, *range(12)]


def test_names_that_differ_in_case_alone_are_refused_unless_the_classifier_has_both():
    twins = table(["Ant", "ant", "bee"])
    assert line(twins) == (
        'set.csv: "Ant" and "ant" differ in case or Unicode form alone: '
        "are they one class? Give them one spelling, or name both with --classes FILE"
    )
    assert resolve_labels(twins, None, ModelClasses(3)).names == ("Ant", "ant", "bee")
    assert resolve_labels(twins, listed("bee", "ant", "Ant")).indices.tolist() == [2, 1, 0]
    assert "Unicode form" in line(table(["caf\u00e9", "cafe\u0301", "bee"]))


@pytest.mark.parametrize(
    ("odd", "splits", "why"),
    [
        ("nan", "ttttttt", '"nan" looks like a missing label'),
        ("ant|bee", "ttttttt", '"ant|bee" looks like several labels'),
        ("Ant", "ttttttt", '"Ant" and "ant" differ in case or Unicode form alone'),
        ("other", "tvtvtvt", '"other" is in t alone'),
        ("other", "ttttttt", '"other" has 1 image'),
    ],
)
def test_a_class_too_many_is_named(odd, splits, why):
    found = table([*("ant", "ant", "bee", "bee", "cat", "cat"), odd], splits=list(splits))
    more = '; "Ant" has 1 image' if odd == "Ant" else ""
    with pytest.raises(InputError) as caught:
        resolve_labels(found, None, ModelClasses(3))
    assert str(caught.value) == (
        f"the classifier has 3 outputs, set.csv has 4 classes: {why}{more}: "
        "name the classifier's classes in its order with --classes FILE"
    )


def test_numbered_folders_with_a_class_list_are_class_numbers_and_say_so():
    found = resolve_labels(table(["1", "0"], named=True), listed("cat", "dog"))
    assert resolved(found) == (("cat", "dog"), [1, 0])
    assert found.notes == ("folder names are taken as class numbers of classes.txt",)


def test_wordnet_folders_take_the_names_of_the_list_in_order():
    found = resolve_labels(table(["n01443537", "n01440764"], named=True), listed("tench", "goldfish"))
    assert resolved(found) == (("tench", "goldfish"), [1, 0])
    assert found.notes == ("classes.txt names the sorted WordNet folders in its order",)


def test_keys_of_the_list_are_what_folders_are_called():
    found = resolve_labels(table(["n2", "n1"]), listed("tench", "crane", keys=("n1", "n2")))
    assert resolved(found) == (("tench", "crane"), [1, 0])


@pytest.mark.parametrize(
    ("found", "classes", "expected"),
    [
        (
            table(["0", "2", "1"]),
            listed("cat", "dog"),
            "set.csv row 2: label 2 is out of range: classes.txt names 2 classes, use 0 to 1",
        ),
        (table(["0", "-1"]), None, "set.csv row 2: label -1 is out of range: number the classes from 0"),
        (
            table(["0", "4000000000"]),
            None,
            "set.csv row 2: label 4000000000 is out of range: number the classes from 0",
        ),
        (
            table(["cat", "dgo"]),
            listed("cat", "dog"),
            'set.csv: class "dgo" is not in classes.txt: did you mean "dog"?',
        ),
        (
            table(["cat", "zebra"]),
            listed("cat", "dog"),
            'set.csv: class "zebra" is not in classes.txt: add it to classes.txt, or leave --classes out',
        ),
        (
            table(["cat", "cat"]),
            None,
            'set.csv has only one class, "cat": give images of two classes or more',
        ),
        (
            table(["0", "1", "0"], class_names=["cat", "dog", "fish"]),
            None,
            'set.csv calls class 0 both "cat" and "fish": give each label one class_name',
        ),
    ],
)
def test_lines_for_labels_that_make_no_sense(found, classes, expected):
    assert line(found, classes) == expected


def test_a_class_list_and_class_names_that_contradict_each_other_are_refused():
    swapped = table(["0", "1"], class_names=["circle", "square"])
    assert line(swapped, listed("square", "circle")) == (
        'classes.txt calls label 0 "square", set.csv calls it "circle": '
        "give the same order of classes in both, or leave --classes out"
    )
    others = table(["0", "1"], class_names=["n01", "n02"])
    assert resolve_labels(others, listed("square", "circle")).names == ("square", "circle")


def test_numbers_that_no_image_has_are_told():
    assert resolve_labels(table(["1", "2"]), None).notes == (
        "no image has label 0: labels count from 0, subtract 1 if these count from 1",
    )
    assert resolve_labels(table(["0", "9"]), None).notes == (
        "no image has label 1, 2, 3, 4, 5 and 3 more; labels count from 0",
    )


def test_a_word_among_numbers_makes_names_of_them_and_is_told():
    found = resolve_labels(table(["0", "x", "1"]), None)
    assert found.names == ("0", "1", "x")
    assert found.notes == ('labels are taken as names, because "x" (row 2) is not a number',)
    assert resolve_labels(table(["a", "b"]), None).notes == ()


def test_a_name_that_stands_twice_in_a_class_list_is_told_where_another_is_missing():
    assert line(table(["circle", "square"]), listed("circle", "circle")).endswith(
        'name each class once: "circle" stands there twice'
    )
