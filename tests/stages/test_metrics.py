import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest
from sklearn.metrics import f1_score, precision_score

from neuroinspect_tui.errors import Cancelled, InputError
from neuroinspect_tui.results import Confusion, GroupResult, WorstClass, WorstGroup
from neuroinspect_tui.stages import metrics
from neuroinspect_tui.tensors import Head

from .worlds import column, random_world, split_features

NAMES = ("ant", "bee", "cow", "doe")
LABELS = torch.tensor([0, 0, 0, 0, 1, 1, 2, 2])
PREDICTED = torch.tensor([0, 1, 1, 2, 1, 1, 0, 0])


@settings(deadline=None)
@given(st.integers(1, 5000), st.data())
def test_wilson_interval_agrees_with_scipy(count, data):
    correct = data.draw(st.integers(0, count))
    expected = binomtest(correct, count).proportion_ci(0.95, method="wilson")
    assert metrics.wilson_interval(correct, count) == pytest.approx(tuple(expected), abs=1e-12)


def test_wilson_interval_of_no_images_is_none():
    assert metrics.wilson_interval(0, 0) is None


def test_fixed_and_broken_count_the_changes_of_right_and_wrong():
    after = torch.tensor([1, 0, 2, 0, 1, 0, 2, 1])
    assert metrics.fixed_and_broken(LABELS, PREDICTED, after) == (3, 2)


def test_confusion_matrix_has_labels_in_rows():
    expected = [[1, 2, 1, 0], [0, 2, 0, 0], [2, 0, 0, 0], [0, 0, 0, 0]]
    assert metrics.confusion_matrix(LABELS, PREDICTED, 4).tolist() == expected


def test_class_table_by_hand():
    ant, bee, cow, doe = metrics.class_results(LABELS, PREDICTED, NAMES)
    assert (ant.name, ant.count, ant.correct, ant.accuracy) == ("ant", 4, 1, 0.25)
    assert ant.precision == pytest.approx(1 / 3)
    assert ant.f1 == pytest.approx(2 / 7)
    assert ant.interval == metrics.wilson_interval(1, 4)
    assert ant.confusions == (Confusion(1, "bee", 2), Confusion(2, "cow", 1))
    assert (bee.accuracy, bee.precision, bee.confusions) == (1.0, 0.5, ())
    assert (cow.accuracy, cow.precision, cow.f1) == (0.0, 0.0, 0.0)
    assert cow.confusions == (Confusion(0, "ant", 2),)
    assert (doe.count, doe.accuracy, doe.interval) == (0, None, None)
    assert (doe.precision, doe.f1) == (0.0, 0.0)


def test_equally_frequent_confusions_come_in_class_order():
    labels, predicted = torch.zeros(4, dtype=torch.int64), torch.tensor([3, 1, 3, 1])
    (row, *_) = metrics.class_results(labels, predicted, NAMES)
    assert [found.name for found in row.confusions] == ["bee", "doe"]


@settings(max_examples=30, deadline=None)
@given(st.integers(2, 6), st.integers(1, 60), st.integers(0, 10**6))
def test_class_table_agrees_with_scikit_learn(classes, images, seed):
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(classes, (images,), generator=generator)
    predicted = torch.randint(classes, (images,), generator=generator)
    rows = metrics.class_results(labels, predicted, [str(index) for index in range(classes)])
    options = {"labels": range(classes), "average": None, "zero_division": 0}
    assert [row.precision for row in rows] == pytest.approx(precision_score(labels, predicted, **options))
    assert [row.f1 for row in rows] == pytest.approx(f1_score(labels, predicted, **options))
    for row in rows:
        assert sum(found.count for found in row.confusions) == row.count - row.correct


def test_macro_is_the_mean_over_classes_with_images():
    counts = metrics.ClassCounts.of(LABELS, PREDICTED, 4)
    assert counts.micro() == 3 / 8
    assert counts.macro() == pytest.approx((0.25 + 1 + 0) / 3)


def test_accuracies_over_no_images_are_none():
    empty = torch.empty(0, dtype=torch.int64)
    counts = metrics.ClassCounts.of(empty, empty, 3)
    assert (counts.micro(), counts.macro(), counts.worst()) == (None, None, None)


def test_of_equally_bad_classes_the_one_with_most_images_is_the_worst():
    labels, predicted = torch.tensor([0, 1, 1, 2, 2, 3]), torch.tensor([1, 0, 0, 0, 0, 3])
    assert metrics.ClassCounts.of(labels, predicted, 4).worst() == 1


def test_a_class_of_one_image_counts():
    counts = metrics.ClassCounts.of(torch.tensor([0, 0, 1]), torch.tensor([0, 0, 0]), 3)
    assert (counts.worst(), counts.macro()) == (1, 0.5)


def test_the_worst_group_is_that_of_the_lowest_rate_not_of_the_fewest_right():
    """3 of 10 and 2 of 4."""
    labels = torch.tensor([0] * 10 + [1] * 4)
    predicted = torch.tensor([0] * 3 + [1] * 9 + [0] * 2)
    table = {"place": column("place", ("sea",), [0] * 14)}
    assert metrics.worst_group(labels, predicted, table, NAMES).accuracy == 0.3
    table["half"] = column("half", ("sea",), [-1] * 10 + [0] * 4)
    assert metrics.worst_group(labels, predicted, table, NAMES).accuracy == 0.3


