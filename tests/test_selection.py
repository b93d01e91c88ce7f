"""Choosing classes, neurons and checks."""

import pytest

from neuroinspect_tui.config import Check
from neuroinspect_tui.errors import InputError
from neuroinspect_tui.results import (
    ClassRef,
    ClassResult,
    Culprit,
    CulpritReport,
    Evaluation,
    GroupResult,
)
from neuroinspect_tui.results.selection import leading_culprits, measured, worst_classes


def row(index: int, correct: int, count: int) -> ClassResult:
    accuracy = correct / count if count else None
    return ClassResult(index, f"c{index}", count, correct, accuracy, 0.0, 0.0, None)


EVALUATION = Evaluation("val", 30, (), 0.7, 0.6, (row(0, 9, 10), row(1, 2, 10), row(2, 10, 10), row(3, 0, 0)))


def culprit(neuron: int) -> Culprit:
    return Culprit(neuron, "insufficient", 50.0, 1.0, 0.0, 0.0)


def test_worst_classes_have_mistakes_and_come_worst_first() -> None:
    assert worst_classes(EVALUATION, 3) == [1, 0]
    assert worst_classes(EVALUATION, 1) == [1]


def test_leading_culprits_alternate_between_the_lists() -> None:
    report = CulpritReport(
        ClassRef(0, "c"), "default", 5, 0, tuple(map(culprit, (4, 5, 6))), (culprit(9),), None, None
    )
    assert leading_culprits(report, 3) == (4, 9, 5)
    assert leading_culprits(report, 9) == (4, 9, 5, 6)


def test_checks_read_their_rates() -> None:
    assert measured(Check.parse("accuracy=0.5"), EVALUATION) == 0.7
    assert measured(Check.parse("worst-class=0.5"), EVALUATION) == 0.2
    with pytest.raises(InputError, match="no groups"):
        measured(Check.parse("worst-group=0.5"), EVALUATION)
    grouped = Evaluation("val", 1, (), 0.7, 0.6, (), (), GroupResult("place", "water", 0, "c0", 4, 1, 0.25))
    assert measured(Check.parse("worst-group=0.5"), grouped) == 0.25


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (
            "worst-clas=0.5",
            "--fail-under 'worst-clas' is not known: did you mean \"worst-class\"? use one of accuracy, worst-class, worst-group",
        ),
        ("accuracy", "--fail-under 'accuracy' has no number: write accuracy=0.6"),
        ("accuracy=60", "--fail-under 60 is out of range: give a number between 0 and 1"),
    ],
)
def test_checks_that_cannot_be_read(text: str, line: str) -> None:
    with pytest.raises(InputError) as caught:
        Check.parse(text)
    assert str(caught.value) == line
