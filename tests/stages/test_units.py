from dataclasses import replace

import pytest
import torch

from neuroinspect_tui.stages.concepts import neuron_directions, search_neurons
from neuroinspect_tui.stages.exemplars import rank_exemplars
from neuroinspect_tui.stages.illusion import make_illusions
from neuroinspect_tui.stages.illusion_optimizer import Pair
from neuroinspect_tui.stages.neuron_statistics import neuron_statistics
from neuroinspect_tui.stages.recipes import DEFAULT
from neuroinspect_tui.stages.units import UnitClassifier, Units

from .toys import NEURONS, PREPROCESS, natural_features, statistics, toy
from .worlds import random_world, split_features


def pair_of(first, second):
    direction = torch.zeros(1, NEURONS)
    direction[0, [first, second]] = torch.tensor([0.8, 0.6])
    return direction


def measured(classifier, directions):
    """Units measured on natural features of a toy, their statistics, and the split."""
    features = natural_features(classifier)
    data = split_features(features, torch.zeros(len(features), dtype=torch.int64), classifier.head)
    units = Units.of(directions, data)
    return units, units.statistics(statistics(classifier), data), data


def test_activations_of_directions_stand_behind_those_of_neurons():
    units = Units(torch.tensor([[0.6, -0.8]]), torch.tensor([1.0]))
    found = units.activations(torch.tensor([[5.0, 0.0], [0.0, 5.0]]))
    assert torch.allclose(found, torch.tensor([[5.0, 0.0, 2.0], [0.0, 5.0, -5.0]]))
    assert units.activation(torch.tensor([[5.0, 0.0]]).half(), 2).tolist() == pytest.approx([2.0])
    assert units.activation(torch.tensor([[5.0, 0.0]]).half(), 0).tolist() == [5.0]


def test_offset_and_quantile_are_those_of_the_data():
    data, head = random_world(0, images=500)
    direction = torch.nn.functional.normalize(torch.randn(1, head.neurons), dim=1)
    units = Units.of(direction, data)
    values = data.features.float() @ direction[0]
    assert float(units.offset[0]) == pytest.approx(float(values.median()), abs=1e-5)
    found = units.statistics(neuron_statistics(data), data)
    assert float(found.q999[-1]) == pytest.approx(float(values.quantile(0.999) - values.median()), abs=1e-4)


def test_a_picture_of_a_direction_excites_it_most_of_all_units():
    classifier = toy()
    units, known, _ = measured(classifier, pair_of(1, 10))
    made = make_illusions(
        classifier, PREPROCESS, None, [Pair(NEURONS, 2)], known, replace(DEFAULT, steps=64), units=units
    )[0]
    assert made.rank == 1
    assert made.ratio > 1
    assert made.features.shape == (NEURONS + 1,)
    assert made.mask.shape == (16, 16)


def test_a_picture_of_a_neuron_is_the_same_with_no_direction_beside_it():
    classifier, recipe = toy(), replace(DEFAULT, steps=8)
    plain, beside = (
        make_illusions(
            classifier, PREPROCESS, None, [Pair(3, 1)], statistics(classifier), recipe, units=units
        )
        for units in (None, Units.none(NEURONS))
    )
    assert torch.equal(plain[0].rgb, beside[0].rgb)
    assert plain[0].ratio == beside[0].ratio


def test_the_map_of_a_direction_is_the_weighted_sum_of_its_neurons():
    classifier = toy()
    images = torch.randn(3, 3, 16, 16)
    direction = pair_of(2, 7)
    maps, found = UnitClassifier(classifier, Units(direction, torch.zeros(1))).maps_and_activations(
        images, torch.tensor([NEURONS, 2])
    )
    own = classifier.feature_map(images, torch.tensor([2, 7]))
    assert torch.allclose(maps[:, 0], 0.8 * own[:, 0] + 0.6 * own[:, 1], atol=1e-5)
    assert torch.allclose(maps[:, 1], own[:, 0], atol=1e-5)
    assert torch.allclose(maps[:, 0].mean((1, 2)), found.features[:, NEURONS], atol=1e-4)


def test_exemplars_of_a_direction_are_those_it_scores_highest():
    data, head = random_world(1)
    direction = torch.nn.functional.normalize(torch.randn(1, head.neurons), dim=1)
    units = Units.of(direction, data)
    ranked = rank_exemplars(data, head, 0, head.neurons, 5, units=units)["overall"]
    values = data.features.float() @ direction[0]
    assert [one.row for one in ranked] == values.argsort(descending=True)[:5].tolist()
    first = ranked[0].row
    other = data.labels[first] if data.mistakes[first] else data.top_classes[first, 1]
    lead = (head.weight[data.predicted[first]] - head.weight[other]) @ direction[0]
    assert ranked[0].contribution == pytest.approx(float(lead) * ranked[0].activation, rel=1e-3)


def test_a_search_finds_a_direction_among_the_neurons():
    generator = torch.Generator().manual_seed(0)
    features = torch.rand(200, 6, generator=generator)
    units = Units(
        torch.nn.functional.normalize(torch.tensor([[1.0, 1.0, 0, 0, 0, 0]]), dim=1), torch.zeros(1)
    )
    strength = units.activations(features)[:, 6:]
    embeddings = torch.cat([strength, 0.1 * torch.randn(200, 7, generator=generator)], 1)
    found = search_neurons(torch.eye(8)[0], neuron_directions(units.activations(features), embeddings))
    assert found[0][0] == 6
