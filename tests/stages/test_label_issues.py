import numpy as np
import pytest
import torch

from neuroinspect_tui.stages.label_issues import find_label_issues, nearest_rows, self_confidence
from neuroinspect_tui.tensors import Head

from .repair.worlds import split_of
from .worlds import random_world


def clusters(swapped: list[int]):
    """Three clusters of 40 images along three axes; the labels of `swapped` rows are wrong."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(120) % 3
    features = torch.rand(120, 6, generator=generator) * 0.3
    features[torch.arange(120), labels] += 2.0
    given = labels.clone()
    given[swapped] = (labels[swapped] + 1) % 3
    head = Head(torch.cat([torch.eye(3) * 3, torch.zeros(3, 3)], dim=1), torch.zeros(3))
    return split_of("val", features, given, head, {}), head, labels


def test_planted_wrong_labels_are_found_with_their_true_class():
    swapped = [4, 17, 58, 99]
    split, head, truth = clusters(swapped)
    found = find_label_issues(split, head)
    assert {issue.path for issue in found} == {f"val/{row}.png" for row in swapped}
    for issue in found:
        row = int(issue.path.split("/")[1].split(".")[0])
        assert issue.suggested == int(truth[row])
        assert issue.label == int(split.labels[row])
        assert issue.neighbour_share > 0.8
        assert issue.self_confidence < 0.1


def test_a_mistake_among_images_of_its_own_label_is_the_model_s_fault():
    split, head, _ = clusters([])
    split.top_classes[7, 0] = (split.labels[7] + 1) % 3
    assert find_label_issues(split, head) == ()


def test_neighbours_equal_a_plain_search():
    split, head, _ = clusters([4, 17])
    features = split.features.double().numpy()
    unit = features / np.linalg.norm(features, axis=1, keepdims=True)
    for issue in find_label_issues(split, head):
        row = int(issue.path.split("/")[1].split(".")[0])
        cosine = unit @ unit[row]
        cosine[row] = -2
        near = np.argsort(-cosine)[:10]
        assert issue.neighbour_share == (split.labels.numpy()[near] == issue.suggested).mean()


def test_blocks_do_not_change_the_neighbours(monkeypatch):
    split, head, _ = clusters([4, 17, 58])
    whole = find_label_issues(split, head)
    monkeypatch.setattr("neuroinspect_tui.stages.label_issues.BLOCK_ELEMENTS", 6 * 7)
    assert find_label_issues(split, head) == whole


def test_marked_images_come_first_and_always():
    split, head, _ = clusters([4, 17])
    found = find_label_issues(split, head, marked={30, 17}, limit=1)
    assert [(issue.path, issue.marked) for issue in found] == [
        ("val/17.png", True),
        ("val/30.png", True),
        ("val/4.png", False),
    ]


def test_self_confidence_is_the_probability_of_the_label():
    split, head, _ = clusters([4])
    logits = (split.features.float() @ head.weight.T).double().numpy()
    chance = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    expected = chance[np.arange(120), split.labels.numpy()]
    np.testing.assert_allclose(self_confidence(split, head).numpy(), expected, rtol=1e-4)


def test_no_images_have_no_doubtful_labels():
    data, head = random_world(0, images=0)
    assert find_label_issues(data, head, []) == ()


def test_doubt_is_the_disbelief_of_the_model_times_the_share_of_the_neighbours():
    """The least believed label comes first, though its image is not the first of the split."""
    split, head, _ = clusters([4, 17, 58])
    split.features[58] *= 2.0
    found = find_label_issues(split, head)
    doubts = [(1.0 - issue.self_confidence) * issue.neighbour_share for issue in found]
    assert found[0].path == "val/58.png" and len(found) == 3
    assert doubts == sorted(doubts, reverse=True) and len(set(doubts)) == 3


def test_a_split_of_fewer_images_than_neighbours_counts_those_there_are():
    head = Head(torch.eye(2) * 9, torch.zeros(2))
    features = torch.tensor([[1.0, 0.0], [1.0, 0.1], [0.9, 0.0], [0.0, 1.0]])
    split = split_of("val", features, torch.tensor([1, 0, 0, 1]), head, {})
    [issue] = find_label_issues(split, head)
    assert (issue.path, issue.suggested, issue.neighbour_share) == ("val/0.png", 0, pytest.approx(2 / 3))


def test_only_the_least_believed_mistakes_are_looked_at(monkeypatch):
    split, head, _ = clusters([4, 17, 58])
    split.features[17] *= 2.0
    monkeypatch.setattr("neuroinspect_tui.stages.label_issues.CANDIDATES", 1)
    assert [issue.path for issue in find_label_issues(split, head)] == ["val/17.png"]


def test_the_nearest_of_some_images_leave_out_the_image_itself_and_all_others():
    angles = torch.tensor([0.0, 0.1, 0.2, 0.3, 1.0])
    features = torch.stack([angles.cos(), angles.sin()], dim=1)
    split = split_of(
        "val", features, torch.zeros(5, dtype=torch.int64), Head(torch.eye(2), torch.zeros(2)), {}
    )
    rows = torch.tensor([0])
    assert nearest_rows(split, rows).tolist() == [[1, 2, 3, 4]]
    assert nearest_rows(split, rows, 2).tolist() == [[1, 2]]
    among = torch.tensor([True, False, True, False, True])
    assert nearest_rows(split, rows, 3, among).tolist() == [[2, 4]]
