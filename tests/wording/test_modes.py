"""Failure modes in words, from values made by hand."""

from dataclasses import replace

import pytest

from neuroinspect_tui.results import (
    Carried,
    ConfusedPair,
    CoverTest,
    FailureMode,
    ImageStatistic,
    ProjectOut,
    WeightedNeuron,
)
from neuroinspect_tui.wording import modes

NAMES = ("boat", "mug", "salt; pepper", "house", "apple", "pear")
BOAT = FailureMode(
    id=0,
    name=None,
    name_auroc=None,
    spurious=True,
    weak=False,
    mistakes=34,
    share=34 / 91,
    pairs=(ConfusedPair(0, 1, 34),),
    neurons=(WeightedNeuron(7, 0.5), WeightedNeuron(3, -0.25)),
    carried=Carried((24, 34), (7, 26), 0.0011),
    cover=CoverTest(0.68, 0.06, 20),
)


def test_the_whole_case_in_one_sentence():
    assert modes.sentence(BOAT, NAMES) == (
        "24 of 34 mistakes on boat, predicted as mug, carry this cue, 7 of 26 right answers too (p = 0.0011); "
        "covering it fixes 68 %, covering elsewhere 6 % (n = 20)"
    )


def test_a_mode_tested_by_colour_does_not_claim_that_it_was_covered():
    recoloured = replace(BOAT, cover=CoverTest(0.31, 0.16, 45, "colour"))
    assert modes.cover_words(recoloured.cover) == (
        "giving it the colours of images without the cue fixes 31 %, other colours as far away 16 % (n = 45)"
    )
    assert modes.proof(recoloured) == "recoloured 31 %, others 16 %, n 45"
    assert modes.changed_images(recoloured) == "the same images in the colours of images without the cue"
    assert (modes.changed_word(recoloured), modes.changed_word(BOAT)) == ("recoloured", "covered")
    assert modes.changed_images(BOAT) == "the same images with that region covered"
    assert modes.proof(BOAT) == "covered 68 %, elsewhere 6 %, n 20"


def test_names_of_classes_come_out_as_they_are():
    hostile = replace(BOAT, pairs=(ConfusedPair(2, 1, 34),), cover=None)
    assert modes.sentence(hostile, NAMES).startswith("24 of 34 mistakes on salt; pepper, predicted as mug,")
    assert modes.title(hostile, NAMES) == "salt; pepper → mug"
    assert modes.title(replace(hostile, name="a → b; c"), NAMES) == "a → b; c"


def test_one_mistake_and_no_right_answers():
    small = replace(BOAT, mistakes=1, share=1.0, carried=Carried((1, 1), (0, 0), 1.0), cover=None)
    assert modes.sentence(small, NAMES) == (
        "1 of 1 mistake on boat, predicted as mug, carries this cue, no right answers to compare (p = 1)"
    )
    assert modes.size(small) == "1 mistake, 100 % of all"


@pytest.mark.parametrize(
    ("pairs", "words"),
    [
        (((0, 1, 9), (0, 3, 1)), "boat, mostly predicted as mug"),
        (((0, 1, 5), (0, 3, 5)), "boat, predicted as mug and house"),
        (((0, 1, 5), (3, 1, 9)), "house and boat, predicted as mug"),
        (
            ((0, 1, 2), (1, 0, 2), (3, 4, 2), (4, 3, 2), (5, 0, 1)),
            "boat, mug, house and 2 other classes, predicted as boat, mug, house and 1 other class",
        ),
        (((9, 1, 2),), "9, predicted as mug"),
        ((), ""),
    ],
)
def test_classes_are_named_by_their_mistakes(pairs, words):
    mode = replace(BOAT, pairs=tuple(ConfusedPair(*pair) for pair in pairs))
    assert modes.confused(mode, NAMES) == words


@pytest.mark.parametrize(
    ("name", "auroc", "words"),
    [
        ("water", 0.931, "named by CLIP; AUROC 0.93 on images that the name was not found on"),
        ("water", None, "named by hand"),
        (None, None, ""),
    ],
)
def test_a_name_says_where_it_comes_from(name, auroc, words):
    assert modes.name_words(replace(BOAT, name=name, name_auroc=auroc)) == words


def test_evidence_that_was_not_measured_is_left_out():
    assert modes.evidence(BOAT) == [
        ("neurons", "7 (+0.50) and 3 (−0.25)"),
    ]
    full = replace(
        BOAT, projected=ProjectOut(0.55, 0.02, 0.01), statistic=ImageStatistic("brightness", -0.42, 0.00001)
    )
    assert modes.evidence(full)[:2] == [
        (
            "removed",
            "taking the direction out of the features fixes 55 % of the mistakes and breaks 2 % of the right "
            "answers; a random direction fixes 1 %",
        ),
        ("statistic", "goes with brightness (effect −0.42 of ±1, p < 0.0001)"),
    ]


def test_caveats_are_what_the_numbers_do_not_carry():
    assert modes.caveats(BOAT) == []
    doubtful = replace(BOAT, weak=True, carried=Carried((5, 9), (9, 27), 0.05), cover=CoverTest(0.5, 0.1, 1))
    assert modes.caveats(doubtful) == [
        "weak: it does not come back when the mistakes are resampled",
        "the difference between mistakes and right answers may be chance",
        "covered on 1 image only",
    ]
    assert modes.caveats(replace(BOAT, cover=None)) == ["the cover test was not made"]


def test_many_neurons_are_cut_and_counted():
    rows = tuple(WeightedNeuron(index, 0.5) for index in range(4))
    assert modes.neuron_words(rows, 2) == "0 (+0.50), 1 (+0.50) and 2 more"
