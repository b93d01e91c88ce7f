from statistics import NormalDist

import pytest

from neuroinspect_tui.results import ClassChange, ScoreHistogram
from neuroinspect_tui.session.plots import HistogramBin, Share, gains, histogram, wilson


@pytest.mark.parametrize(
    ("count", "total", "low", "high"), [(7, 26, 0.1370, 0.4608), (0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0)]
)
def test_wilson_intervals(count, total, low, high):
    found = wilson(count, total)
    assert found == pytest.approx((low, high), abs=5e-5)
    z = NormalDist().inv_cdf(0.975)
    for bound in found:
        if 0.001 < bound < 0.999:
            assert abs(count / total - bound) == pytest.approx(z * (bound * (1 - bound) / total) ** 0.5)


def test_a_share_without_images_has_no_rate_and_no_interval():
    assert (Share(0, 0).rate, Share(0, 0).interval) == (None, None)
    assert Share(3, 12).rate == 0.25


def test_a_histogram_shows_each_kind_as_a_share_of_its_own_number():
    found = histogram(ScoreHistogram((0.0, 1.0, 4.0), (1, 3), (12, 4), 2.0))
    assert found.columns == (
        HistogramBin(0.0, 25.0, 100 / 3, 100.0),
        HistogramBin(25.0, 75.0, 100.0, 100 / 3),
    )
    assert found.threshold == 50.0


def test_a_histogram_of_equal_or_no_scores_can_be_drawn():
    flat = histogram(ScoreHistogram((1.0, 1.0), (0,), (0,), 5.0))
    assert flat.columns == (HistogramBin(0.0, 0.0, 0.0, 0.0),)
    assert flat.threshold == 100.0


def test_gains():
    assert gains(ClassChange(0, "a", 3, 0.5, 0.75))
    assert not gains(ClassChange(0, "a", 3, 0.5, 0.25))
