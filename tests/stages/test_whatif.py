import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from neuroinspect_tui.errors import InputError
from neuroinspect_tui.results import ClassRef
from neuroinspect_tui.stages import whatif
from neuroinspect_tui.stages.metrics import fixed_and_broken, head_metrics
from neuroinspect_tui.stages.whatif import Edit, predict_edited, what_if
from neuroinspect_tui.tensors import Head

from .worlds import column, random_world, split_features


def brute_force(data, head, target, neurons, scale):
    """Scale the weights and run the whole decision layer again, in double precision."""
    weight = head.weight.double().clone()
    rows = range(head.classes) if target is None else [target]
    for row in rows:
        for neuron in neurons:
            weight[row, neuron] *= scale
    return (data.features.double() @ weight.T + head.bias.double()).argmax(dim=1)


def names(head):
    return [f"class {index}" for index in range(head.classes)]


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    classes=st.sampled_from([2, 5, 6, 40]),
    neurons=st.sets(st.integers(0, 23), max_size=8),
    scale=st.sampled_from([0.0, 0.5, 1.0, 4.0, -1.0]),
    everywhere=st.booleans(),
    rectified=st.booleans(),
)
def test_predictions_equal_brute_force(seed, classes, neurons, scale, everywhere, rectified):
    data, head = random_world(seed, images=200, classes=classes)
    if not rectified:
        data = split_features(data.features.float() - 0.5, data.labels, head)
    target = None if everywhere else seed % classes
    found = predict_edited(data, head, Edit.scaling(head, sorted(neurons), scale, target))
    assert found.equal(brute_force(data, head, target, neurons, scale))


@pytest.mark.parametrize("everywhere", [False, True])
def test_a_class_from_far_behind_can_win(everywhere):
    """Class 6 is held down by neuron 0 alone, below the five largest; without it, it wins every image."""
    weight = torch.zeros(7, 2)
    weight[:6, 1], weight[6] = torch.arange(1.0, 7.0), torch.tensor([-9.0, 8.0])
    head = Head(weight, torch.zeros(7))
    data = split_features(torch.ones(4, 2), torch.tensor([6, 6, 5, 0]), head)
    assert not (data.top_classes == 6).any()
    result = what_if(data, head, names(head), 6, [0], everywhere=everywhere)
    assert (result.fixed, result.broken) == (2, 1)
    assert (result.before.class_accuracy, result.after.class_accuracy) == (0.0, 1.0)
    assert (result.before.accuracy, result.after.accuracy) == (0.25, 0.5)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10**6), scale=st.sampled_from([0.0, 0.25, 1.0, 2.0]), everywhere=st.booleans())
def test_neurons_that_are_too_weak_are_scaled_the_other_way(seed, scale, everywhere):
    data, head = random_world(seed, images=200)
    target = None if everywhere else seed % head.classes
    weight = head.weight.clone()
    rows = slice(None) if everywhere else target
    weight[rows, 3] *= scale
    weight[rows, 8] *= 2 - scale
    expected = (data.features.double() @ weight.double().T + head.bias.double()).argmax(dim=1)
    assert predict_edited(data, head, Edit.scaling(head, [3, 8], scale, target, [8, 20])).equal(expected)
    result = what_if(data, head, names(head), 0, [3, 8], scale, everywhere, [8, 20])
    assert (result.neurons, result.raised) == ((3, 8), (8,))


def test_blocks_change_nothing(monkeypatch):
    data, head = random_world(8, classes=40)
    edit = Edit.scaling(head, [0, 5, 9], -2.0, None)
    at_once = predict_edited(data, head, edit)
    monkeypatch.setattr(whatif, "BLOCK_ELEMENTS", 3 * head.classes)
    assert predict_edited(data, head, edit).equal(at_once)


def test_leaving_the_neurons_alone_keeps_the_models_own_predictions():
    """The model's logits come from unrounded features: rounding alone must never turn an image."""
    data, head = random_world(9, classes=40)
    features = data.features.float() + 1e-3 * torch.randn(data.features.shape)
    logits = head.logits(features).topk(5, dim=1)
    data = split_features(features, data.labels, head)
    data.top_logits.copy_(logits.values), data.top_classes.copy_(logits.indices)
    for target in (None, 3):
        edit = Edit.scaling(head, [1, 2, 3], 1.0, target)
        assert predict_edited(data, head, edit).equal(logits.indices[:, 0])


@pytest.mark.parametrize("everywhere", [False, True])
def test_the_numbers_before_and_after_are_those_of_the_predictions(everywhere):
    place = {"place": column("place", ("sea", "sky"), [row % 2 for row in range(400)])}
    data, head = random_world(10, groups=place)
    result = what_if(data, head, names(head), 2, [7, 4, 7], 0.0, everywhere)
    after = brute_force(data, head, None if everywhere else 2, [4, 7], 0.0)
    assert result.target == (None if everywhere else ClassRef(2, "class 2"))
    assert (result.neurons, result.scale) == ((4, 7), 0.0)
    assert result.before == head_metrics(data, data.predicted, 2, names(head))
    assert result.after == head_metrics(data, after, 2, names(head))
    assert (result.fixed, result.broken) == fixed_and_broken(data.labels, data.predicted, after)
    assert result.fixed + result.broken > 0
    gained = (result.after.accuracy - result.before.accuracy) * 400
    assert result.fixed - result.broken == pytest.approx(gained)


def test_an_unknown_neuron_is_refused():
    data, head = random_world(0)
    with pytest.raises(InputError) as error:
        what_if(data, head, names(head), 0, [3, 24])
    assert str(error.value) == "neuron 24 does not exist: give numbers from 0 to 23"
