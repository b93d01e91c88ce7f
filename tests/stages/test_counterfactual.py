import pytest
import torch

from neuroinspect_tui.errors import Cancelled
from neuroinspect_tui.stages.counterfactual import (
    ALPHA,
    BETA,
    Deltas,
    contribution_scores,
    counterfactual_deltas,
)
from neuroinspect_tui.stages.importance import mean_features
from neuroinspect_tui.tensors import Head

from .worlds import random_world


def oracle(z, label, head, limit):
    """The published loop for one image, plainly: autograd, torch's SGD, one step after the other."""
    weight, bias, z = head.weight.double(), head.bias.double(), z.double()
    delta = torch.zeros_like(z, requires_grad=True)
    optimizer = torch.optim.SGD([delta], lr=0.01, momentum=0.9)
    for step in range(limit + 1):
        logits = weight @ (z + delta) + bias
        if int(logits.argmax()) == label:
            return delta.detach(), step, True
        if step == limit:
            break
        loss = torch.nn.functional.cross_entropy(logits[None], torch.tensor([label]))
        loss = loss + ALPHA * delta.norm(p=1) / len(z) + BETA * delta.norm(p=2) / len(z)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return delta.detach(), limit, False


def mistakes(seed, **sizes):
    data, head = random_world(seed, **sizes)
    return data.features[data.mistakes], data.labels[data.mistakes], head


@pytest.mark.parametrize(
    ("seed", "sizes"),
    [
        (0, {"images": 150}),
        (1, {"images": 60, "neurons": 3, "classes": 2, "signal": 0.5}),
        (2, {"images": 40, "neurons": 130, "classes": 30, "signal": 0.5}),
    ],
)
def test_fault_2_all_mistakes_at_once_equal_the_loop_over_images(seed, sizes):
    features, labels, head = mistakes(seed, **sizes)
    found = counterfactual_deltas(features, labels, head, step_limit=300)
    expected = [oracle(z, int(label), head, 300) for z, label in zip(features, labels, strict=True)]
    assert found.steps.tolist() == [steps for _, steps, _ in expected]
    assert found.flipped.tolist() == [flipped for _, _, flipped in expected]
    torch.testing.assert_close(found.delta, torch.stack([d for d, _, _ in expected]), rtol=0, atol=1e-6)
    assert len(set(found.steps.tolist())) > 3


def test_strong_penalties_and_a_neuron_that_no_class_uses_equal_the_loop():
    """With D = 1 + 1 the elastic net matters; the unused neuron stays at 0, where its subgradient is 0."""
    head = Head(torch.tensor([[0.3, 0.0], [-0.2, 0.0]]), torch.tensor([0.5, 0.0]))
    features, labels = torch.tensor([[0.0, 1.0], [0.4, 0.0]]), torch.tensor([1, 1])
    found = counterfactual_deltas(features, labels, head)
    for row in range(2):
        delta, steps, flipped = oracle(features[row], 1, head, 1000)
        assert (int(found.steps[row]), bool(found.flipped[row])) == (steps, flipped) and steps > 20
        torch.testing.assert_close(found.delta[row], delta, rtol=0, atol=1e-6)
    assert found.delta[:, 1].tolist() == [0.0, 0.0]


def test_each_row_stops_at_the_first_step_that_flips_it():
    features, labels, head = mistakes(3)
    found = counterfactual_deltas(features, labels, head)
    assert found.flipped.all()
    assert (head.logits(features.float() + found.delta.float()).argmax(1) == labels).all()
    for steps in found.steps.unique().tolist():
        before = counterfactual_deltas(features, labels, head, step_limit=steps - 1)
        assert not before.flipped[found.steps == steps].any()


def test_a_row_that_is_no_mistake_takes_no_step():
    data, head = random_world(3)
    right = data.features[~data.mistakes]
    found = counterfactual_deltas(right, data.labels[~data.mistakes], head)
    assert found.flipped.all() and int(found.steps.max()) == 0 and float(found.delta.abs().max()) == 0


def unflippable():
    """Class 1 has the weights of class 0 and a lower bias: nothing makes it win."""
    head = Head(torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]]), torch.tensor([0.0, -1.0, 0.0]))
    return torch.tensor([[1.0, 0.2], [0.1, 2.0]]), head


def test_fault_2_a_mistake_that_cannot_flip_ends_at_the_step_limit():
    features, head = unflippable()
    found = counterfactual_deltas(features, torch.tensor([1, 0]), head, step_limit=150)
    assert found.flipped.tolist() == [False, True]
    assert int(found.steps[0]) == 150 and int(found.steps[1]) < 150
    expected, _, _ = oracle(features[0], 1, head, 150)
    torch.testing.assert_close(found.delta[0], expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), float("-inf")])
def test_fault_2_features_that_are_not_finite_are_reported_and_disturb_nobody(bad):
    features, labels, head = mistakes(4)
    spoiled = features.clone()
    spoiled[1, 3] = bad
    found, clean = (counterfactual_deltas(z, labels, head) for z in (spoiled, features))
    assert not found.flipped[1] and int(found.steps[1]) == 0 and float(found.delta[1].abs().max()) == 0
    others = torch.arange(len(labels)) != 1
    assert found.steps[others].equal(clean.steps[others])
    torch.testing.assert_close(found.delta[others], clean.delta[others], rtol=0, atol=1e-12)


