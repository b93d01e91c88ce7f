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
