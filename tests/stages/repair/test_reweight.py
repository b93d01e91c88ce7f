import numpy as np
import torch

from neuroinspect_tui.stages.repair import reweight
from neuroinspect_tui.stages.repair.candidates import Score
from neuroinspect_tui.stages.repair.examples import Examples
from neuroinspect_tui.stages.repair.logistic import towards
from neuroinspect_tui.stages.repair.reweight import GAMMAS, PULLS, afr, balanced_subset, dfr

from .worlds import make_world, random_examples


def test_afr_weights_images_by_the_old_head_s_doubt_within_a_class():
    examples, head = random_examples(90, 5, 3, 2)
    found = afr(examples, head)
    assert [one.parameters for one in found] == [
        {"gamma": gamma, "lambda": pull} for gamma in GAMMAS for pull in PULLS
    ]
    features = examples.take(torch.arange(90))
    logits = (features @ head.weight.T + head.bias).double().numpy()
    chance = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    labels = examples.labels.numpy()
    weights = np.exp(-2.0 * chance[np.arange(90), labels]) / np.bincount(labels)[labels]
    weights = torch.tensor(weights / weights.sum()).float()
    expected = towards(features, examples.labels, weights, head, 1e-3)
    chosen = next(one for one in found if one.parameters == {"gamma": 2.0, "lambda": 1e-3})
    torch.testing.assert_close(chosen.head.weight, expected.weight, rtol=1e-3, atol=1e-3)


def test_afr_on_many_images_draws_them_by_weight(monkeypatch):
    examples, head = random_examples(4000, 5, 3, 2)
    whole = afr(examples, head)
    monkeypatch.setattr(reweight, "AFR_ROWS", 2000)
    part = afr(examples, head)
    for one, other in zip(whole, part, strict=True):
        same = (examples.predictions(one.head) == examples.predictions(other.head)).float().mean()
        assert same > 0.9


def test_a_balanced_subset_takes_the_same_number_of_every_cell():
    labels = torch.tensor([0] * 100 + [1] * 40 + [2] * 30)
    codes = torch.tensor([0] * 60 + [1] * 40 + [0] * 20 + [1] * 20 + [0] * 30)
    examples = Examples.plain(torch.zeros(170, 2), labels, codes)
    rows = balanced_subset(examples, torch.Generator().manual_seed(0))
    assert len(set(rows.tolist())) == len(rows)
    assert examples.subset(rows).cells()[1].tolist() == [20, 20, 20, 20, 20]


def test_a_tiny_cell_gives_all_it_has_and_does_not_starve_the_others():
    labels = torch.tensor([0] * 50 + [1] * 3)
    examples = Examples.plain(torch.zeros(53, 2), labels)
    rows = balanced_subset(examples, torch.Generator().manual_seed(0))
    assert examples.labels[rows].bincount().tolist() == [10, 3]


def test_a_subset_is_bounded(monkeypatch):
    monkeypatch.setattr(reweight, "DFR_ROWS", 40)
    examples, _ = random_examples(400, 3, 2, 2)
    rows = balanced_subset(examples, torch.Generator().manual_seed(0))
    assert examples.subset(rows).cells()[1].tolist() == [10, 10, 10, 10]


def test_dfr_unlearns_the_background():
    splits, head = make_world()
    train = Examples.of(splits["train"], torch.arange(800), "place")
    found = dfr(train, 2, lambda one: Score(-float(one.weight[:, 3:6].abs().sum()), 0.0))
    push = (found.head.weight[1] - found.head.weight[0]).abs()
    assert push[3:6].max() < 0.15 * push[:3].min()
    assert (head.weight[1] - head.weight[0]).abs()[3:6].min() > 1.9


def test_dfr_chooses_c_by_the_score_and_averages_ten_fits(monkeypatch):
    splits, _ = make_world()
    train = Examples.of(splits["train"], torch.arange(800), "place")
    fits = []
    plain = reweight.sparse

    def counted(*args, **named):
        fits.append(plain(*args, **named))
        return fits[-1]

    monkeypatch.setattr(reweight, "sparse", counted)
    scores = iter([0.1, 0.9, 0.2, 0.3])
    found = dfr(train, 2, lambda _: Score(next(scores), 0.0), seed=3)
    assert found.parameters == {"C": 0.1, "fits": 10}
    assert len(fits) == 4 + 10
    features = train.take(torch.arange(800))
    generator = torch.Generator().manual_seed(3)
    rows = balanced_subset(train, generator)
    mean, deviation = features[rows].mean(0), features[rows].std(0, correction=0)
    votes = torch.stack([(features - mean) / deviation @ one.weight.T + one.bias for one in fits[4:]]).mean(0)
    torch.testing.assert_close(features @ found.head.weight.T + found.head.bias, votes, rtol=1e-3, atol=1e-3)
