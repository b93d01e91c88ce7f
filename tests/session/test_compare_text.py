import copy

from hypothesis import given, settings

from neuroinspect_tui.session import report as reports
from neuroinspect_tui.session.compare import Prediction, Side
from neuroinspect_tui.session.compare_text import comparison
from neuroinspect_tui.session.report_model import Report

from . import synthetic
from .hostile import NAMES, nothing_hidden
from .test_html import hostile


def build_report(found):
    return reports.report_json(reports.build_report(found))


def compare(first, second, names=("first", "second")):
    """Compare two reports whose sessions have no image in common."""
    return comparison(side(first), side(second), names)


def side(report, found=()):
    return Side(Report.model_validate(report), dict(found))


def answers(*rows):
    return {
        path: Prediction(label, predicted, {"background": value}) for path, label, predicted, value in rows
    }


def changed(report):
    other = copy.deepcopy(report)
    found = other["evaluation"]
    found["accuracy"] = 0.9
    found["classes"][0]["accuracy"] = 0.5
    found["classes"][1]["accuracy"] = 0.7
    found["groups"][1]["accuracy"] = found["worst_group"]["accuracy"] = 0.25
    other["debugged"] = []
    other["model"]["name"] = "big resnet"
    return other


def test_the_changes_are_told_largest_first():
    report = build_report(synthetic.findings())
    report["debugged"][0]["repairs"] = report["debugged"][0]["repairs"][:1]
    assert compare(report, changed(report), ("out/a", "out/b")) == (
        "first: out/a, 288 images of val\n"
        "second: out/b, 288 images of val\n"
        "other model: small resnet → big resnet\n"
        "\n"
        "no image is in both sessions with the same label\n"
        "\n"
        "as given         first   second  change\n"
        "accuracy         84.7 %  90.0 %  +5.3\n"
        "mean of classes  84.7 %  84.7 %  +0.0\n"
        "worst class      33.3 %  50.0 %  +16.7\n"
        "worst group      5.6 %   25.0 %  +19.4\n"
        "\n"
        "class  first   second  change\n"
        "star   33.3 %  50.0 %  +16.7\n"
        "ring   75.0 %  70.0 %  -5.0\n"
        "\n"
        "… and 6 unchanged\n"
        "\n"
        "group                   first  second  change\n"
        "star, background grass  5.6 %  25.0 %  +19.4\n"
        "\n"
        "… and 3 unchanged\n"
        "\n"
        "repair           class  on    class recall     accuracy         worst group     verdict\n"
        "first, 1: ridge  star   test  33.0 % → 86.0 %  84.0 % → 90.0 %  6.0 % → 78.0 %  "
        "helps\n"
    )


def test_a_repair_judged_on_images_that_it_was_fitted_on_is_told():
    report = build_report(synthetic.findings())
    repair = report["debugged"][0]["repairs"][0]
    repair["weights"] = "repairs/1-ridge/model.safetensors"
    repair["splits"] = [
        {"part": "fit", "split": "val", "samples": 10},
        {"part": "judge", "split": "test", "samples": 20},
    ]
    other = copy.deepcopy(report)
    other["debugged"] = []
    other["model"]["weights"] = "out/repairs/1-ridge/model.safetensors"
    line = (
        "second has the weights of repair 1 of first, fitted and chosen on images of val: "
        "only images that it has never used can tell what it is worth"
    )
    assert line in compare(report, other).splitlines()
    assert line.replace("second", "FIRST").replace("first", "second").replace("FIRST", "first") in compare(
        other, report
    )
    other["evaluation"]["split"] = "test"
    assert "has the weights of repair" not in compare(report, other)
    other["evaluation"]["split"], other["model"]["weights"] = "val", "out/repairs/2-ridge/model.safetensors"
    assert "has the weights of repair" not in compare(report, other)


def test_equal_reports_show_no_class_and_no_group():
    report = build_report(synthetic.findings())
    report["debugged"] = []
    text = compare(report, report)
    assert "class  first" not in text and "group  " not in text.replace("worst group  ", "")
    assert "accuracy         84.7 %  84.7 %  +0.0" in text


