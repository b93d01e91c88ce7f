"""Training that was stopped between two epochs goes on as if it had not been."""

import pytest
import torch

from neuroinspect_tui.errors import Cancelled
from neuroinspect_tui.stages.repair import gradient
from neuroinspect_tui.stages.repair.candidates import Score
from neuroinspect_tui.stages.repair.gradient import EditSettings, edit

from .worlds import random_examples

NEURONS = torch.tensor([1, 4])
RECIPE = EditSettings(strength=0.05, goal=1.1, rate=0.05, epochs=6, patience=3)
SCORES = [0.3, 0.5, 0.4, 0.6, 0.5, 0.5]


@pytest.fixture(autouse=True)
def tick_each_epoch(monkeypatch):
    """An epoch has three batches."""
    monkeypatch.setattr(gradient, "CHUNK", 3)


class Shelf(dict):
    """A memory that copies, as a disk would."""

    def recall(self, name):
        return self.get(name)

    def keep(self, name, tensors):
        self[name] = {key: tensor.clone() for key, tensor in tensors.items()}


def train(scores, memory, stop_at=None, neurons=NEURONS):
    examples, head = random_examples(70, 6, 4, 2, seed=5)
    judged, begun = [], []

    def score(found):
        judged.append(found.weight.clone())
        return Score(scores[len(judged) - 1], 0.0)

    def on_progress(step, total):
        begun.append(step)
        if step == stop_at:
            raise Cancelled

    return edit(examples, head, 2, neurons, RECIPE, score, 9, on_progress, memory), judged, begun


def test_it_goes_on_from_the_last_epoch_bit_for_bit():
    whole, all_weights, _ = train(SCORES, Shelf())
    memory = Shelf()
    with pytest.raises(Cancelled):
        train(SCORES, memory, stop_at=9)  # 3 steps an epoch: at the beginning of the fourth
    rest, weights, begun = train(SCORES[3:], memory)
    assert begun == [9, 12, 15]
    assert all(torch.equal(a, b) for a, b in zip(weights, all_weights[3:], strict=True))
    assert torch.equal(rest.head.weight, whole.head.weight)
    assert torch.equal(rest.head.bias, whole.head.bias)
    assert rest.parameters == whole.parameters
    assert rest.parameters["epochs"] == 4, "the best epoch"


def test_the_best_epoch_of_the_earlier_run_is_kept_and_patience_goes_on():
    scores = [0.3, 0.9, 0.4, 0.6, 0.5, 0.5]
    memory = Shelf()
    with pytest.raises(Cancelled):
        train(scores, memory, stop_at=9)
    rest, _, begun = train(scores[3:], memory)
    assert begun == [9, 12], "three epochs without a better score, one of them before the stop"
    assert rest.parameters["epochs"] == 2
    assert torch.equal(rest.head.weight, train(scores, Shelf())[1][1])


def test_a_finished_training_is_not_repeated_and_another_one_is_not_taken_for_it():
    memory = Shelf()
    first = train(SCORES, memory)[0]
    again, judged, _ = train([], memory)
    assert judged == []
    assert torch.equal(again.head.weight, first.head.weight)
    assert len(train(SCORES, memory, neurons=torch.tensor([2]))[1]) == 6
