"""How numbers are written."""

from __future__ import annotations

import pytest

from neuroinspect_tui.wording import numbers as wording


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0.44, "0.4 s"),
        (9.94, "9.9 s"),
        (12.4, "12 s"),
        (59.6, "1 min 00 s"),
        (125, "2 min 05 s"),
        (4020, "1 h 07 min"),
    ],
)
def test_duration(seconds: float, expected: str) -> None:
    assert wording.duration(seconds) == expected


def test_rates() -> None:
    assert wording.bare_percent(1 / 3) == "33.3"
    assert wording.bare_percent(None) == "–"
    assert wording.bare_percent(1.0, 0) == "100"
    assert [wording.signed(change) for change in (0.12, -0.003, 0.0, 0.0004)] == [
        "+12.0",
        "−0.3",
        "±0.0",
        "±0.0",
    ]
    assert wording.number(1234567) == "1 234 567"


def test_a_decimal_number_has_a_minus_not_a_hyphen() -> None:
    assert [wording.decimal(value, 2) for value in (-0.036, 1.0, None)] == ["−0.04", "1.00", "–"]


def test_bar() -> None:
    assert wording.bar(0.5, 6) == ("━━━", "───")
    assert wording.bar(0.58, 6) == ("━━━╸", "──")
    assert wording.bar(0.001, 6) == ("╸", "─────")
    assert wording.bar(0.0, 6) == ("", "──────")
    assert wording.bar(1.0, 6) == ("━━━━━━", "")
    assert wording.bar(2.0, 6) == ("━━━━━━", "")
    assert wording.bar(None, 3) == ("", "   ")


def test_counted_things() -> None:
    assert wording.plural(1, "mistake") == "1 mistake"
    assert wording.plural(2, "class", "classes") == "2 classes"
    assert wording.neurons((1, 2, 3)) == "1, 2, 3"
    assert wording.neurons((1, 2, 3, 4), 2) == "1, 2 and 2 more"
