"""Which pictures are made, which of them together, and which images stand for a whole split."""

from __future__ import annotations

import pytest

from neuroinspect_tui import jobs
from neuroinspect_tui.pipeline.picturing import _batches, _pairs, spread
from neuroinspect_tui.stages.illusion_optimizer import Pair


@pytest.mark.parametrize(
    ("count", "wanted", "places"),
    [(10, 4, [0, 3, 6, 9]), (3, 5, [0, 1, 2]), (1, 1, [0]), (5, 1, [0]), (0, 4, []), (101, 3, [0, 50, 100])],
)
def test_positions_are_spread_evenly_from_end_to_end(count: int, wanted: int, places: list[int]) -> None:
    assert spread(count, wanted) == places


def test_each_neuron_once_and_then_again_from_the_next_seed() -> None:
    job = jobs.Illustrate(7, (3, 5), pictures=5)
    assert _pairs(job, seed=10) == [
        Pair(3, 7, 10),
        Pair(5, 7, 10),
        Pair(3, 7, 11),
        Pair(5, 7, 11),
        Pair(3, 7, 12),
    ]
    assert _pairs(jobs.Illustrate(7, (3, 5)), seed=0) == [Pair(3, 7, 0), Pair(5, 7, 0)]
    assert _pairs(jobs.Illustrate(7, ()), seed=0) == []


def test_pictures_of_a_neuron_are_painted_together() -> None:
    pairs = [Pair(neuron, 0, seed) for seed in range(2) for neuron in (1, 2, 3)]
    assert list(_batches(pairs, 4)) == [
        [Pair(1, 0, 0), Pair(1, 0, 1), Pair(2, 0, 0), Pair(2, 0, 1)],
        [Pair(3, 0, 0), Pair(3, 0, 1)],
    ]
    assert list(_batches(pairs[:1] * 3, 2)) == [pairs[:1] * 3], "one neuron is never divided"
    assert list(_batches([], 4)) == []
