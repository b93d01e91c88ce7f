import numpy as np
import pytest
import torch

from neuroinspect_tui.errors import InputError
from neuroinspect_tui.stages.failure_modes import failure_modes, find_failure_modes, scores
from neuroinspect_tui.tensors import Head

from .worlds import auroc, best_auroc, cue_world


def test_the_mode_of_a_planted_cue_scores_the_images_that_have_it():
    world = cue_world()
    found = find_failure_modes(world.data, world.head)
    assert world.data.mistakes.sum() > 20
    assert auroc(scores(world.data.features, found.directions[:1])[:, 0], world.cues[:, 0]) > 0.99
    assert found.modes[0].neurons[0].neuron == 8
    assert {pair.predicted for pair in found.modes[0].pairs} == {0}


def test_every_mistake_belongs_to_one_mode_and_the_largest_comes_first():
    world = cue_world(cues=((0, 1.0), (1, 0.9)))
    found = find_failure_modes(world.data, world.head)
    counts = [mode.mistakes for mode in found.modes]
    assert sum(counts) == int(world.data.mistakes.sum()) == len(found.rows)
    assert counts == sorted(counts, reverse=True)
    assert counts == torch.bincount(found.members).tolist()
    assert sum(mode.share for mode in found.modes) == pytest.approx(1)
    for mode in found.modes:
        assert sum(pair.count for pair in mode.pairs) == mode.mistakes


def test_two_cues_of_two_classes_are_two_modes():
    world = cue_world(cues=((0, 1.0), (1, 1.0)), share=0.3)
    found = find_failure_modes(world.data, world.head, k=6)
    values = scores(world.data.features, found.directions[:3])
    for cue in range(2):
        assert best_auroc(values, world.cues[:, cue]) > 0.95


def test_two_cues_of_one_class_are_both_found():
    world = cue_world(cues=((0, 1.0), (0, 1.0)), share=0.3, images=400)
    found = find_failure_modes(world.data, world.head)
    values = scores(world.data.features, found.directions[:3])
    for cue in range(2):
        precision = [world.cues[values[:, mode].topk(10).indices, cue].float().mean() for mode in range(3)]
        assert max(precision) >= 0.8
        assert best_auroc(values, world.cues[:, cue]) > 0.8


def test_a_constant_added_to_neurons_changes_nothing():
    plain = cue_world()
    shifted = cue_world(shift=3.0)
    first, second = (find_failure_modes(world.data, world.head) for world in (plain, shifted))
    assert torch.equal(first.members, second.members)
    assert float((first.directions * second.directions).sum(1).min()) > 0.99


@pytest.mark.parametrize("mistakes", [0, 1, 2, 3, 4])
def test_few_mistakes_make_few_modes(mistakes):
    features = torch.tensor([[1.0, 0.0, 0.2]] * 6 + [[0.0, 1.0, 0.1]] * 6)
    features[:mistakes] = torch.tensor([0.2, 0.1, 1.0])
    labels = torch.tensor([0] * 6 + [1] * 6)
    found = failure_modes(features, labels, [[1.0, 0.0, 0.0], [0.0, 1.0, 1.0]], [0.0, 0.0])
    assert len(found.modes) == min(1, mistakes)
    assert sum(mode.mistakes for mode in found.modes) == mistakes == len(found.rows)
    assert found.directions.shape == (len(found.modes), 3)
    if mistakes:
        assert found.modes[0].neurons[0].neuron == 2


def test_no_mode_is_found_where_none_is_wanted():
    world = cue_world()
    found = find_failure_modes(world.data, world.head, k=0)
    assert found.modes == ()
    assert found.members.tolist() == [-1] * int(world.data.mistakes.sum())


def test_a_mistake_by_the_bias_alone_is_nobodys():
    features, labels = torch.ones(8, 3), torch.tensor([0, 1] * 4)
    found = failure_modes(features, labels, torch.zeros(2, 3), torch.tensor([0.0, 1.0]))
    assert found.modes == ()
    assert found.members.tolist() == [-1] * 4


def test_more_mistakes_than_are_factorised_are_all_assigned(monkeypatch):
    world = cue_world(cues=((0, 1.0), (1, 1.0)), images=600)
    whole = find_failure_modes(world.data, world.head)
    monkeypatch.setattr("neuroinspect_tui.stages.failure_modes.factorise.FIT_ROWS", 60)
    part = find_failure_modes(world.data, world.head)
    assert (part.members >= 0).all()
    assert sum(mode.mistakes for mode in part.modes) == sum(mode.mistakes for mode in whole.modes)
    values = scores(world.data.features, part.directions[:4])
    assert min(best_auroc(values, world.cues[:, cue]) for cue in range(2)) > 0.9


def test_features_that_are_not_finite_do_no_harm():
    world = cue_world()
    world.data.features[3, 2] = torch.nan
    world.data.features[7] = torch.inf
    found = find_failure_modes(world.data, world.head)
    assert torch.isfinite(found.directions).all()
    assert torch.isfinite(found.thresholds).all()


def test_the_same_seed_gives_the_same_modes_and_progress_ends():
    world = cue_world(cues=((0, 1.0), (1, 1.0)))
    seen = []
    first = find_failure_modes(
        world.data, world.head, seed=3, on_progress=lambda done, total: seen.append(done / total)
    )
    second = find_failure_modes(world.data, world.head, seed=3)
    assert first.modes == second.modes
    assert torch.equal(first.directions, second.directions)
    assert seen == sorted(seen)
    assert 0 <= min(seen) <= max(seen) <= 1


def test_one_class_of_two_and_a_thousand_classes_work():
    generator = torch.Generator().manual_seed(0)
    for classes in (2, 1000):
        head = Head(torch.randn(classes, 16, generator=generator), torch.zeros(classes))
        labels = torch.randint(classes, (300,), generator=generator)
        features = torch.randn(300, 16, generator=generator) + 0.7 * head.weight[labels]
        found = failure_modes(features.numpy(), labels.numpy(), head.weight.numpy(), np.zeros(classes))
        assert 1 <= len(found.modes) <= 8
        assert sum(mode.mistakes for mode in found.modes) == len(found.rows)


@pytest.mark.parametrize(
    ("features", "labels", "weight"),
    [
        (torch.zeros(3, 4), [0, 0, 0], torch.zeros(2, 5)),
        (torch.zeros(3, 4), [0, 0], torch.zeros(2, 4)),
        (torch.zeros(3, 4), [0, 0, 2], torch.zeros(2, 4)),
        (torch.zeros(3), [0, 0, 0], torch.zeros(2, 4)),
    ],
)
def test_arrays_that_do_not_fit_are_refused(features, labels, weight):
    with pytest.raises(InputError):
        failure_modes(features, labels, weight)
