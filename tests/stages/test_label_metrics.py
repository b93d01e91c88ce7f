"""The numbers of each label, by hand and beside scikit-learn's, and labels whose order is permuted."""

import numpy as np
import pytest
import torch
from sklearn.metrics import average_precision_score, roc_auc_score

from neuroinspect_tui.stages.label_metrics import (
    auroc,
    average_precision,
    label_logits,
    label_table,
    permuted_labels,
)
from neuroinspect_tui.tensors import Head


def tensors(scores, positive):
    return torch.tensor(scores, dtype=torch.float64), torch.tensor(positive, dtype=torch.bool)


def test_a_positive_above_half_of_the_negatives_has_an_auroc_of_one_half():
    assert auroc(*tensors([1.0, 2, 3], [0, 1, 0])) == 0.5


def test_equal_scores_count_half():
    assert auroc(*tensors([1.0, 1, 0], [1, 0, 0])) == pytest.approx((0.5 + 1) / 2)


def test_average_precision_by_hand():
    found = average_precision(*tensors([4.0, 3, 2, 1], [1, 0, 1, 0]))
    assert found == pytest.approx(1 / 2 * 1 + 1 / 2 * 2 / 3)


@pytest.mark.parametrize("digits", [1, 6])
def test_both_are_those_of_scikit_learn_also_with_ties(digits):
    random = np.random.default_rng(digits)
    positive = random.random(300) < 0.3
    scores = np.round(random.normal(size=300) + positive, digits)
    given = torch.from_numpy(scores), torch.from_numpy(positive)
    assert auroc(*given) == pytest.approx(roc_auc_score(positive, scores), abs=1e-12)
    assert average_precision(*given) == pytest.approx(average_precision_score(positive, scores), abs=1e-12)


def test_there_is_no_number_without_images_of_both_kinds():
    assert auroc(*tensors([1.0, 2], [1, 1])) is None
    assert average_precision(*tensors([1.0, 2], [0, 0])) is None
    assert average_precision(*tensors([1.0, 2], [1, 1])) == 1.0


def test_a_row_counts_the_images_that_say_whether_they_have_the_label():
    logits = torch.tensor([[2.0, -1], [1, 3], [-2, 0.5], [0.1, 9]])
    marks = torch.tensor([[1, 0], [0, 1], [0, 1], [1, -1]], dtype=torch.int8)
    first, second = label_table(logits, marks, ("cat", "dog"), (0.5, 0.7))
    assert (first.name, first.count, first.positives, first.threshold) == ("cat", 4, 2, 0.5)
    assert (first.accuracy, first.recall, first.precision) == (0.75, 1.0, pytest.approx(2 / 3))
    assert first.auroc == 0.75
    # 0.7 is a logit of 0.847: an image with 0.5 is said not to have it.
    assert (second.count, second.positives) == (3, 2)
    assert (second.accuracy, second.recall, second.precision) == (pytest.approx(2 / 3), 0.5, 1.0)
    assert second.auroc == 1.0 == second.average_precision


def test_a_label_that_nobody_knows_has_no_numbers():
    (row,) = label_table(torch.ones(2, 1), torch.full((2, 1), -1, dtype=torch.int8), ("cat",), (0.5,))
    assert (row.count, row.positives, row.accuracy, row.auroc, row.average_precision) == (
        0,
        0,
        None,
        None,
        None,
    )


def test_logits_of_all_labels_are_those_of_the_layer():
    head = Head(torch.tensor([[1.0, 2], [0, 1], [3, 0]]), torch.tensor([0.0, 1, -1]))
    assert label_logits(torch.tensor([[1.0, 1]]), head).tolist() == [[3.0, 2.0, 2.0]]


def drawn(images, order, noise=0.3):
    """Return logits whose column k follows label `order[k]`, and the marks."""
    generator = torch.Generator().manual_seed(0)
    marks = (torch.rand(images, len(order), generator=generator) < 0.4).to(torch.int8)
    spread = torch.randn(images, len(order), generator=generator)
    return 2 * marks[:, list(order)].float() + noise * spread, marks


def test_labels_in_another_order_than_the_outputs_are_found():
    logits, marks = drawn(200, (2, 0, 1))
    assert permuted_labels(logits, marks) == (1, 2, 0)


def test_the_right_order_is_left_alone_however_weak_the_classifier():
    for noise in (0.1, 3.0, 30.0):
        assert permuted_labels(*drawn(200, (0, 1, 2), noise)) is None


def test_a_few_images_do_not_tell():
    assert permuted_labels(*drawn(4, (1, 0))) is None
