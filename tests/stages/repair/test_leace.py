import numpy as np
import pytest
import scipy.linalg
import torch
from sklearn.linear_model import LogisticRegression

from neuroinspect_tui.errors import InputError
from neuroinspect_tui.stages.repair.examples import Examples
from neuroinspect_tui.stages.repair.leace import erasing_step, has_groups, leace
from neuroinspect_tui.stages.repair.moments import Moments

from .worlds import make_world, random_examples


def test_the_eraser_equals_the_theorem_written_with_matrix_roots():
    generator = np.random.default_rng(0)
    z = generator.normal(size=(300, 6)) @ generator.normal(size=(6, 6))
    groups = np.eye(3)[generator.integers(3, size=300)]
    z += groups @ generator.normal(size=(3, 6))
    z, groups = z - z.mean(0), groups - groups.mean(0)
    spread, shared = z.T @ z / 300, z.T @ groups / 300
    ridge = 1e-3 * spread.diagonal().mean() * np.eye(6)
    whiten = scipy.linalg.inv(scipy.linalg.sqrtm(spread + ridge)).real
    white = whiten @ shared
    projector = white @ np.linalg.pinv(white)
    expected = np.linalg.inv(whiten) @ projector @ whiten
    size = len(spread)
    gram = torch.zeros(size + 1, size + 1, dtype=torch.float64)
    gram[:-1, :-1], gram[-1, -1] = torch.tensor(spread), 1.0
    none = torch.zeros(0, dtype=torch.int64)
    moments = Moments(gram, torch.zeros(0, size + 1), none, none)
    whitened = moments.whitened(torch.tensor(shared), 1e-3)
    found = erasing_step(torch.eye(size, dtype=torch.float64), torch.tensor(shared), whitened).numpy()
    np.testing.assert_allclose(found, expected, atol=1e-8)
    np.testing.assert_allclose(found @ shared, shared, atol=1e-9)


def test_fewer_images_than_neurons_are_enough():
    examples, head = random_examples(20, 40, 2, 2)
    features, after = erased(examples)
    own = examples.labels.numpy() == 0
    codes = examples.codes[:, 0].numpy()
    assert np.abs(features[own & (codes == 0)].mean(0) - features[own & (codes == 1)].mean(0)).max() > 0.5
    weights = examples.balanced_weights().double().numpy()
    groups = np.stack([codes == 0, codes == 1], axis=1).astype(float)
    for label in (0, 1):
        rows = examples.labels.numpy() == label
        groups[rows] -= np.average(groups[rows], axis=0, weights=weights[rows])
    assert np.abs(after.T @ (weights[:, None] * groups)).max() < 1e-5
    assert torch.isfinite(leace(examples, head)[-1].head.weight).all()


def erased(examples: Examples) -> tuple[np.ndarray, np.ndarray]:
    """Features before and after the erasure that `leace` folds into an identity head."""
    from neuroinspect_tui.tensors import Head

    identity = Head(torch.eye(examples.neurons), torch.zeros(examples.neurons))
    fold = leace(examples, identity)[-1].head
    features = examples.take(torch.arange(len(examples)))
    return features.numpy(), (features @ fold.weight.T + fold.bias).numpy()


def test_no_linear_probe_tells_the_groups_apart_afterwards():
    splits, _ = make_world()
    val = Examples.of(splits["val"], torch.arange(400), "place")
    before, after = erased(val)
    codes = val.codes[:, 0].numpy()
    probe = LogisticRegression(C=1e6, max_iter=5000)
    assert probe.fit(before, codes).score(before, codes) > 0.95
    assert probe.fit(after, codes).score(after, codes) < 0.53
    assert np.abs(probe.coef_).max() < 0.01


def test_the_class_survives_although_the_group_follows_it():
    splits, _ = make_world()
    train = Examples.of(splits["train"], torch.arange(800), "place")
    _, after = erased(train)
    weights = train.balanced_weights().numpy()
    probe = LogisticRegression(C=1e6, max_iter=5000)
    labels, codes = train.labels.numpy(), train.codes[:, 0].numpy()
    assert probe.fit(after, labels, weights).score(after, labels, weights) > 0.95
    assert probe.fit(after, codes, weights).score(after, codes, weights) == pytest.approx(0.5, abs=0.03)


def test_the_head_reads_the_erased_features_in_part_or_whole():
    examples, head = random_examples(200, 6, 3, 2)
    features, after = erased(examples)
    old = features @ head.weight.numpy().T + head.bias.numpy()
    new = after @ head.weight.numpy().T + head.bias.numpy()
    found = leace(examples, head)
    assert [one.parameters for one in found] == [{"share": share} for share in (0.25, 0.5, 0.75, 1.0)]
    for one in found:
        share = one.parameters["share"]
        logits = features @ one.head.weight.numpy().T + one.head.bias.numpy()
        np.testing.assert_allclose(logits, (1 - share) * old + share * new, atol=1e-3)


def test_classes_of_unknown_group_leave_their_direction_to_the_tagged_ones():
    splits, _ = make_world()
    val = splits["val"]
    rows = torch.arange(400)
    tagged = Examples.plain(
        val.features.float(), val.labels, torch.where(val.labels == 0, val.groups["place"].codes, -1)
    )
    assert [len(part) for part in (tagged, tagged.known())] == [400, 400]
    _, after = erased(tagged)
    own = (val.labels == 0).numpy()
    codes = val.groups["place"].codes[rows].numpy()
    probe = LogisticRegression(C=1e6, max_iter=5000).fit(after[own], codes[own])
    assert probe.score(after[own], codes[own]) < 0.65
    assert (
        LogisticRegression(C=1e6, max_iter=5000)
        .fit(val.features.float().numpy()[own], codes[own])
        .score(val.features.float().numpy()[own], codes[own])
        > 0.95
    )


def test_without_two_groups_in_a_class_there_is_nothing_to_erase():
    examples, head = random_examples(50, 6, 3, 2)
    nested = Examples.plain(examples.take(torch.arange(50)), examples.labels, examples.labels % 2)
    assert has_groups(examples)
    assert not has_groups(nested)
    with pytest.raises(InputError, match="--groups"):
        leace(nested, head)
