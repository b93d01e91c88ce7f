"""The spurious score: what pulls images of other classes, and what CLIP sees outside a neuron's region."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from neuroinspect_tui.stages import spurious
from neuroinspect_tui.stages.spurious import outside_share, pulls, suspicion
from neuroinspect_tui.tensors import Head, SplitFeatures


def split(features, labels):
    count = len(labels)
    return SplitFeatures(
        "val",
        features,
        torch.as_tensor(labels),
        torch.zeros(count, 1),
        torch.zeros(count, 1, dtype=torch.int64),
        torch.zeros(count),
        [""] * count,
        torch.arange(count),
    )


# Neuron 0 knows class 0, neuron 1 is a cue that speaks for it and is on in half of each class, neuron 2 is dead.
FEATURES = torch.tensor([[1.0, 1, 0], [1, 0, 0], [0, 1, 0], [0, 0, 0], [0.5, 1, 0], [0.5, 0, 0]])
LABELS = [0, 0, 1, 1, 2, 2]
HEAD = Head(torch.tensor([[2.0, 1.0, 1.0], [0, 0, 0], [0, 0, 0]]), torch.zeros(3))


def test_a_cue_that_varies_within_other_classes_pulls_them_and_a_class_neuron_does_not():
    assert pulls(split(FEATURES, LABELS), HEAD, 0, [0, 1, 2]) == pytest.approx([0.0, 1.0, 0.0], abs=1e-6)


def test_a_neuron_that_speaks_against_the_class_pulls_away():
    head = Head(HEAD.weight * torch.tensor([1.0, -1, 1]), HEAD.bias)
    assert pulls(split(FEATURES, LABELS), head, 0, [1]) == pytest.approx([-1.0])


def test_the_pull_is_the_correlation_within_classes_whatever_the_blocks(monkeypatch):
    monkeypatch.setattr(spurious, "_BLOCK_ROWS", 37)
    generator = torch.Generator().manual_seed(0)
    features = torch.rand(500, 6, generator=generator)
    labels = torch.randint(0, 4, (500,), generator=generator)
    head = Head(torch.randn(4, 6, generator=generator), torch.zeros(4))
    rows = labels != 2
    z, y = features[rows], labels[rows]
    table = torch.cat([z, z @ (head.weight[2] - head.weight.mean(0))[:, None]], 1)
    for own in (0, 1, 3):
        table[y == own] -= table[y == own].mean(0)
    expected = torch.corrcoef(table.T)[-1, [5, 0]]
    assert pulls(split(features, labels), head, 2, [5, 0]) == pytest.approx(expected.tolist(), abs=1e-4)


def test_a_class_with_a_single_image_counts_for_nothing():
    features = torch.cat([FEATURES, torch.tensor([[9.0, 0, 0]])])
    head = Head(F.pad(HEAD.weight, (0, 0, 0, 1)), torch.zeros(4))
    assert pulls(split(features, [*LABELS, 3]), head, 0, [1]) == pytest.approx([1.0])


class RedEncoder:
    """ "CLIP" that measures how much of a picture is red."""

    def encode_image(self, images):
        red = (images[:, 0] > 0.9).float().mean((1, 2))
        return torch.stack([red, 1 - red], 1)


def test_clip_tells_whether_the_class_lies_in_the_neurons_region_or_outside_it():
    images = torch.zeros(2, 3, 8, 8)
    images[:, 0, :4] = 1.0
    upper, lower = torch.zeros(2, 2, 8, 8)
    upper[:, :4], lower[:, 4:] = 1.0, 1.0
    text = torch.tensor([1.0, 0.0])
    assert outside_share(RedEncoder(), text, images, lower) == 1.0
    assert outside_share(RedEncoder(), text, images, upper) == 0.0
    assert outside_share(RedEncoder(), text, images, torch.stack([upper[0], lower[0]])) == 0.5
    assert outside_share(RedEncoder(), text, images, torch.ones(2, 8, 8)) == 0.5


def test_the_score_weighs_all_evidence_and_keeps_it():
    alone = suspicion(-0.4)
    assert alone.score == pytest.approx(0.4)
    assert (alone.pull, alone.outside) == (-0.4, None)
    both = suspicion(0.6, 0.75)
    assert both.score == pytest.approx(0.6 + 0.4 * 0.25)
    assert (both.pull, both.outside) == (0.6, 0.75)
    assert suspicion(0.6, 0.2).score == pytest.approx(0.6)


PLANTED = [
    ("patch_cat", "cat", 0.95),
    ("tint_birdplane", "airplane", 0.95),
    ("tint_birdplane/severe", "airplane", 0.9),
]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "target", "least"), PLANTED)
def test_planted_neurons_score_higher_than_others_on_real_images(real, name, target, least):
    from sklearn.metrics import roc_auc_score

    from tests.benchmarks.real_sets import open_real, planted_effect

    debugged = open_real(real, name)
    planted = planted_effect(open_real(real, name, "test")).abs() >= 1
    data = split(debugged.features.half(), debugged.labels)
    head, index = debugged.classifier.head, debugged.classes.index(target)
    scores = [suspicion(pull).score for pull in pulls(data, head, index, range(head.neurons))]
    assert 3 <= planted.sum() <= head.neurons // 2
    assert roc_auc_score(planted, scores) > least


@pytest.mark.parametrize(
    ("column", "value", "target"), [("watermark", "yes", "mug"), ("background", "water", "boat")]
)
def test_planted_neurons_score_higher_than_others_in_the_demo(column, value, target):
    from sklearn.metrics import roc_auc_score

    from tests.benchmarks.real_sets import cue_effect, open_demo

    demo = open_demo()
    planted = cue_effect(demo, column, value).abs() >= 0.8
    head, index = demo.classifier.head, demo.classes.index(target)
    found = pulls(split(demo.features.half(), demo.labels), head, index, range(head.neurons))
    assert 10 <= planted.sum() <= 30
    assert roc_auc_score(planted, [suspicion(pull).score for pull in found]) > 0.95
