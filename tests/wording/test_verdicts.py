"""The sentences are made from values alone, whatever classes are called."""

from dataclasses import replace

import pytest

from neuroinspect_tui.results import (
    Choice,
    ClassRef,
    Comparison,
    CueGap,
    GroupEstimate,
    Loser,
    Repair,
    Verdict,
)
from neuroinspect_tui.wording.verdicts import choice_sentence, estimate_words, outcome_words, verdict_sentence

from ..session import synthetic

OWN = Comparison("class", "untouched", 40, 15, 0, 0.475, 0.85, (0.2, 0.52), 2**-14)
ALL = Comparison("all", "untouched", 320, 75, 27, 0.568, 0.803, (0.1, 0.2), 2e-6)
BIAS = Comparison("class", "bias", 40, 3, 2, 0.825, 0.85, (-0.1, 0.15), 1.0)


def repair(outcome: str, *lines: Comparison, **given: object) -> Repair:
    made = replace(synthetic.repair(), target=ClassRef(0, "salt; pepper"))
    return replace(made, verdict=Verdict(outcome, lines, **given))  # type: ignore[arg-type]


def test_a_repair_that_helps_says_on_what_and_how_surely():
    assert verdict_sentence(repair("helps", OWN, ALL)) == (
        "Helps: salt; pepper 47.5 → 85.0 % of 40 images (15 fixed, 0 broken, p = 6.1e-05); "
        "all images 56.8 → 80.3 % of 320 images (75 fixed, 27 broken, p = 2e-06)."
    )


def test_losers_are_named_with_numbers():
    losers = tuple(Loser(ClassRef(n, f"c{n}"), 0.51, 0.36, 39, 0.03) for n in range(1, 6))
    assert verdict_sentence(repair("helps", OWN, ALL, losers=losers)).endswith(
        " Losing: c1 51.0 → 36.0 % (p = 0.03), c2 51.0 → 36.0 % (p = 0.03), c3 51.0 → 36.0 % (p = 0.03), 2 more classes."
    )


@pytest.mark.parametrize(
    ("outcome", "lines", "end"),
    [
        ("no_better", (OWN, ALL, BIAS), "The control “bias shift” reaches 82.5 %, about as much."),
        ("no_better", (replace(OWN, p=0.2), ALL), "The gain may be chance (p = 0.2)."),
        (
            "no_better",
            (replace(OWN, fixed=3, broken=9), ALL),
            "What was to be repaired does not gain.",
        ),
        ("too_few", (replace(OWN, n=19), ALL), "19 images are too few to tell."),
        (
            "too_few",
            (replace(OWN, fixed=1, broken=4), ALL),
            "The two layers differ on only 5 images of it.",
        ),
    ],
)
def test_what_does_not_help_says_why(outcome, lines, end):
    assert verdict_sentence(repair(outcome, *lines)).endswith(end)


def told(against: str, p: float, fixed: int, broken: int, before: float) -> Comparison:
    return Comparison("class", against, 40, fixed, broken, before, 0.85, (0, 0.5), p)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("nothing", "shuffled", "end"),
    [
        (
            told("told_nothing", 0.4, 3, 2, 0.825),
            told("shuffled_tags", 0.01, 9, 0, 0.6),
            "The tags add nothing: the same method does as well without them "
            "(salt; pepper 82.5 % without them, 85.0 % with them of 40 images, p = 0.4).",
        ),
        (
            told("told_nothing", 0.01, 9, 0, 0.6),
            told("shuffled_tags", 0.5, 2, 1, 0.825),
            "The tags add nothing: shuffled ones do as well (82.5 %).",
        ),
        (
            told("told_nothing", 0.01, 0, 9, 0.95),
            told("shuffled_tags", 0.01, 0, 9, 0.95),
            "The tags do harm: the same method does better without them "
            "(salt; pepper 95.0 % without them, 85.0 % with them of 40 images, p = 0.01).",
        ),
        (
            told("told_nothing", 0.01, 9, 0, 0.6),
            told("shuffled_tags", 0.01, 9, 0, 0.6),
            "The tags matter: the same method does worse without them "
            "(salt; pepper 60.0 % without them, 85.0 % with them of 40 images, p = 0.01).",
        ),
    ],
)
def test_what_the_tags_add_is_said(nothing, shuffled, end):
    made = replace(repair("helps", OWN, ALL, nothing, shuffled), cues=("water",))
    assert verdict_sentence(made).endswith(end)
    assert "The groups" in verdict_sentence(replace(made, cues=()))


