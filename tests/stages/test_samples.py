from neuroinspect_tui.stages.samples import select_rows

from .worlds import random_world


def test_rows_of_a_class_are_chosen_by_label_mistake_and_prediction():
    data, _ = random_world(0)
    every, wrong = select_rows(data, 2, only_mistakes=False).tolist(), select_rows(data, 2).tolist()
    pairs = list(zip(data.labels.tolist(), data.predicted.tolist(), strict=True))
    assert every == [row for row, (label, _) in enumerate(pairs) if label == 2]
    assert wrong == [row for row, (label, predicted) in enumerate(pairs) if label == 2 != predicted]
    taken_for = pairs[wrong[0]][1]
    expected = [row for row, pair in enumerate(pairs) if pair == (2, taken_for)]
    assert select_rows(data, 2, taken_for).tolist() == expected
    assert select_rows(data, 2, 2).tolist() == sorted(set(every) - set(wrong))
