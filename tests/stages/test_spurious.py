"""The spurious score: high for cues that vary within classes and go with mistakes, on made and real data."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from neuroinspect_tui.stages.spurious import suspect
from neuroinspect_tui.tensors import Head, SplitFeatures


def split(features: torch.Tensor, labels: list[int], predicted: list[int]) -> SplitFeatures:
    count = len(labels)
    top = torch.tensor(predicted)[:, None]
    rows = torch.arange(count)
    return SplitFeatures(
        "val",
        features,
        torch.tensor(labels),
        torch.zeros(count, 1),
        top,
        torch.zeros(count),
        [""] * count,
        rows,
    )


# Class 0 has neuron 0; neuron 1 is a cue that speaks for class 0 and is on in half of each class.
FEATURES = torch.tensor(
    [[1.0, 1.0], [1.0, 1.0], [1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0], [0.0, 0.0], [0.0, 0.0]]
)
LABELS = [0, 0, 0, 0, 1, 1, 1, 1]
HEAD = Head(torch.tensor([[1.0, 1.0], [0.0, 0.0]]), torch.zeros(2))


def test_a_cue_that_makes_every_mistake_scores_one_and_a_class_neuron_zero() -> None:
    data = split(FEATURES, LABELS, [0, 0, 1, 1, 0, 0, 1, 1])
    own, cue = suspect(data, HEAD, [0, 1])
    assert own.within == pytest.approx(0.0) and own.score == pytest.approx(0.0)
    assert cue.within == pytest.approx(1.0)
    # Deviations of the cue: +½ on 4 images, −½ on 4. The two taken for class 0 beat 4 of the 6 others and tie 2.
    assert cue.telling == pytest.approx(((4 + 1) / 6 + 1.0) / 2)
    assert cue.score == pytest.approx(cue.telling)


def test_without_mistakes_nothing_is_told() -> None:
    data = split(FEATURES, LABELS, LABELS)
    assert suspect(data, HEAD, [1])[0].telling == 0.5


def test_the_reason_is_one_line_of_both_factors() -> None:
    data = split(FEATURES, LABELS, [0, 0, 1, 1, 0, 0, 1, 1])
    reason = suspect(data, HEAD, [1])[0].reason(["boat", "mug"])
    assert reason == "100 % of its variation is within classes; it tells 92 % of the mistakes around “boat”"