@pytest.mark.parametrize(
    ("p", "shuffled_p", "end"),
    [
        (
            0.01,
            0.02,
            "p = 0.4). On the worst group (star, background grass) they do add something: "
            "60.0 % without them, 85.0 % with them of 40 images, p = 0.01.",
        ),
        (0.01, 0.2, "p = 0.4)."),
        (0.2, 0.02, "p = 0.4)."),
    ],
)
def test_what_the_tags_add_to_the_worst_group_is_said_where_it_differs(p, shuffled_p, end):
    """Nothing on the class, and more than shuffled tags on the worst group or not."""
    own = told("told_nothing", 0.4, 3, 2, 0.825)
    worst = replace(told("told_nothing", p, 9, 0, 0.6), metric="worst_group")
    shuffled = replace(told("shuffled_tags", shuffled_p, 9, 0, 0.6), metric="worst_group")
    made = replace(repair("helps", OWN, ALL, own, worst, shuffled), cues=("water",))
    assert verdict_sentence(made).endswith(end)


def test_a_kept_head_is_said():
    kept = replace(repair("too_few", OWN, ALL), unchanged=True)
    assert verdict_sentence(kept) == "Nothing beat the untouched decision layer, which is kept."


@pytest.mark.parametrize(
    ("interval", "words"),
    [
        ((0.6, 0.84), "is 73 % (60 to 84 %, 90 % interval)."),
        ((0.3, 0.84), "is anywhere from 30 to 84 %: too few to tell."),
    ],
)
def test_an_estimate_is_called_one_and_says_how_sure_it_is(interval, words):
    line = replace(OWN, metric="worst_group", n=85)
    made = repair("helps", OWN, ALL, line, estimated=True)
    start = "Worst-group numbers are estimates: a probe carried the tags to its 85 images."
    assert verdict_sentence(made).endswith(start)
    estimate = GroupEstimate(0.73, interval, 91.2, 13)
    worst = replace(made.before.worst_group, estimated=True, estimate=estimate)
    sentence = verdict_sentence(replace(made, before=replace(made.before, worst_group=worst)))
    assert sentence.endswith(
        f"{start} By the 13 images of the class tagged by hand, the true rate before the repair {words}"
    )


def test_an_estimate_without_tags_of_the_class_says_so():
    assert estimate_words(GroupEstimate(0.2, (0.0, 0.6), 45.0, 0)) == (
        "None of the class was tagged by hand: its true rate is not known."
    )


@pytest.mark.parametrize(
    ("hurt", "words"), [("class", "hurts the class itself"), ("all", "hurts others"), (None, "hurts others")]
)
def test_the_outcome_in_a_few_words(hurt, words):
    assert outcome_words(repair("hurts", OWN, ALL, hurt=hurt)) == words


def test_what_pays_is_said():
    others = repair("hurts", OWN, replace(ALL, fixed=20, broken=41), hurt="others")
    assert verdict_sentence(others).endswith("The other 280 images pay for the gain: 5 fixed, 41 broken.")
    worst = replace(OWN, metric="worst_group", n=20, fixed=0, broken=9, before=0.9, after=0.45, p=0.0039)
    assert verdict_sentence(repair("hurts", OWN, ALL, worst, hurt="worst_group")).endswith(
        "What loses is the worst group (star, background grass): "
        "90.0 → 45.0 % of 20 images (0 fixed, 9 broken, p = 0.0039)."
    )


def test_the_choice_is_said():
    made = replace(synthetic.repair(), choice=Choice("groups", "a; b", kept=True))
    assert choice_sentence(made) == (
        "auto chose ridge, weighted by the groups of “a; b”; on the choosing part nothing beat the untouched decision layer, which is kept"
    )
    assert choice_sentence(replace(made, choice=Choice("best", scores={"afr": 0.5, "ridge": 0.625}))) == (
        "auto chose ridge: without groups its worst class does best (afr 50.0 %, ridge 62.5 %)"
    )
    assert choice_sentence(synthetic.repair()) == ""


def test_a_cue_that_the_repair_feeds_is_named_with_numbers():
    own = CueGap("warm", 0, 0.28, 0.55, 200, (0.18, 0.36))
    every = CueGap("warm", None, 0.2, 0.24, 2000, (0.01, 0.07), estimated=True)
    steady = CueGap("frame", 0, 0.2, 0.215, 200, (0.001, 0.03))
    made = replace(repair("helps", OWN, ALL), gaps=(own, every, steady))
    assert verdict_sentence(made).endswith(
        " It makes salt; pepper lean more on “warm”: images with its usual value do better than the others by "
        "55.0 points instead of 28.0 (200 images; +18.0 to +36.0, 95 % interval). Repair both together."
    )
    assert verdict_sentence(replace(made, gaps=(every,))).endswith(
        " It makes the classes lean more on “warm”: images with its usual value do better than the others by "
        "24.0 points instead of 20.0 (2000 images, estimated; +1.0 to +7.0, 95 % interval). Repair both together."
    )
    assert "lean more" not in verdict_sentence(replace(made, gaps=(steady,)))
