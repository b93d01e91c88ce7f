import json

import pytest

from neuroinspect_tui.data.class_names import find_class, read_class_list
from neuroinspect_tui.errors import InputError


def stored(tmp_path, name, value):
    text = value if isinstance(value, str) else json.dumps(value)
    (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path / name


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("a.txt", "\ufeffcat\n dog \n\nsea horse\n"),
        ("a.json", ["cat", "dog", "sea horse"]),
        ("a.json", {"sea horse": 2, "cat": 0, "dog": 1}),
        ("a.json", {"2": "sea horse", "0": "cat", "1": "dog"}),
    ],
)
def test_each_form_gives_the_same_names_in_index_order(tmp_path, name, value):
    classes = read_class_list(stored(tmp_path, name, value))
    assert classes.names == classes.keys == ("cat", "dog", "sea horse")


def test_an_index_map_with_keys_and_a_map_of_folders(tmp_path):
    indexed = read_class_list(stored(tmp_path, "a.json", {"0": ["n02", "tench"], "1": ["n01", "goldfish"]}))
    assert (indexed.keys, indexed.names) == (("n02", "n01"), ("tench", "goldfish"))
    folders = read_class_list(stored(tmp_path, "b.json", {"n02": "tench", "n01": "goldfish"}))
    assert (folders.keys, folders.names) == (("n01", "n02"), ("goldfish", "tench"))


def test_a_label_is_found_by_key_before_name(tmp_path):
    value = {"0": ["crane", "bird"], "1": ["n2", "crane"]}
    assert read_class_list(stored(tmp_path, "a.json", value)).index_of() == {"crane": 0, "bird": 0, "n2": 1}


@pytest.mark.parametrize(
    ("value", "line"),
    [
        ("[1, 2]", "is no list of class names"),
        ('{"0": 1.5}', "is no list of class names"),
        ('{"0": ["a", "b", "c"]}', "is no list of class names"),
        ("{}", "is no list of class names"),
    ],
)
def test_json_that_is_no_list_of_names(tmp_path, value, line):
    path = stored(tmp_path, "bad.json", value)
    with pytest.raises(InputError) as caught:
        read_class_list(path)
    remedy = 'write ["cat", "dog"], {"0": "cat", "1": "dog"} or {"cat": 0, "dog": 1}'
    assert str(caught.value) == f"--classes {path} {line}: {remedy}"


def test_lines_for_files_that_cannot_be_used(tmp_path):
    def line(path):
        with pytest.raises(InputError) as caught:
            read_class_list(path)
        return str(caught.value)

    gone = tmp_path / "gone.txt"
    assert line(gone) == f"--classes {gone}: no such file: give a txt or json file of class names"
    empty = stored(tmp_path, "empty.txt", "\n\n")
    assert line(empty) == f"--classes {empty} names no class: write one class name a line"
    gap = stored(tmp_path, "gap.json", {"1": "a", "2": "b"})
    assert line(gap) == f"--classes {gap} has no class 0: number its 2 classes 0 to 1, each once"
    broken = stored(tmp_path, "broken.json", "[")
    assert line(broken).startswith(f"--classes {broken} cannot be read (Expecting value")
    binary = tmp_path / "binary.txt"
    binary.write_bytes(b"\xff\xfe\x00")
    assert line(binary).startswith(f"--classes {binary} cannot be read ('utf-8' codec")


def test_find_class_by_name_index_and_case():
    names = ("Cat", "sea horse", "7", "crane", "crane")
    assert [find_class(names, text) for text in ("Cat", "cat", "1", "sea horse", "4")] == [0, 0, 1, 1, 4]
    assert find_class(names, "7") == 2


@pytest.mark.parametrize(
    ("wanted", "line"),
    [
        ("sea hrse", '--class "sea hrse" is not a class of the data: did you mean "sea horse"?'),
        ("xyz", '--class "xyz" is not a class of the data: give a name, or an index from 0 to 3'),
        ("4", '--class "4" is not a class of the data: give a name, or an index from 0 to 3'),
        ("crane", '--class "crane" names 2 classes: give the index: 2 or 3'),
    ],
)
def test_find_class_refuses_with_the_nearest_name(wanted, line):
    with pytest.raises(InputError) as caught:
        find_class(("cat", "sea horse", "crane", "crane"), wanted)
    assert str(caught.value) == line
