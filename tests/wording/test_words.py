"""Numbers, names, culprits and cues in words."""

import math

import pytest

from neuroinspect_tui.results import Preprocessing, ProbeQuality, RareCell, SplitDuplicates
from neuroinspect_tui.wording import cues, numbers
from neuroinspect_tui.wording.culprits import suspicion_words
from neuroinspect_tui.wording.names import short_name
from neuroinspect_tui.wording.opened import preprocessing_words


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [(0.8471, 1, "84.7 %"), (1.0, 0, "100 %"), (0.0, 1, "0.0 %"), (None, 1, "–"), (math.nan, 1, "–")],
)
def test_rates_are_shown_as_percent(value, digits, text):
    assert numbers.percent(value, digits) == text
    assert numbers.bare_percent(value, digits) == text.removesuffix(" %")


def test_numbers_that_are_not_defined_are_a_dash():
    assert [numbers.decimal(value, 2) for value in (1.236, None, math.inf)] == ["1.24", "–", "–"]


@pytest.mark.parametrize(
    ("p", "text"),
    [
        (0.0312, "p = 0.031"),
        (0.0001, "p = 0.0001"),
        (0.00009, "p < 0.0001"),
        (1.0, "p = 1"),
        (None, "p not defined"),
    ],
)
def test_p_values(p, text):
    assert numbers.p_value(p) == text


def test_signs_intervals_and_lists():
    assert [numbers.signed_decimal(value) for value in (0.644, -0.3, 0.001)] == ["+0.64", "−0.30", "±0.00"]
    assert numbers.interval((0.193, 0.453)) == "19 % to 45 %"
    assert numbers.interval(None) == ""
    assert [numbers.listed(words) for words in ([], ["a"], ["a", "b"], ["a", "b", "c"])] == [
        "",
        "a",
        "a and b",
        "a, b and c",
    ]
    assert numbers.class_name(("cat",), 0) == "cat"
    assert numbers.class_name(("cat",), 1) == "1"


@pytest.mark.parametrize(
    ("pull", "outside", "words"),
    [
        (None, None, ""),
        (-0.4, None, "pushes images of other classes away from “salt; pepper” (r = −0.40)"),
        (
            0.6,
            0.75,
            "pushes images of other classes towards “salt; pepper” (r = +0.60); "
            "CLIP sees the class outside its region in 75 % of its exemplars",
        ),
    ],
)
def test_suspicions(pull, outside, words):
    assert suspicion_words(pull, outside, "salt; pepper") == words


def test_cues_and_copies():
    assert cues.tag_words(1, 20) == "1 image tagged with it, 20 without"
    assert cues.probe_words(0.93, 140, 1300, 18, True) == (
        "estimated over all images: 140 with it, 1 300 without, 18 unclear; "
        "the probe gets 93 % of left-out tags right"
    )
    assert cues.probe_words(0.6, 1, 2, 3, False).endswith("60 % of left-out tags right, more tags are needed")
    assert cues.probe_words(None, 1, 2, 3, False).endswith("; the probe could not be checked")
    assert cues.duplicate_words(SplitDuplicates("a;b", "test", 1)) == "1 image of test has a copy in a;b"
    assert cues.duplicate_words(SplitDuplicates("val", "test", 12)) == "12 images of test have a copy in val"


def test_preprocessing():
    found = Preprocessing(256, 224, False, "bicubic", (0.5, 0.25, 0.5), (0.25, 0.25, 0.25))
    assert preprocessing_words(found) == (
        "shorter side to 256, middle 224 × 224 (bicubic), pixels 0…1, mean 0.5, 0.25, 0.5, std 0.25, 0.25, 0.25"
    )
    assert preprocessing_words(None) == ""


@pytest.mark.parametrize(
    ("name", "short"),
    [
        ("/a/b/models.py:net", "net"),
        ("timm:resnet10t", "resnet10t"),
        ("package.network:demo_resnet", "demo_resnet"),
        ("/a/data/manifest.csv", "data/manifest.csv"),
        ("data/", "data"),
        ("/", "/"),
        ("odd:", "odd:"),
    ],
)
def test_titles_take_the_telling_end(name, short):
    assert short_name(name) == short


def cell(**given) -> RareCell:
    rest = {"label": 3, "value": "not", "images": 94, "right": 80.6, "interval": (75.0, 86.2), "tagged": 24}
    rest |= {"recall": 0.61, "recall_interval": (0.4, 0.8), "confirmed": True}
    return RareCell(**{**rest, **given})


def test_a_rare_cell_says_how_many_of_its_images_are_right():
    names = ("dog", "owl", "ant", "cat")
    assert cues.cell_words(cell(), "patch", names) == (
        "of 94 images counted as cat without patch about 81 are (75–86, from 24 tags); "
        "about 61 % of all are found (40–80 %)"
    )
    wide = cell(images=1, right=0.9, interval=(0.0, 1.0), tagged=1, recall_interval=(0.2, 0.8), value="has")
    assert cues.cell_words(wide, "patch", names) == (
        "of 1 image counted as cat with patch about 1 is (0–1, from 1 tag); "
        "too few tags to tell how many are missed"
    )
    unconfirmed = "94 images counted as cat without patch, none confirmed by a tag: repairs leave them out"
    assert cues.cell_words(cell(confirmed=False), "patch", names) == unconfirmed


def test_the_first_three_rare_cells_are_told():
    probe = ProbeQuality(0.9, True, 5, 6, 7, cells=tuple(cell(label=label) for label in range(4)))
    lines = cues.rare_words(probe, "patch", ("dog", "owl", "ant", "cat"))
    assert [line.split()[5] for line in lines] == ["dog", "owl", "ant"]
    assert all(line.startswith("Of 94 images") and line.endswith(".") for line in lines)
    whole = cues.carried_sentence("patch", probe, ("dog", "owl", "ant", "cat"))
    assert whole.startswith("estimated over all images: 5 with it, 6 without, 7 unclear; the probe gets 90 %")
    assert whole.count("counted as") == 3
