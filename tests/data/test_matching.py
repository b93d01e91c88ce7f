import pytest

from neuroinspect_tui.config import DataConfig
from neuroinspect_tui.data.class_names import ClassList, ModelClasses
from neuroinspect_tui.data.dataset import load_dataset
from neuroinspect_tui.data.matching import Matcher, match_labels, normal
from neuroinspect_tui.errors import InputError

from .conftest import save, write_csv

NAMES = ("tench, Tinca tinca", "crane", "Sea lion", "crane", "maillot")
KEYS = ("n01440764", "n02012849", "n02077923", "n03126707", "n03710637")
MODEL = ModelClasses(5, NAMES, KEYS)


def folders(root, *names):
    for name in names:
        save(root / "val" / name / "1.png")
    return root


def labels(source, model=MODEL, **options):
    dataset = load_dataset(DataConfig(str(source), **options), model)
    return dataset.class_names, dataset.split(options.get("split", "val")).labels.tolist()


def line(root, model=MODEL, **options):
    with pytest.raises(InputError) as caught:
        labels(root, model, **options)
    return str(caught.value).replace(str(root), "ROOT")


def test_a_label_means_a_key_a_name_a_loose_form_a_synonym_or_an_index():
    matcher = Matcher(ClassList(KEYS, NAMES, "list"))
    assert matcher.find("n03126707") == [3]
    assert matcher.find("maillot") == [4]
    assert matcher.find("SEA_LION") == [2]
    assert matcher.find("Tinca tinca") == [0]
    assert matcher.find("tench") == [0]
    assert matcher.find("crane") == [1, 3]
    assert (matcher.find("3"), matcher.find("5"), matcher.find("heron")) == ([3], [], [])


def test_a_key_comes_before_a_name():
    matcher = Matcher(ClassList(("crane", "n2"), ("bird", "crane"), "list"))
    assert (matcher.find("crane"), matcher.find("bird"), matcher.find("n2")) == ([0], [0], [1])


def test_normal_form():
    assert normal("  Sea_Lion ") == normal("sea-lion") == normal("SEA  LION") == "sea lion"
    assert normal("caf\u00e9") == normal("cafe\u0301")


def test_folders_may_be_any_subset_of_the_models_classes(tmp_path):
    assert labels(folders(tmp_path / "a", "maillot", "sea lion")) == (NAMES, [4, 2])
    assert labels(folders(tmp_path / "b", "n03710637", "n02012849")) == (NAMES, [1, 4])
    assert labels(folders(tmp_path / "c", "4", "0")) == (NAMES, [0, 4])
    assert labels(folders(tmp_path / "d", "tench", "3")) == (NAMES, [3, 0])


def test_a_table_of_indices_keeps_the_models_names(tmp_path):
    save(tmp_path / "a.png")
    save(tmp_path / "b.png")
    file = write_csv(tmp_path / "m.csv", [["path", "label"], ["a.png", "4"], ["b.png", "1"]])
    assert labels(file) == (NAMES, [4, 1])
    unnamed = ModelClasses(6)
    assert labels(file, unnamed) == (("0", "1", "2", "3", "4", "5"), [4, 1])
    assert "label 4 is out of range" in line(file, ModelClasses(3))


def test_what_cannot_be_matched_is_refused_with_the_nearest_names(tmp_path):
    root = folders(tmp_path, "sea lyon", "tench", "xyz")
    assert line(root) == (
        'ROOT: class "sea lyon" (and 1 more) is not in the classifier\'s 5 classes: did you mean "Sea lion"?'
    )
    (root / "val" / "sea lyon").rename(root / "val" / "maillot")
    assert line(root) == (
        "ROOT: class \"xyz\" is not in the classifier's 5 classes: give the classifier's names in its order "
        "with --classes FILE, or call the folders by index"
    )


def test_a_name_that_stands_twice_is_refused_only_where_it_is_used(tmp_path):
    assert line(folders(tmp_path / "a", "crane", "maillot")) == (
        f'{tmp_path / "a"}: class "crane" is index 1 and 3 in the classifier\'s 5 classes: '
        "which one is it? Call it n02012849 or n03126707"
    ).replace(str(tmp_path / "a"), "ROOT")
    (tmp_path / "c.txt").write_text("crane\ndog\ncrane\n")
    root = folders(tmp_path / "b", "crane", "dog")
    assert line(root, None, classes=str(tmp_path / "c.txt")) == (
        'ROOT: class "crane" is index 0 and 2 in c.txt: which one is it? Call it by index, 0 or 2'
    )
    (root / "val" / "crane").rename(root / "val" / "2")
    assert labels(root, None, classes=str(tmp_path / "c.txt")) == (("crane", "dog", "crane"), [2, 1])


def test_two_folders_of_one_class_are_refused(tmp_path):
    assert line(folders(tmp_path, "tench", "Tinca tinca", "maillot")) == (
        'ROOT: "Tinca tinca" and "tench" are both "tench, Tinca tinca": give them one spelling'
    )


def test_the_class_list_comes_before_the_models_names(tmp_path):
    (tmp_path / "c.txt").write_text("a\nb\nc\nd\ne\n")
    assert labels(folders(tmp_path, "b", "d"), classes=str(tmp_path / "c.txt")) == (
        ("a", "b", "c", "d", "e"),
        [1, 3],
    )


def test_without_names_the_counts_decide(tmp_path):
    root = folders(tmp_path, "ant", "bee")
    assert labels(root, ModelClasses(2)) == (("ant", "bee"), [0, 1])
    assert line(root, ModelClasses(7)) == (
        'the classifier has 7 outputs, ROOT has 2 classes: "ant" has 1 image; "bee" has 1 image: '
        "name the classifier's classes in its order with --classes FILE"
    )


def test_imagenet_names_know_their_wordnet_ids(tmp_path):
    names = tuple(f"name {index}" for index in range(1000))
    root = folders(tmp_path, "n01440764", "n15075141", "n02012849")
    assert labels(root, ModelClasses(1000, names)) == (names, [0, 134, 999])
    (tmp_path / "c.txt").write_text("\n".join(names))
    assert labels(root, None, classes=str(tmp_path / "c.txt")) == (names, [0, 134, 999])


def test_torchvision_sets_are_matched_too(tmp_path):
    pytest.importorskip("torchvision")
    for name in ("maillot", "Sea lion"):
        save(tmp_path / "images" / name / "1.png")
    assert labels("torchvision:ImageFolder", root=str(tmp_path / "images"))[1] == [2, 4]


def test_a_wordnet_id_before_a_name_is_meant():
    """Stanford Dogs calls its folders so."""
    known = ClassList(
        ("n02085620", "n02085782"), ("Chihuahua", "Japanese spaniel"), "the classifier's 2 classes"
    )
    labels = ["n02085782-Japanese_spaniel", "n02085620-Chihuahua"]
    assert match_labels(labels, known, "dogs", str) == (dict(zip(labels, (1, 0), strict=True)), "")
    assert Matcher(known).names("n02085620-Chihuahua") and not Matcher(known).names("n00000001-Chihuahua")
