import math

import numpy as np
import torch

from neuroinspect_tui.demo.captions import Caption, SceneFacts, concepts
from neuroinspect_tui.demo.clip_training import (
    FACETS,
    FRESH_SEEDS,
    forget_unused_words,
    fresh_album,
    matching_loss,
    new_model,
    share_loss,
    train_clip,
    truths,
)
from neuroinspect_tui.demo.splits import plan


def silent(line):
    pass


def test_the_scenes_for_clip_share_no_seed_with_the_data():
    album = fresh_album(30, 0, silent)
    assert min(scene.seed for scene in album.scenes) >= FRESH_SEEDS > max(s.scene.seed for s in plan(0))


def test_truths_match_every_caption_with_every_picture():
    facts = [
        SceneFacts("star", "pink", "sand", False, False, False),
        SceneFacts("fish", "pink", "sand", False, False, False),
    ]
    captions = [Caption("a star", {"kind": ("star",)}), Caption("something pink", {"colour": ("pink",)})]
    assert truths(captions, facts).tolist() == [[1, 1], [0, 1]]


def entropy(logits, *true):
    return math.log(sum(math.exp(value) for value in logits)) - sum(logits[i] for i in true) / len(true)


def test_the_loss_shares_the_target_among_all_true_pairs():
    logits, truth = torch.tensor([[2.0, 1.0], [0.0, 3.0]]), torch.tensor([[1.0, 1.0], [0.0, 1.0]])
    rows = (entropy([2, 1], 0, 1) + entropy([0, 3], 1)) / 2
    columns = (entropy([2, 0], 0) + entropy([1, 3], 0, 1)) / 2
    assert math.isclose(share_loss(logits, truth).item(), rows, rel_tol=1e-6)
    assert math.isclose(share_loss(logits.T, truth.T).item(), columns, rel_tol=1e-6)


def test_a_picture_of_which_no_sentence_is_true_counts_for_nothing():
    logits, truth = torch.tensor([[2.0, 1.0], [5.0, 3.0]]), torch.tensor([[1.0, 0.0], [0.0, 0.0]])
    assert math.isclose(share_loss(logits, truth).item(), entropy([2, 1], 0), rel_tol=1e-6)


def test_the_whole_loss_adds_the_loss_of_each_facet():
    logits, truth = torch.tensor([[2.0, 1.0, 4.0], [0.0, 3.0, 1.0]]), torch.tensor([[1.0, 1, 0], [0, 1, 1]])
    rows = (entropy([2, 1, 4], 0, 1) + entropy([0, 3, 1], 1, 2)) / 2
    columns = (entropy([2, 0], 0) + entropy([1, 3], 0, 1) + entropy([4, 1], 1)) / 3
    facet_rows = (entropy([1, 4], 0) + entropy([3, 1], 0, 1)) / 2
    facet_columns = (entropy([1, 3], 0, 1) + entropy([4, 1], 1)) / 2
    expected = (rows + columns + facet_rows + facet_columns) / 2
    assert math.isclose(matching_loss(logits, truth, [slice(1, 3)]).item(), expected, rel_tol=1e-6)


def test_the_facets_point_at_their_concepts():
    captions = concepts(np.random.default_rng(0))
    assert [len(captions[facet]) for facet in FACETS] == [8, 5, 8, 3]
    for facet, name in zip(FACETS, ("kind", "background", "colour"), strict=False):
        assert all(set(sentence.needs) == {name} for sentence in captions[facet])
    assert [set(sentence.needs) for sentence in captions[FACETS[-1]]] == [
        {"watermark"},
        {"dim"},
        {"unfocused"},
    ]
    assert FACETS[-1].stop == len(captions)


def test_words_that_were_never_read_say_nothing():
    model = new_model(0)
    kept = model.token_embedding.weight[[5, 9]].clone()
    forget_unused_words(model, torch.tensor([5, 9]))
    assert torch.equal(model.token_embedding.weight[[5, 9]], kept)
    assert model.token_embedding.weight.abs().sum() == kept.abs().sum()


def test_training_follows_from_the_seed_and_learns():
    first, second = (train_clip(3, silent, scenes=12, steps=2).state_dict() for _ in range(2))
    assert all(torch.equal(first[name], second[name]) for name in first)
    untrained = new_model(3).state_dict()
    assert not torch.equal(first["visual.conv1.weight"], untrained["visual.conv1.weight"])
