import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from neuroinspect_tui.stages.votes import Votes, choose_culprits, top_positive


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.integers(-3, 3), min_size=9, max_size=9), min_size=1, max_size=6))
def test_top_positive_equals_sorting_each_row(rows):
    """Scores from a handful of integers: most rows have ties, many have fewer than five positive ones."""
    neurons, scores = top_positive(torch.tensor(rows, dtype=torch.float32))
    for row, found, values in zip(rows, neurons.tolist(), scores.tolist(), strict=True):
        expected = sorted((n for n in range(9) if row[n] > 0), key=lambda n: (-row[n], n))[:5]
        assert found == expected + [-1] * (5 - len(expected))
        assert values == [row[n] for n in expected] + [0] * (5 - len(expected))


def test_top_positive_of_few_neurons_and_of_no_rows():
    assert top_positive(torch.tensor([[0.5, 2.0]]))[0].tolist() == [[1, 0]]
    assert top_positive(torch.empty(0, 8))[0].shape == (0, 5)


def test_prec_at_5_is_percent_of_the_mistakes_and_counts_positive_scores_only():
    scores = torch.tensor([[3.0, 0.0, -1, 0, 0, 0], [2.0, 1, -1, 0, 0, 0], [6.0, 5, 4, 3, 2, 1], [0.0] * 6])
    assert Votes.of(scores).prec_at_5.tolist() == [75.0, 50.0, 25.0, 25.0, 25.0, 0.0]


def test_a_vote_in_parts_is_the_vote_at_once():
    scores = torch.randn(50, 12, generator=torch.Generator().manual_seed(0))
    whole, joined = Votes.of(scores), Votes.join([Votes.of(scores[:7]), Votes.of(scores[7:])])
    assert joined.top.equal(whole.top) and joined.score.equal(whole.score)
    assert joined.total.tolist() == pytest.approx(whole.total.tolist(), abs=1e-5)
    assert joined.prec_at_5.equal(whole.prec_at_5)


def votes(counts, mistakes, neurons=50, totals=None):
    """The vote in which neuron n has `counts[n]` votes of `mistakes`."""
    top = torch.full((mistakes, len(counts)), -1)
    for place, (neuron, count) in enumerate(counts.items()):
        top[:count, place] = neuron
    total = torch.zeros(neurons)
    for neuron, value in (totals or {}).items():
        total[neuron] = value
    return Votes(top, torch.ones(top.shape), total)


def test_culprits_have_more_than_three_percent():
    insufficient = votes({1: 3, 2: 4, 3: 100}, 100)
    assert choose_culprits(insufficient, votes({}, 100)) == ([3, 2], [])


def test_a_neuron_in_both_lists_is_dropped_from_both():
    insufficient, excessive = votes({1: 50, 2: 40}, 100), votes({1: 4, 5: 30, 2: 3}, 100)
    assert choose_culprits(insufficient, excessive) == ([2], [5])


def test_equal_votes_are_ordered_by_total_score_then_by_neuron():
    insufficient = votes({4: 10, 3: 10, 9: 10, 8: 20}, 100, totals={9: 2.0, 4: 1.0, 3: 1.0})
    assert choose_culprits(insufficient, votes({}, 100))[0] == [8, 9, 3, 4]


def test_each_list_has_at_most_thirty_rows():
    counts = {neuron: 60 - neuron for neuron in range(40)}
    insufficient = votes(counts, 100)
    assert choose_culprits(insufficient, votes({}, 100))[0] == list(range(30))


def test_three_percent_in_one_list_is_no_contest():
    """Neuron 1 has exactly 3 % of the one list: it stays in the other."""
    assert choose_culprits(votes({1: 3}, 100), votes({1: 50}, 100)) == ([], [1])
    assert choose_culprits(votes({1: 50}, 100), votes({1: 3}, 100)) == ([1], [])


def test_the_vote_of_a_single_mistake_is_all_of_it():
    assert Votes.of(torch.tensor([[2.0, 0.0]])).prec_at_5.tolist() == [100.0, 0.0]
