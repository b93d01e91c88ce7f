import pytest
import torch

from neuroinspect_tui.errors import Cancelled
from neuroinspect_tui.stages import neuron_statistics as module
from neuroinspect_tui.stages.fourier import FourierBasis
from neuroinspect_tui.stages.neuron_statistics import NeuronStatistics, neuron_statistics
from neuroinspect_tui.tensors import SplitFeatures


def split(features):
    count = len(features)
    whole = torch.zeros(count, dtype=torch.int64)
    return SplitFeatures(
        split="val",
        features=features.half(),
        labels=whole,
        top_logits=torch.zeros(count, 5),
        top_classes=torch.zeros(count, 5, dtype=torch.int64),
        confidence=torch.zeros(count),
        paths=[str(row) for row in range(count)],
        rows=torch.arange(count),
    )


@pytest.mark.parametrize("count", [1, 2, 500, 1001, 2500])
def test_the_quantiles_are_exact_whatever_the_blocks(count, monkeypatch):
    monkeypatch.setattr(module, "_BLOCK_ROWS", 300)
    features = torch.randn(count, 7, generator=torch.Generator().manual_seed(count))
    expected = features.half().float().quantile(0.999, dim=0)
    torch.testing.assert_close(neuron_statistics(split(features)).q999, expected, atol=1e-4, rtol=1e-4)


def test_the_basis_is_kept_and_the_job_can_be_cancelled():
    basis = FourierBasis.natural(8)
    assert neuron_statistics(split(torch.ones(3, 2)), basis).basis is basis

    def cancel(done, total):
        raise Cancelled

    with pytest.raises(Cancelled):
        neuron_statistics(split(torch.ones(3, 2)), on_progress=cancel)


def test_a_neuron_that_never_fires_gets_a_small_positive_scale():
    scale = NeuronStatistics(torch.tensor([4.0, 0.0, 5.0, 6.0, -3.0])).scale()
    assert scale.tolist() == pytest.approx([4, 0.1, 5, 6, 0.1])
    assert NeuronStatistics(torch.zeros(2)).scale().min() > 0
