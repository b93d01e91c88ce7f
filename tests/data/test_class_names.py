import json

import pytest

from neuroinspect_tui.data.class_names import ClassList, ModelClasses, find_class, read_class_list
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


@pytest.mark.parametrize(
    ("name", "text", "keys", "names"),
    [
        ("a.json", '{"bee":"0","cat":"1","ant":"2"}', None, ("bee", "cat", "ant")),
        ("a.json", '{"10": 1, "2": 0}', None, ("2", "10")),
        ("a.json", '{"id2label": {"0": "bee", "1": "ant"}}', None, ("bee", "ant")),
        ("a.json", '[["n02", "bee"], ["n01", "ant"]]', ("n02", "n01"), ("bee", "ant")),
        ("a.txt", "{0: 'tench, Tinca tinca', 1: 'shark'}", None, ("tench, Tinca tinca", "shark")),
        (
            "a.txt",
            "n01440764 tench, Tinca tinca\nn01443537 goldfish\n",
            ("n01440764", "n01443537"),
            ("tench, Tinca tinca", "goldfish"),
        ),
        ("a.txt", "1 bee\n0 sea horse\n", None, ("sea horse", "bee")),
        ("a.txt", "0: bee\n1: ant\n", None, ("bee", "ant")),
        ("a.txt", "bee 1\nant 0\n", None, ("ant", "bee")),
        ("a.txt", "bee,1\nant,0\n", None, ("ant", "bee")),
        ("a.txt", "7 up\n3 musketeers\n", None, ("7 up", "3 musketeers")),
        ("a.txt", "crane\ndog\ncrane\n", None, ("crane", "dog", "crane")),
    ],
)
def test_forms_of_class_lists(tmp_path, name, text, keys, names):
    (tmp_path / name).write_text(text)
    found = read_class_list(tmp_path / name)
    assert (found.keys, found.names) == (keys or names, names)


def test_an_index_given_twice_is_refused(tmp_path):
    path = stored(tmp_path, "a.json", {"bee": 0, "ant": 0})
    with pytest.raises(InputError) as caught:
        read_class_list(path)
    expected = f'--classes {path} gives index 0 to "bee" and "ant": give each class its own index'
    assert str(caught.value) == expected


def test_placeholders_of_a_model_are_no_names():
    assert ModelClasses(2, ("LABEL_0", "LABEL_1")).listed() is None
    assert ModelClasses(2, ("0", "1")).listed() is None
    assert ModelClasses(2).listed() is None
    listed = ModelClasses(2, ("cat", "dog"), ("n1", "n2")).listed()
    assert listed == ClassList(("n1", "n2"), ("cat", "dog"), "the classifier's 2 classes")


@pytest.mark.parametrize(
    ("value", "line"),
    [
        ("[1, 2]", "is not a list of class names"),
        ('{"0": 1.5}', "is not a list of class names"),
        ('{"0": ["a", "b", "c"]}', "is not a list of class names"),
        ("{}", "is not a list of class names"),
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
    assert line(empty) == f"--classes {empty} names no class: write one class name per line"
    gap = stored(tmp_path, "gap.json", {"1": "a", "2": "b"})
    assert line(gap) == f"--classes {gap} has no class 0: number its 2 classes 0 to 1, each once"
    broken = stored(tmp_path, "broken.json", "[")
    assert line(broken).startswith(f"--classes {broken} cannot be read (Expecting value")
    binary = tmp_path / "binary.txt"
    binary.write_bytes(b"\xff\xfe\x00")
    assert line(binary).startswith(f"--classes {binary} cannot be read ('utf-16-le' codec")


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


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("data.yaml", "nc: 2\nnames: [no, 'dog']\n"),
        ("data.yml", "nc: 2\nnames:\n  1: dog\n  0: no\n"),
        ("classes.csv", "index,name\n1,dog\n0,no\n"),
        ("classes.csv", "name\nno\ndog\n"),
        ("classes.jsonl", '{"id": 1, "name": "dog"}\n{"id": 0, "name": "no"}\n'),
        ("coco.json", '{"categories": [{"id": 1, "name": "dog"}, {"id": 0, "name": "no"}], "images": []}'),
        ("pairs.json", '[[1, "dog"], [0, "no"]]'),
        ("names.txt", '# the classes\n"no"\n"dog"\n'),
        ("names.txt", "no, dog\n"),
        ("names.txt", "\ufeffno\r\ndog\r\n"),
    ],
)
def test_lists_in_the_forms_of_other_programs(tmp_path, name, text):
    (tmp_path / name).write_text(text, encoding="utf-8")
    assert read_class_list(tmp_path / name).names == ("no", "dog")


@pytest.mark.parametrize("encoding", ["utf-16", "cp1252"])
def test_lists_in_other_encodings(tmp_path, encoding):
    (tmp_path / "names.txt").write_text("café\ndog\n", encoding=encoding)
    assert read_class_list(tmp_path / "names.txt").names == ("café", "dog")


def test_damaged_yaml_is_one_line(tmp_path):
    (tmp_path / "data.yaml").write_text("names: [a, b\n")
    with pytest.raises(InputError, match=r"--classes .*data.yaml cannot be read \(while parsing"):
        read_class_list(tmp_path / "data.yaml")
