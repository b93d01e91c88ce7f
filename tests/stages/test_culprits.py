import dataclasses

import pytest
import torch

from neuroinspect_tui.errors import Cancelled
from neuroinspect_tui.results import ClassRef
from neuroinspect_tui.stages import culprits
from neuroinspect_tui.stages.counterfactual import counterfactual_deltas
from neuroinspect_tui.stages.culprits import find_culprits
from neuroinspect_tui.stages.importance import mean_features, retaining_ratio
from neuroinspect_tui.stages.metrics import class_results
from neuroinspect_tui.tensors import Head

from .worlds import random_world, split_features

SEA = ClassRef(0, "sea bird")
CUES = [2, 9, 17]


def planted_shortcut(seed=0):
    """Two classes of birds that share 20 shape neurons; three cue neurons fire on land and push to class 1.

    Class 0 is right at sea (cues silent) and often wrong on land: the cues are the excessive property.
    """
    generator = torch.Generator().manual_seed(seed)
    weight = torch.randn(3, 24, generator=generator) * 0.25
    weight[:, CUES] = torch.tensor([[-0.5], [0.5], [0.0]])
    head = Head(weight, torch.zeros(3))
    labels = torch.arange(600) % 3
    land = torch.arange(600) % 2 == 0
    features = (torch.randn(600, 24, generator=generator) + 2 * weight[labels]).relu()
    features[:, CUES] = land[:, None] * (0.8 + 0.4 * torch.rand(600, 3, generator=generator))
    return split_features(features, labels, head), head, land


def test_the_planted_cue_heads_the_excessive_list():
    data, head, land = planted_shortcut()
    report = find_culprits(data, head, SEA)
    on_land = land[[sample.row for sample in report.samples]].float().mean()
    assert report.mistakes > 100 and on_land > 0.75
    assert {row.neuron for row in report.excessive[:3]} == set(CUES)
    assert report.excessive[2].prec_at_5 > 3 * report.excessive[3].prec_at_5


def test_a_cue_above_its_class_mean_is_excessive_only():
    """Half the class lies on land, so in its mistakes the cue is above the mean: that alone is no lack."""
    data, head, _ = planted_shortcut()
    report = find_culprits(data, head, SEA)
    assert (data.features[data.labels == 0].float().mean(dim=0)[CUES] > 0.3).all()
    assert not {row.neuron for row in report.insufficient} & set(CUES)


def test_setting_a_planted_cue_mends_more_than_a_random_neuron():
    data, head, _ = planted_shortcut()
    report = find_culprits(data, head, SEA)
    for row in report.excessive[:3]:
        assert row.mended > 2 * row.mended_random
    assert report.mended_together > 0.9 > 2 * report.mended_random_together


def by_definition(data, head, target):
    """Prec@5 and the lists of the default mode, one mistake and one neuron after the other."""
    members = [row for row in range(len(data)) if data.labels[row] == target]
    wrong = [row for row in members if data.predicted[row] != target]
    mean = data.features[members].double().mean(dim=0)
    votes = {"insufficient": [0] * head.neurons, "excessive": [0] * head.neurons}
    for row in wrong:
        z, other = data.features[row].double(), int(data.predicted[row])
        lead = head.weight[target].double() - head.weight[other].double()
        raising, lowering = (lead > 0) * lead * (mean - z), (lead < 0) * -lead * z
        for kind, scores in (("insufficient", raising), ("excessive", lowering)):
            best = sorted(range(head.neurons), key=lambda n, s=scores: -float(s[n]))[:5]
            for neuron in best:
                votes[kind][neuron] += float(scores[neuron]) > 0
    percent = {kind: [100 * count / len(wrong) for count in own] for kind, own in votes.items()}
    return len(wrong), percent


@pytest.mark.parametrize("target", [0, 3, 6])
def test_lists_and_percentages_follow_the_definition(target):
    data, head = random_world(11, signal=0.5)
    report = find_culprits(data, head, ClassRef(target, "x"))
    wrong, percent = by_definition(data, head, target)
    assert (report.mistakes, report.unflipped, report.mode) == (wrong, 0, "default")
    kept = {kind: {n for n, p in enumerate(own) if p > 3} for kind, own in percent.items()}
    contested = kept["insufficient"] & kept["excessive"]
    for kind, rows in (("insufficient", report.insufficient), ("excessive", report.excessive)):
        assert {row.neuron for row in rows} == kept[kind] - contested
        assert all(row.prec_at_5 == pytest.approx(percent[kind][row.neuron]) for row in rows)
        assert [row.prec_at_5 for row in rows] == sorted((row.prec_at_5 for row in rows), reverse=True)
        assert rows and {row.kind for row in rows} == {kind}