def test_a_class_of_one_report_only_is_shown_without_change():
    report = build_report(synthetic.findings())
    other = copy.deepcopy(report)
    other["evaluation"]["classes"][7]["name"] = "urn"
    lines = compare(report, other).splitlines()
    assert "vase   100.0 %  –        ".rstrip() in [line.rstrip() for line in lines]
    assert "urn    –        100.0 %" in [line.rstrip() for line in lines]


@settings(max_examples=40, deadline=None)
@given(NAMES, NAMES, NAMES, NAMES)
def test_hostile_names_do_not_reach_the_terminal(name, value, path, concept):
    first = build_report(hostile(synthetic.findings(), name, value, path, concept))
    text = compare(first, build_report(synthetic.findings()))
    assert nothing_hidden(text)


def test_hostile_repairs_do_not_reach_the_terminal():
    report = build_report(synthetic.findings())
    repair = report["debugged"][0]["repairs"][0]
    repair |= {"method": "\x1b[31mridge", "weights": "repairs/1-x/m.pt"}
    repair["splits"] = [{"part": "fit", "split": "val", "samples": 10}]
    repair["after"]["split"] = "\x1b[0mtest"
    other = copy.deepcopy(report)
    other["model"]["weights"] = "out/repairs/1-x/m.pt"
    assert nothing_hidden(compare(report, other))


def test_inputs_that_differ_are_told_before_everything_else():
    report = build_report(synthetic.findings())
    report["data"]["preprocessing"] = {
        "resize": 64,
        "size": 64,
        "squash": False,
        "interpolation": "bilinear",
        "mean": [0.5, 0.5, 0.5],
        "std": [0.5, 0.5, 0.5],
    }
    other = copy.deepcopy(report)
    other["data"]["preprocessing"] |= {"resize": 256, "size": 224}
    other["evaluation"]["split"] = "test"
    other["evaluation"]["classes"].reverse()
    other["config"]["debug"]["mode"] = "paper"
    other["model"]["hashes"] = {"data": "other"}
    report["model"]["hashes"] = {"data": "one"}
    first = side(report, answers(("a", "star", "star", "sand")))
    second = side(other, answers(("a", "ring", "star", "sand")))
    pixels = "(bilinear), pixels 0…1, mean 0.5, 0.5, 0.5, std 0.5, 0.5, 0.5"
    assert comparison(first, second).split("\n\n")[0].splitlines() == [
        "CAUTION: these sessions differ in more than the model, so their rates do not tell which is better:",
        f"  preprocessing: shorter side to 64, middle 64 × 64 {pixels} → "
        f"shorter side to 256, middle 224 × 224 {pixels}",
        "  split: val → test",
        "  data: other images or labels",
        "  class order: star, ring, moon, kite and 4 more → vase, drum, boat, leaf and 4 more",
        "  mode: default → paper",
        "  labels: 1 images have another class, and are left out below",
    ]
    assert "CAUTION" not in comparison(first, first)


def test_images_fixed_and_broken_are_counted_in_all_parts():
    report = build_report(synthetic.findings())
    before = [(f"s{row}", "star", "ring" if row < 6 else "star", "sand") for row in range(8)]
    after = [(f"s{row}", "star", "star" if row < 7 else "ring", "sand") for row in range(8)]
    same = [("r0", "ring", "ring", "grass"), ("only first", "ring", "ring", "grass")]
    first, second = side(report, answers(*before, *same)), side(report, answers(*after, same[0]))
    assert comparison(first, second).split("\n\n")[1:3] == [
        "images in both, matched by path  n  fixed  broken  p (McNemar)  p after Holm\n"
        "all images                       9  6      1       0.125\n"
        "class star                       8  6      1       0.125        0.500\n"
        "group star, background sand      8  6      1       0.125        0.500",
        "… and 2 unchanged",
    ]
