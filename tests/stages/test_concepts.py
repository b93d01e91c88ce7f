"""Names by CLIP: the label that separates the firing crops, and none where chance would do."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from neuroinspect_tui.stages.concepts import (
    Vocabulary,
    name_neuron,
    neuron_directions,
    read_vocabulary,
    search_neurons,
    spread_rows,
)

LABELS = ("water", "sand", "grass")
VOCABULARY = Vocabulary(LABELS, torch.eye(3, 8))


def crops(towards: int | None, count: int, seed: int) -> torch.Tensor:
    """Unit embeddings: noise, with `towards` a label's axis added."""
    generator = torch.Generator().manual_seed(seed)
    found = 0.3 * torch.randn(count, 8, generator=generator)
    if towards is not None:
        found[:, towards] += 1
    return F.normalize(found, dim=1)


@pytest.mark.parametrize("label", [0, 1, 2])
def test_the_label_that_only_the_firing_crops_show_is_the_name(label: int) -> None:
    concept = name_neuron(7, crops(label, 16, 1), crops(None, 16, 2), VOCABULARY)
    assert (concept.neuron, concept.label) == (7, LABELS[label])
    assert concept.score is not None and concept.score > 0.95


def test_what_both_show_is_no_name() -> None:
    concept = name_neuron(7, crops(0, 16, 1), crops(0, 16, 2), VOCABULARY)
    assert concept.label is None


def test_chance_names_about_one_neuron_in_twenty() -> None:
    named = [
        name_neuron(seed, crops(None, 16, 2 * seed), crops(None, 16, 2 * seed + 1), VOCABULARY).label
        for seed in range(100)
    ]
    assert sum(label is not None for label in named) <= 12


def test_the_score_is_the_share_of_pairs_ranked_rightly() -> None:
    firing = torch.tensor([[0.9, 0.1], [0.8, 0.2], [0.3, 0.4]])
    silent = torch.tensor([[0.1, 0.1], [0.5, 0.3], [0.2, 0.4]])
    concept = name_neuron(0, firing, silent, Vocabulary(("a",), torch.tensor([[1.0, 0.0]])))
    assert concept.score == pytest.approx(8 / 9)


def test_too_few_crops_have_no_name() -> None:
    assert name_neuron(3, crops(0, 1, 1), crops(None, 16, 2), VOCABULARY).score is None


def test_firing_rows_are_the_strongest_and_silent_ones_are_spread_over_the_rest() -> None:
    activation = torch.tensor([0.0, 5.0, 0.1, 3.0, 0.0, 4.0, 0.2, 9.0])
    assert spread_rows(activation, 2) == ([7, 1], [0, 6])
    assert spread_rows(activation, 3) == ([7, 1, 5], [0, 4, 6])


def test_a_text_finds_the_neuron_whose_images_show_it() -> None:
    embeddings = torch.eye(3).repeat(4, 1)
    features = torch.zeros(12, 3)
    features[0::3, 2], features[1::3, 0], features[2::3, 1] = 1.0, 1.0, 1.0
    directions = neuron_directions(features, embeddings, count=4)
    assert directions[2].tolist() == pytest.approx([2 / 3, -1 / 3, -1 / 3])
    found = search_neurons(torch.tensor([0.0, 1.0, 0.0]), directions)
    assert found[0] == (0, pytest.approx((2 / 3) ** 0.5))


def test_vocabulary_lines_are_names_but_for_comments() -> None:
    assert read_vocabulary("# things\nwater\n\n  sand \nwater\n") == ("water", "sand")
