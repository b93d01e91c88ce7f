import pytest
import torch
from torch import nn

from neuroinspect_tui.models.folding import folded

from .zoo import Deep, noise, seeded, timm_model


def norms(module):
    return sum(isinstance(part, nn.BatchNorm2d) for part in module.modules())


def test_batch_norms_go_and_the_function_stays():
    module, x = seeded(Deep), noise(4, 12)
    copy = folded(module, noise(2, 12, seed=9))
    assert (norms(module), norms(copy)) == (2, 0)
    with torch.no_grad():
        assert torch.allclose(copy(x), module(x), atol=1e-5)


def test_the_folded_weight_is_the_formula():
    module = seeded(Deep)
    conv, norm = module.features[0], module.features[1]
    copy = folded(module, noise(2, 12)).features[0]
    scale = norm.weight / (norm.running_var + norm.eps).sqrt()
    assert torch.allclose(copy.weight, conv.weight * scale[:, None, None, None], atol=1e-6)
    assert torch.allclose(copy.bias, norm.bias - norm.running_mean * scale, atol=1e-6)


def test_the_original_is_not_touched():
    module = seeded(Deep)
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    folded(module, noise(2, 12))
    after = module.state_dict()
    assert all(torch.equal(after[name], tensor) for name, tensor in before.items())


def test_timm_norms_keep_their_activation():
    module = seeded(lambda: timm_model("mobilenetv2_035", num_classes=5))
    for part in module.modules():
        if isinstance(part, nn.BatchNorm2d):
            nn.init.uniform_(part.running_var, 0.5, 2.0)
    x = noise(2, 32)
    copy = folded(module, x)
    assert norms(module) > 40 and norms(copy) == 0
    with torch.no_grad():
        assert torch.allclose(copy(x), module(x), rtol=1e-3, atol=1e-5)


class TwoReaders(nn.Module):
    """The convolution's output is also read past its batch norm."""

    def __init__(self):
        super().__init__()
        self.conv, self.norm, self.out = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Linear(4, 2)
        nn.init.constant_(self.norm.running_mean, 0.7)

    def forward(self, x):
        y = self.conv(x)
        return self.out((y + self.norm(y)).mean((2, 3)))


class CalledTwice(TwoReaders):
    def forward(self, x):
        return self.out((self.norm(self.conv(x)) + self.norm(self.conv(-x))).mean((2, 3)))


@pytest.mark.parametrize("build", [TwoReaders, CalledTwice])
def test_what_cannot_be_folded_stays_as_it_was(build):
    module, x = seeded(build), noise(2, 8)
    copy = folded(module, x)
    assert copy is not module and norms(copy) == 1
    with torch.no_grad():
        assert torch.equal(copy(x), module(x))