def groups():
    place = column("place", ("sea", "sky"), [0, 0, 1, 1, 0, 1, 0, -1])
    season = column("season", ("dry", "wet"), [0, 1, 1, 1, 1, 1, 0, 0])
    return {"place": place, "season": season}


def test_group_table_has_a_row_for_each_nonempty_value_and_class():
    rows = metrics.group_results(LABELS, PREDICTED, groups(), NAMES)
    assert rows[:5] == (
        GroupResult("place", "sea", 0, "ant", 2, 1, 0.5),
        GroupResult("place", "sea", 1, "bee", 1, 1, 1.0),
        GroupResult("place", "sea", 2, "cow", 1, 0, 0.0),
        GroupResult("place", "sky", 0, "ant", 2, 0, 0.0),
        GroupResult("place", "sky", 1, "bee", 1, 1, 1.0),
    )
    assert [(row.value, row.class_name, row.correct, row.count) for row in rows[5:]] == [
        ("dry", "ant", 1, 1),
        ("dry", "cow", 0, 2),
        ("wet", "ant", 0, 3),
        ("wet", "bee", 2, 2),
    ]


def test_worst_group_is_the_lowest_and_of_equals_the_largest():
    worst = metrics.worst_group(LABELS, PREDICTED, groups(), NAMES)
    assert worst == GroupResult("season", "wet", 0, "ant", 3, 0, 0.0)


def test_worst_group_agrees_with_the_group_table():
    generator = torch.Generator().manual_seed(3)
    labels, predicted = (torch.randint(4, (300,), generator=generator) for _ in range(2))
    codes = torch.randint(-1, 5, (300,), generator=generator)
    table = {"camera": column("camera", "abcde", codes.tolist())}
    rows = metrics.group_results(labels, predicted, table, NAMES)
    worst = metrics.worst_group(labels, predicted, table, NAMES)
    assert worst.accuracy == min(row.accuracy for row in rows)
    assert worst in rows
    assert sum(row.count for row in rows) == int((codes >= 0).sum())


def test_without_group_columns_there_is_no_worst_group():
    assert metrics.worst_group(LABELS, PREDICTED, {}, NAMES) is None
    nothing = {"place": column("place", (), [-1] * 8)}
    assert metrics.worst_group(LABELS, PREDICTED, nothing, NAMES) is None
    assert metrics.group_results(LABELS, PREDICTED, nothing, NAMES) == ()


def judged():
    head = Head(torch.eye(4), torch.zeros(4))
    return split_features(torch.eye(4)[LABELS], LABELS, head, groups())


def test_head_metrics_by_hand():
    found = metrics.head_metrics(judged(), PREDICTED, 0, NAMES)
    assert (found.split, found.accuracy, found.class_accuracy) == ("val", 3 / 8, 0.25)
    assert (found.class_precision, found.class_f1) == pytest.approx((1 / 3, 2 / 7))
    assert found.worst_class == WorstClass(2, "cow", 0.0)
    assert found.worst_group == WorstGroup("season", "wet", 0, 0.0, 3)
    assert found.accuracy_interval == metrics.wilson_interval(3, 8)
    assert found.class_interval == metrics.wilson_interval(1, 4)


def test_head_metrics_have_the_rate_of_the_worst_group():
    labels = torch.tensor([0, 0, 1])
    data = split_features(
        torch.eye(4)[labels],
        labels,
        Head(torch.eye(4), torch.zeros(4)),
        {"at": column("at", ("x",), [0] * 3)},
    )
    found = metrics.head_metrics(data, torch.tensor([0, 1, 1]), 1, NAMES)
    assert found.worst_group == WorstGroup("at", "x", 0, 0.5, 2)


def test_head_metrics_of_a_class_without_images():
    found = metrics.head_metrics(judged(), PREDICTED, 3, NAMES)
    assert (found.class_accuracy, found.class_interval, found.class_precision) == (None, None, 0.0)


def test_head_metrics_of_no_images_is_refused():
    head = Head(torch.eye(2), torch.zeros(2))
    empty = split_features(torch.empty(0, 2), torch.empty(0, dtype=torch.int64), head)
    with pytest.raises(InputError) as error:
        metrics.head_metrics(empty, empty.predicted, 0, ("a", "b"))
    assert str(error.value) == "split 'val' has no readable image: choose another with --split"


def test_predictions_in_blocks_equal_those_at_once(monkeypatch):
    data, head = random_world(1)
    monkeypatch.setattr(metrics, "BLOCK_ELEMENTS", head.neurons * 7)
    expected = (data.features.float() @ head.weight.T + head.bias).argmax(dim=1)
    assert metrics.predict(head, data.features).equal(expected)


def test_predicting_can_be_cancelled():
    data, head = random_world(1)

    def on_progress(done, total):
        raise Cancelled

    with pytest.raises(Cancelled):
        metrics.predict(head, data.features, on_progress)


def test_confusions_counted_in_parts_add_up_to_the_table():
    generator = torch.Generator().manual_seed(4)
    labels, predicted = torch.randint(9, (2, 500), generator=generator)
    parts = [metrics.confusion_counts(labels[k::3], predicted[k::3], 9) for k in range(3)]
    names = [str(index) for index in range(9)]
    whole = (parts[0] + parts[1] + parts[2]).coalesce()
    assert whole.to_dense().equal(metrics.confusion_matrix(labels, predicted, 9))
    assert metrics.class_table(whole, names) == metrics.class_results(labels, predicted, names)
