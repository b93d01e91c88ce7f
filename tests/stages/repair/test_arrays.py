import numpy as np
import pytest
import torch

from neuroinspect_tui.errors import InputError
from neuroinspect_tui.stages.repair import preview, repair_class, repair_head

from .worlds import CULPRITS, NAMES, make_world


def arrays(name: str = "train"):
    splits, head = make_world()
    split = splits[name]
    place = split.groups["place"].codes.numpy()
    return split.features.numpy(), split.labels.numpy(), head.weight.numpy(), head.bias.numpy(), place


def worst(head, name: str = "test") -> float:
    features, labels, _, _, place = arrays(name)
    right = (features.astype(np.float32) @ head.weight.numpy().T + head.bias.numpy()).argmax(1) == labels
    return min(right[(labels == y) & (place == g)].mean() for y in (0, 1) for g in (0, 1))


@pytest.mark.parametrize("method", ["ridge", "dfr", "leace", "auto"])
def test_groups_repair_the_planted_world(method):
    features, labels, weight, bias, place = arrays()
    assert worst(repair_head(features, labels, weight, bias, place, method)) > 0.8


def test_groups_may_be_any_values_and_partly_unknown():
    features, labels, weight, bias, place = arrays()
    plain = repair_head(features, labels, weight, bias, place)
    words = repair_head(features, labels, weight, bias, np.array(["a", "b"])[place])
    assert torch.equal(plain.weight, words.weight)
    gaps = place.astype(float)
    gaps[::3] = np.nan
    assert worst(repair_head(features, labels, weight, bias, gaps)) > 0.8


def test_two_columns_are_used_together():
    features, labels, weight, bias, place = arrays()
    noise = np.arange(len(labels)) % 2
    assert worst(repair_head(features, labels, weight, bias, np.stack([noise, place], axis=1))) > 0.8


def test_arrays_that_do_not_fit_are_refused():
    features, labels, weight, bias, place = arrays()
    for wrong in (
        (features[:, :3], labels, weight, bias),
        (features, labels[:5], weight, bias),
        (features, labels + 5, weight, bias),
        (features, labels, weight, bias[:1]),
        (features, labels, weight, bias, place[:4]),
        (features, labels, weight, bias, place, "paper"),
    ):
        with pytest.raises(InputError):
            repair_head(*wrong)


def test_the_given_arrays_stay_as_they_are():
    features, labels, weight, bias, place = arrays()
    kept = weight.copy()
    repair_head(features, labels, weight, bias, place)
    assert np.array_equal(weight, kept)


def test_the_preview_has_the_numbers_of_the_repair():
    splits, head = make_world()
    shown = preview(splits, head, 0, NAMES)
    made = repair_class(splits, head, 0, NAMES, "ridge", CULPRITS)
    assert (shown.before, shown.after) == (made.before, made.after)
    assert (shown.fixed, shown.broken, shown.unchanged) == (made.fixed, made.broken, False)


def test_a_head_without_bias_stays_without():
    features, labels, weight, _, place = arrays()
    head = repair_head(features, labels, weight, None, place)
    assert not head.bias.any() and worst(head) > 0.8
