import csv
from dataclasses import replace

import pytest

from neuroinspect_tui.cli.commands import print_comparison
from neuroinspect_tui.errors import InputError
from neuroinspect_tui.results import Sample
from neuroinspect_tui.session.compare import Prediction, Side, paired_changes
from neuroinspect_tui.session.report import build_report, write_reports
from neuroinspect_tui.session.store import Session

from . import synthetic

REPORT = build_report(synthetic.findings())


def sides(before, after, labels=None, groups=None):
    """Two sessions that answer images 0, 1, … right (True) or wrong."""
    labels = labels or ["star"] * len(before)
    groups = groups or [{}] * len(before)

    def one(right):
        return Side(
            REPORT,
            {
                str(row): Prediction(label, label if correct else "ring", group)
                for row, (label, correct, group) in enumerate(zip(labels, right, groups, strict=True))
            },
        )

    return one(before), one(after)


def written(root, predicted):
    """A session on disk whose images of star are predicted as told."""
    with Session.open(root) as session:
        samples = [
            Sample("val", row, f"=star/{row}.png", 0, answer, 0.9, groups={"background": "sand"})
            for row, answer in enumerate(predicted)
        ]
        write_reports(session, build_report(synthetic.findings()), samples)
    return root


def test_parts_are_matched_by_path_and_tested_together():
    labels = ["star"] * 8 + ["kite"] * 4
    groups = [{"background": "sand"}] * 6 + [{}] * 6
    first, second = sides([True] * 12, [False] * 7 + [True] * 5, labels, groups)
    second.answers.pop("11")  # an image that only the first session answered
    found = {(one.kind, one.name): one for one in paired_changes(first, second)}
    assert set(found) == {
        ("all", ()),
        ("class", ("star",)),
        ("class", ("kite",)),
        ("group", ("background", "sand", "star")),
    }
    whole, star, kite = found["all", ()], found["class", ("star",)], found["class", ("kite",)]
    assert (whole.n, whole.fixed, whole.broken, whole.p) == (11, 0, 7, pytest.approx(2 / 128))
    assert whole.adjusted == whole.p and whole.regressed
    assert (star.n, star.broken, star.adjusted, star.regressed) == (8, 7, pytest.approx(6 / 128), True)
    assert (kite.n, kite.broken, kite.p, kite.regressed) == (3, 0, 1.0, False)
    group = found["group", ("background", "sand", "star")]
    assert (group.n, group.broken, group.p) == (6, 6, pytest.approx(2 / 64))
    assert group.adjusted == pytest.approx(4 / 64) and not group.regressed


def test_a_gain_is_no_regression():
    change = paired_changes(*sides([False] * 9, [True] * 9))[0]
    assert (change.fixed, change.broken, change.p < 0.01, change.regressed) == (9, 0, True, False)


def test_answers_are_read_from_the_table_of_samples(tmp_path):
    side = Side.read(written(tmp_path / "a", [0, 1]))
    assert side.answers == {
        "'=star/0.png": Prediction("star", "star", {"background": "sand"}),
        "'=star/1.png": Prediction("star", "ring", {"background": "sand"}),
    }


def test_a_table_that_is_missing_or_damaged_is_named(tmp_path):
    root = written(tmp_path / "a", [0])
    (root / "samples.csv").write_text("a,b\n1,2\n")
    with pytest.raises(InputError, match=r"samples\.csv cannot be read"):
        Side.read(root)
    (root / "samples.csv").unlink()
    with pytest.raises(InputError, match="No such file or directory"):
        Side.read(root)


def test_a_regression_fails_only_where_asked(tmp_path, capsys):
    good, bad = written(tmp_path / "good", [0] * 8), written(tmp_path / "bad", [1] * 7 + [0])
    assert print_comparison(good, bad) == 0
    assert capsys.readouterr().err == ""
    assert print_comparison(good, bad, True) == 1
    assert capsys.readouterr().err == (
        "neuroinspect: --fail-on-regression: regression in all images (of 8, 0 fixed, 7 broken); "
        "class star (of 8, 0 fixed, 7 broken); group star, background sand (of 8, 0 fixed, 7 broken)\n"
    )
    assert print_comparison(bad, good, True) == 0
    none = written(tmp_path / "none", [])
    with pytest.raises(InputError, match="has no image to compare by"):
        print_comparison(good, none, True)


def test_group_values_that_hold_the_separator_are_told_apart(tmp_path):
    found = synthetic.findings()
    rows = zip(found.evaluation.groups, ("a", "a; b", "x (y)", "\x1b"), strict=True)
    groups = tuple(replace(row, value=value) for row, value in rows)
    report = build_report(replace(found, evaluation=replace(found.evaluation, groups=groups)))
    with Session.open(tmp_path) as session:
        samples = [
            Sample("val", row, f"{row}.png", 0, 0, 0.9, groups={"background": value, "hour": "1"})
            for row, value in enumerate(("a", "a; b", "x (y)", "\x1b", "unknown"))
        ]
        write_reports(session, report, samples)
    groups = [answer.groups.get("background") for answer in Side.read(tmp_path).answers.values()]
    assert groups == ["a", "a; b", "x (y)", "\\x1b", None]
    with (tmp_path / "samples.csv").open() as file:
        assert next(csv.DictReader(file))["groups"] == "background a; hour 1"
