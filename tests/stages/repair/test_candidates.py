import torch

from neuroinspect_tui.stages.repair.candidates import Candidate, Score, choose, score
from neuroinspect_tui.stages.repair.examples import Examples
from neuroinspect_tui.tensors import Head

LABELS = torch.tensor([0, 0, 0, 0, 1, 1, 1, 1])
CODES = torch.tensor([0, 0, 1, 1, 0, 0, 1, -1])
PREDICTED = torch.tensor([0, 0, 0, 1, 1, 1, 1, 0])


def test_the_worst_known_group_counts_and_unknown_images_count_for_the_mean():
    examples = Examples.plain(torch.zeros(8, 1), LABELS, CODES)
    assert score(examples, PREDICTED) == Score(worst=0.5, accuracy=0.75)


def test_without_groups_the_classes_are_the_cells():
    examples = Examples.plain(torch.zeros(8, 1), LABELS)
    assert score(examples, PREDICTED) == Score(worst=0.75, accuracy=0.75)


def test_the_worst_of_all_columns_counts_and_a_cell_of_one_image_too():
    labels = torch.tensor([0, 0, 0, 0])
    codes = torch.tensor([[0, 0], [0, 1], [1, 1], [1, 1]])
    examples = Examples.plain(torch.zeros(4, 1), labels, codes)
    # The first column's worst rate is 1/2, the second's 0: of the one image with its first value.
    assert score(examples, torch.tensor([1, 0, 0, 0])) == Score(0.0, 0.75)
    assert score(examples, torch.tensor([0, 0, 1, 0])).worst == 0.5


def test_images_of_the_first_value_are_known_and_the_others_not():
    examples = Examples.plain(
        torch.zeros(4, 1), torch.zeros(4, dtype=torch.int64), torch.tensor([0, 0, -1, -1])
    )
    assert score(examples, torch.tensor([0, 0, 1, 1])) == Score(1.0, 0.5)
    assert score(examples, torch.tensor([1, 1, 0, 0])) == Score(0.0, 0.5)


def test_scores_compare_by_the_worst_cell_first():
    assert Score(0.6, 0.1) > Score(0.5, 0.9)
    assert Score(0.5, 0.9) > Score(0.5, 0.8)


def test_choose_takes_the_best_and_of_equals_the_first():
    features = torch.tensor([[-1.0], [-2.0], [-3.0], [2.0], [1.0], [2.0]])
    examples = Examples.plain(features, torch.tensor([0, 0, 0, 1, 1, 1]))

    def candidate(name: str, bias: float) -> Candidate:
        return Candidate(Head(torch.tensor([[-1.0], [1.0]]), torch.tensor([0.0, bias])), {"name": name})

    found, best = choose(examples, [candidate("poor", 9), candidate("good", 0), candidate("same", 0.1)])
    assert found.parameters == {"name": "good"}
    assert best == Score(1.0, 1.0)