def test_importance_uses_the_class_mean_by_default_and_the_split_mean_in_paper_mode():
    data, head = random_world(11, signal=0.5)
    members = (data.labels == 3).nonzero().squeeze(1)
    means = {"default": mean_features(data.features, members), "paper": mean_features(data.features)}
    for mode, mean in means.items():
        expected = retaining_ratio(mean, head, 3)
        report = find_culprits(data, head, ClassRef(3, "x"), mode)
        rows = report.insufficient + report.excessive
        assert rows
        assert [row.importance for row in rows] == pytest.approx(
            [float(expected[row.neuron]) for row in rows], rel=1e-6
        )


def test_paper_mode_votes_with_the_counterfactuals():
    data, head = random_world(11, signal=0.5)
    wrong = (data.mistakes & (data.labels == 3)).nonzero().squeeze(1)
    delta = counterfactual_deltas(data.features[wrong], data.labels[wrong], head).delta
    raised, lowered = (sign * delta for sign in (1, -1))
    votes = [torch.bincount(s.topk(5).indices.flatten(), minlength=24) for s in (raised, lowered)]
    report = find_culprits(data, head, ClassRef(3, "x"), "paper")
    assert report.mode == "paper" and report.insufficient and report.excessive
    for rows, own in zip((report.insufficient, report.excessive), votes, strict=True):
        for row in rows:
            assert row.prec_at_5 == pytest.approx(100 * int(own[row.neuron]) / len(wrong))


def test_fault_2_the_culprits_need_no_backbone_and_hang_on_nothing():
    """Class 1 can never win, and one of its images has no finite features: both are reported."""
    head = Head(torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]]), torch.tensor([0.0, -1.0, 0.0]))
    features = torch.tensor([[1.0, 0.2], [0.1, 2.0], [2.0, 0.1], [float("nan"), 1.0]])
    data = split_features(features, torch.tensor([1, 1, 1, 1]), head)
    data.top_classes[3] = torch.tensor([0, 1, 2])
    report = find_culprits(data, head, ClassRef(1, "x"), "paper", step_limit=100)
    assert (report.mistakes, report.unflipped) == (4, 4)
    assert (report.insufficient, report.excessive, report.mended_together) == ((), (), None)
    report = find_culprits(data, head, ClassRef(1, "x"), "default")
    assert (report.mistakes, report.unflipped) == (4, 1)


@pytest.mark.parametrize("mode", ["default", "paper"])
def test_fault_5_the_mistakes_explained_are_those_of_the_evaluation(mode):
    """Rounding the features turns a near tie; the mistake stays the one that the class table counts."""
    data, head = random_world(12, signal=0.5)
    right = int((~data.mistakes & (data.labels == 3)).nonzero()[0])
    data.top_classes[right] = data.top_classes[right].roll(1)
    report = find_culprits(data, head, ClassRef(3, "x"), mode)
    row = class_results(data.labels, data.predicted, [str(c) for c in range(7)])[3]
    assert report.mistakes == row.count - row.correct
    assert right in [sample.row for sample in report.samples]
    assert all(sample.predicted != sample.label == 3 for sample in report.samples)


def test_each_mistake_names_its_own_culprits_strongest_first():
    data, head, _ = planted_shortcut()
    report = find_culprits(data, head, SEA)
    listed = {row.neuron for row in report.insufficient + report.excessive}
    mean = data.features[data.labels == 0].float().mean(dim=0)
    for sample in report.samples:
        lead = head.weight[0] - head.weight[sample.predicted]
        z = data.features[sample.row].float()
        raised, lowered = (lead > 0) * lead * (mean - z), (lead < 0) * -lead * z
        own = {}
        for scores, rows in ((raised, report.insufficient), (lowered, report.excessive)):
            chosen = {row.neuron for row in rows}
            own |= {n: float(scores[n]) for n in scores.topk(5).indices.tolist() if n in chosen}
        own = {neuron: score for neuron, score in own.items() if score > 0}
        assert set(sample.culprits) == set(own) <= listed
        assert [own[n] for n in sample.culprits] == sorted(own.values(), reverse=True)


