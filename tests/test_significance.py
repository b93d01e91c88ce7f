import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuroinspect_tui.significance import holm, mcnemar_p


@pytest.mark.parametrize(
    ("fixed", "broken", "p"),
    [
        (0, 0, 1.0),
        (0, 5, 2 / 32),
        (0, 6, 2 / 64),
        (6, 0, 2 / 64),
        (1, 8, 20 / 512),
        (8, 1, 20 / 512),
        (3, 3, 1.0),
    ],
)
def test_mcnemar_is_the_binomial_tail_by_hand(fixed, broken, p):
    assert mcnemar_p(fixed, broken) == pytest.approx(p)


def test_holm_steps_down_and_never_falls():
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.4, 0.9]) == pytest.approx([0.8, 0.9])
    assert holm([0.6, 0.7]) == [1.0, 1.0]
    assert holm([]) == []


@given(st.lists(st.floats(0, 1), max_size=20))
def test_holm_keeps_the_order(values):
    adjusted = holm(values)
    ranked = [adjusted[place] for place in sorted(range(len(values)), key=lambda place: values[place])]
    assert ranked == sorted(ranked)
    assert all(after >= before for before, after in zip(values, adjusted, strict=True))
