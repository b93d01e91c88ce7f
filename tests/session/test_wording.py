import pytest

from neuroinspect_tui.session import wording
from neuroinspect_tui.session.report import build_report

from . import synthetic


@pytest.fixture
def repair():
    return build_report(synthetic.findings())["debugged"][0]["repairs"][0]


@pytest.mark.parametrize(
    ("value", "digits", "text"), [(0.8471, 1, "84.7 %"), (1.0, 0, "100 %"), (0.0, 1, "0.0 %"), (None, 1, "–")]
)
def test_rates_are_shown_as_percent(value, digits, text):
    assert wording.percent(value, digits) == text


def test_numbers_that_are_not_defined_are_a_dash():
    assert (wording.decimal(1.236, 2), wording.decimal(None, 2)) == ("1.24", "–")


@pytest.mark.parametrize(
    ("outcome", "mark"),
    [
        ("helps", "good"),
        ("hurts", "bad"),
        ("no_better", "even"),
        ("too_few", "even"),
    ],
)
def test_the_mark_follows_the_outcome(repair, outcome, mark):
    assert wording.verdict_mark({**repair, "verdict": {"outcome": outcome}}) == mark


def test_the_headline_is_the_worst_group_where_there_are_groups(repair):
    assert wording.repair_headline(repair) == "worst group 6 % → 78 %"
    alone = {**repair, "before": {**repair["before"], "worst_group": None}}
    assert wording.repair_headline(alone) == "33 % → 86 %"


def test_the_facts_below_the_numbers(repair):
    given = {**repair, "parameters": {"strength": 0.00316228, "groups": "place"}}
    facts = [
        "41 images fixed, 6 broken (exact McNemar test, p = 3.1e-08)",
        "fitted on 2400 of train (80 tags, carried to 2320 images)",
        "chosen on 288 of val",
        "judged on 576 of test",
        "ridge strength 0.00316, weighted by place; fitted and chosen in 0.05 s",
        "weights in repairs/1-ridge/weights.safetensors",
    ]
    assert wording.repair_facts(given) == facts
    edited = {**given, "method": "paper", "parameters": {"lambda": 0.01, "epochs": 3}, "same_as": 2}
    assert wording.repair_facts(edited)[4:7] == [
        "λ 0.01, best epoch 3; fitted and chosen in 0.05 s",
        "neurons 17, 5",
        "the same decision layer as repair 2",
    ]


def test_heads_come_in_reading_order(repair):
    assert [name for name, _ in wording.heads(repair)] == [
        "untouched",
        "ridge",
        "control: bias",
        "control: finetune",
    ]


@pytest.mark.parametrize(
    ("name", "short"),
    [
        ("/a/b/models.py:net", "models.py:net"),
        ("timm:resnet10t", "timm:resnet10t"),
        ("data/", "data"),
        ("/", "/"),
    ],
)
def test_titles_take_the_last_part_of_a_path(name, short):
    assert wording.short_name(name) == short