def test_blocks_change_nothing(monkeypatch):
    data, head = random_world(11, signal=0.5)
    expected = {mode: find_culprits(data, head, ClassRef(3, "x"), mode) for mode in ("default", "paper")}
    monkeypatch.setattr(culprits, "BLOCK_ELEMENTS", 7 * head.neurons)
    for mode, report in expected.items():
        found = find_culprits(data, head, ClassRef(3, "x"), mode)
        assert found.samples == report.samples
        assert found.insufficient == report.insufficient and found.excessive == report.excessive


def test_the_seed_decides_the_random_controls_alone():
    data, head, _ = planted_shortcut()
    first, again, other = (find_culprits(data, head, SEA, seed=seed) for seed in (0, 0, 1))
    assert first == again
    assert other.mended_random_together != first.mended_random_together
    same = dataclasses.replace(other, mended_random_together=first.mended_random_together)
    assert [row.neuron for row in same.excessive] == [row.neuron for row in first.excessive]
    assert same.mended_together == first.mended_together


def test_a_class_without_mistakes_has_no_culprits():
    head = Head(torch.eye(6), torch.zeros(6))
    data = split_features(torch.eye(6), torch.arange(6), head)
    for mode in ("default", "paper"):
        report = find_culprits(data, head, ClassRef(2, "x"), mode)
        assert (report.mistakes, report.unflipped, report.samples) == (0, 0, ())
        assert (report.insufficient, report.excessive) == ((), ())
        assert (report.mended_together, report.mended_random_together) == (None, None)


def test_progress_counts_mistakes_and_can_be_cancelled(monkeypatch):
    data, head = random_world(11, signal=0.5)
    monkeypatch.setattr(culprits, "BLOCK_ELEMENTS", 7 * head.neurons)
    seen = []
    report = find_culprits(
        data, head, ClassRef(3, "x"), "paper", on_progress=lambda done, total: seen.append((done, total))
    )
    shares = [done / total for done, total in seen]
    assert shares == sorted(shares) and 0.5 < shares[-1] <= 1
    assert (6 * report.mistakes) in {total for _, total in seen}
    assert max(done for done, _ in seen) >= 7

    def cancel(done, total):
        raise Cancelled

    with pytest.raises(Cancelled):
        find_culprits(data, head, ClassRef(3, "x"), on_progress=cancel)


def test_neuron_0_is_named_by_the_mistakes_that_voted_for_it_alone():
    """Three mistakes of class 0: neuron 0 turns the first two, neuron 1 the third, which has no other vote."""
    head = Head(torch.tensor([[0.0, 0.0, 1.0], [1.0, 1.0, 0.0]]), torch.zeros(2))
    features = torch.tensor([[3.0, 0.0, 1.0], [2.0, 0.0, 1.0], [0.0, 2.0, 1.0], [0.0, 0.0, 1.0]])
    report = find_culprits(split_features(features, torch.zeros(4, dtype=torch.int64), head), head, SEA)
    assert [(row.neuron, row.prec_at_5) for row in report.excessive] == [
        (0, pytest.approx(200 / 3)),
        (1, pytest.approx(100 / 3)),
    ]
    assert [sample.culprits for sample in report.samples] == [(0,), (0,), (1,)]
    assert [row.mended for row in report.excessive] == pytest.approx([2 / 3, 1 / 3])
    assert (report.mended_together, report.insufficient) == (1.0, ())


def test_the_random_controls_are_the_mean_over_their_draws():
    """Of two neurons one fixes every mistake: a random one fixes half, and two at once always all."""
    head = Head(torch.tensor([[0.0, 1.0], [1.0, 0.0]]), torch.zeros(2))
    data = split_features(torch.tensor([[3.0, 1.0], [2.0, 1.0]]), torch.tensor([0, 0]), head)
    report = find_culprits(data, head, SEA)
    [row] = report.excessive
    assert (row.neuron, row.mended, row.mended_random) == (0, 1.0, 0.5)
    assert report.mended_together == 1.0
