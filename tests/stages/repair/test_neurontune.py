import numpy as np
import torch

from neuroinspect_tui.stages.repair.examples import Examples
from neuroinspect_tui.stages.repair.neurontune import bias_scores, neurontune
from neuroinspect_tui.tensors import Head

from .worlds import make_world


def test_bias_scores_are_medians_of_mistakes_less_medians_of_right_decisions():
    labels = torch.tensor([0] * 8 + [1] * 6)
    wanted = torch.tensor([0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 0, 0])
    generator = torch.Generator().manual_seed(0)
    features = torch.cat([torch.randn(14, 3, generator=generator), (2.0 * wanted - 1.0)[:, None]], dim=1)
    head = Head(torch.tensor([[0, 0, 0, -1.0], [0, 0, 0, 1.0]]), torch.zeros(2))
    plain = features.numpy()
    expected = (np.sort(plain[5:8], 0)[1] - np.sort(plain[:5], 0)[2]) / plain.std(0)
    np.testing.assert_allclose(bias_scores(features, labels, head).numpy(), expected, rtol=1e-5)


def test_a_head_without_mistakes_has_no_biased_neuron():
    features = torch.tensor([[-1.0], [-2.0], [1.0], [2.0]])
    head = Head(torch.tensor([[-1.0], [1.0]]), torch.zeros(2))
    assert bias_scores(features, torch.tensor([0, 0, 1, 1]), head).tolist() == [0.0]
    examples = Examples.plain(features, torch.tensor([0, 0, 1, 1]))
    assert {one.parameters["dropped"] for one in neurontune(examples, head)} == {0}


def test_the_neurons_of_the_background_are_dropped_and_stay_at_zero():
    splits, head = make_world()
    val = Examples.of(splits["val"], torch.arange(400))
    features = val.take(torch.arange(400))
    order = bias_scores(features, val.labels, head).argsort(descending=True).tolist()
    found = neurontune(val, head)
    for one in found:
        dropped = order[: one.parameters["dropped"]]
        assert torch.count_nonzero(one.head.weight[:, dropped]) == 0
        assert torch.count_nonzero(one.head.weight) == 2 * (8 - len(dropped))
    assert [one.parameters["dropped"] for one in found] == [0] * 6 + [2] * 3 + [4] * 3
    assert set(order[:3]) == {3, 4, 5}
