from dataclasses import replace

import pytest

from neuroinspect_tui.results import Comparison, Verdict
from neuroinspect_tui.session import report_words as words
from neuroinspect_tui.session.report import build_report

from . import synthetic


def reported(repair):
    """The repair as the report has it."""
    found = synthetic.findings()
    debugged = replace(found.debugged[0], repairs=(repair,))
    return build_report(replace(found, debugged=(debugged,))).repairs[0]


@pytest.fixture
def repair():
    return reported(synthetic.repair())


@pytest.mark.parametrize(
    ("outcome", "mark"), [("helps", "good"), ("hurts", "bad"), ("no_better", "even"), ("too_few", "even")]
)
def test_the_mark_follows_the_outcome(outcome, mark):
    assert words.verdict_mark(reported(replace(synthetic.repair(), verdict=Verdict(outcome, ())))) == mark


def test_the_facts_below_the_numbers():
    made = replace(synthetic.repair(), parameters={"strength": 0.00316228, "groups": "place"})
    assert words.repair_facts(reported(made)) == [
        "over all images 41 fixed, 6 broken (exact McNemar test, p < 0.0001)",
        "with the cues grass",
        "fitted on 2 400 images of train (80 tags, carried to 2320 images)",
        "chosen on 288 images of val",
        "judged on 576 images of test",
        "ridge strength 0.00316, weighted by place; fitted and chosen in 0.05 s",
        "weights in repairs/1-ridge/weights.safetensors",
    ]
    edited = replace(made, method="paper", parameters={"lambda": 0.01, "epochs": 3}, cues=(), weights=None)
    assert words.repair_facts(reported(edited))[4:] == [
        "λ 0.01, best epoch 3; fitted and chosen in 0.05 s",
        "neurons 17, 5",
        "not accepted: no weights are written",
    ]


def test_heads_come_in_reading_order(repair):
    assert [name for name, _ in words.heads(repair)] == [
        "untouched",
        "ridge",
        "control: bias",
        "control: finetune",
    ]


def test_a_line_of_the_verdict_in_words(repair):
    first, bias, *_, group = repair.verdict.comparisons
    assert words.aim_words(repair, first, "star; the best") == "star; the best"
    assert words.against_words(repair, bias) == "bias shift"
    assert words.rates_words(bias) == "71.0 → 86.0 %"
    assert words.difference_words(bias) == "+15.0 (+4.0 to +26.0)"
    assert words.aim_words(repair, group, "star") == "worst group before: star, background grass (estimated)"


def test_a_line_without_images_has_no_difference():
    nothing = Comparison("class", "untouched", 0, 0, 0, float("nan"), float("nan"), (-1.0, 1.0), 1.0)
    found = reported(replace(synthetic.repair(), verdict=Verdict("too_few", (nothing,))))
    (line,) = found.verdict.comparisons
    assert (words.rates_words(line), words.difference_words(line)) == ("– → –", "")


def test_changed_classes_come_losers_first(repair):
    assert [row.name for row in words.changed_classes(repair)] == ["ring", "leaf", "star"]


def test_the_caveats_say_what_is_estimated_and_what_was_left_out():
    found = build_report(synthetic.findings())
    assert words.caveats(found) == [
        "All rates were measured on 288 images of val unless they say otherwise.",
        "Numbers of groups made from tags are estimates: a probe carried the tags to other images.",
        "12 images of test have a copy in val: they are left out where repairs are judged.",
        "2 images could not be read and are counted nowhere.",
        "images are drawn, 64 × 64",
    ]