def test_no_mistakes_no_counterfactuals():
    _, head = unflippable()
    found = counterfactual_deltas(torch.empty(0, 2), torch.empty(0, dtype=torch.int64), head)
    assert (found.delta.shape, found.steps.tolist(), found.flipped.tolist()) == ((0, 2), [], [])


def test_it_reports_flips_and_can_be_cancelled():
    features, labels, head = mistakes(4)
    seen = []
    counterfactual_deltas(features, labels, head, on_progress=lambda done, total: seen.append((done, total)))
    assert seen[0] == (0, len(labels))
    assert seen == sorted(seen)

    def cancel(done, total):
        raise Cancelled

    with pytest.raises(Cancelled):
        counterfactual_deltas(features, labels, head, on_progress=cancel)


def test_scores_of_deltas_ignore_what_did_not_flip():
    delta = torch.tensor([[1.0, -2.0], [3.0, 4.0]])
    scores = Deltas(delta, torch.tensor([1, 9]), torch.tensor([True, False])).scores()
    assert scores.insufficient.tolist() == [[1.0, -2.0], [0.0, 0.0]]
    assert scores.excessive.tolist() == [[-1.0, 2.0], [0.0, 0.0]]
    assert scores.explained.tolist() == [True, False]


def test_contribution_scores_by_hand():
    head = Head(torch.tensor([[2.0, -1.0, 1.0, 3.0], [1.0, 3.0, 1.5, 0.0]]), torch.zeros(2))
    mean = torch.tensor([1.0, 0.5, 2.0, 0.5])
    features, predicted = torch.tensor([[0.5, 2.0, 0.0, -1.0]]), torch.tensor([1])
    scores = contribution_scores(features, predicted, 0, mean, head)
    assert scores.insufficient.tolist() == [[0.5, 0.0, 0.0, 4.5]]
    assert scores.excessive.tolist() == [[0.0, 8.0, 0.0, 0.0]]
    assert scores.explained.tolist() == [True]


def test_no_mistake_calls_a_neuron_insufficient_and_excessive_at_once():
    data, head = random_world(6)
    rows = data.mistakes.nonzero().squeeze(1)
    z = data.features[rows].float() - 0.5
    scores = contribution_scores(z, data.predicted[rows], 2, torch.rand(24) - 0.5, head)
    assert not ((scores.insufficient > 0) & (scores.excessive > 0)).any()
    assert (scores.insufficient > 0).any() and (scores.excessive > 0).any()


def test_contributions_are_the_lead_that_the_change_wins():
    """Raising each insufficient neuron to the mean moves the lead by the sum of the insufficient scores."""
    data, head = random_world(6)
    rows = (data.mistakes & (data.labels == 2)).nonzero().squeeze(1)
    z, predicted = data.features[rows].float(), data.predicted[rows]
    mean = mean_features(data.features, (data.labels == 2).nonzero().squeeze(1)).float()
    scores = contribution_scores(z, predicted, 2, mean, head)
    for score, values in ((scores.insufficient, mean), (scores.excessive, torch.zeros(24))):
        changed = torch.where(score > 0, values, z)
        lead = [
            logits[:, 2] - logits.gather(1, predicted[:, None]).squeeze(1)
            for logits in map(head.logits, (z, changed))
        ]
        torch.testing.assert_close(score.sum(dim=1), lead[1] - lead[0], rtol=1e-4, atol=1e-4)


def test_fault_3_a_silent_neuron_is_never_excessive():
    """The paper's δ lowers a neuron that is silent already; a contribution of nothing is nothing."""
    head = Head(torch.tensor([[1.0, 0.0, 0.2], [0.0, 3.0, 0.5]]), torch.zeros(2))
    features, predicted = torch.tensor([[0.1, 0.0, 2.0]]), torch.tensor([1])
    paper = counterfactual_deltas(features, torch.tensor([0]), head).scores()
    assert float(paper.excessive[0, 1]) > 0
    ours = contribution_scores(features, predicted, 0, torch.tensor([1.0, 0.0, 1.0]), head)
    assert float(ours.excessive[0, 1]) == 0
    data, head = random_world(7)
    z = data.features[data.mistakes]
    scores = contribution_scores(z, data.predicted[data.mistakes], 0, torch.zeros(24), head)
    assert not (scores.excessive[z == 0] > 0).any() and bool((z == 0).any())


def test_contributions_of_features_that_are_not_finite_explain_nothing():
    head = Head(torch.tensor([[1.0, 0.0], [0.0, 3.0]]), torch.zeros(2))
    features = torch.tensor([[float("nan"), 1.0], [0.0, 1.0]]).half()
    scores = contribution_scores(features, torch.tensor([1, 1]), 0, torch.tensor([1.0, 0.0]), head)
    assert scores.explained.tolist() == [False, True]
    assert scores.insufficient.tolist() == [[0.0, 0.0], [1.0, 0.0]]
    assert scores.excessive.tolist() == [[0.0, 0.0], [0.0, 3.0]]
