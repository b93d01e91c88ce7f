import pytest
import torch
import torch.nn.functional as F
from torch import nn

from neuroinspect_tui.models.classifier import prepare
from neuroinspect_tui.models.sources import ModelSource

from .zoo import Deep, LinearHead, noise, seeded, timm_model

CPU = torch.device("cpu")


class Rectified(nn.Module):
    """conv → `rectify` → mean → linear, the bias so low that most neurons are silent."""

    def __init__(self, rectify):
        super().__init__()
        self.conv, self.rectify, self.out = nn.Conv2d(3, 6, 3), rectify, nn.Linear(6, 4)
        nn.init.constant_(self.conv.bias, -9.0)
        self.conv.bias.data[0] = 1.0

    def forward(self, x):
        return self.out(self.rectify(self.conv(x)).mean((2, 3)))


def drawn(module, size=8):
    found = prepare(ModelSource("test", module), 4, size, CPU)
    images = noise(2, size).requires_grad_()
    return images, found.forward(images)


@pytest.mark.parametrize(
    "rectify",
    [
        F.relu,
        torch.relu,
        torch.relu_,
        F.relu6,
        nn.ReLU(),
        nn.ReLU(inplace=True),
        nn.ReLU6(inplace=True),
        torch.Tensor.relu_,
    ],
    ids=[
        "F.relu",
        "torch.relu",
        "torch.relu_",
        "F.relu6",
        "ReLU",
        "ReLU inplace",
        "ReLU6 inplace",
        "Tensor.relu_",
    ],
)
def test_a_silent_neuron_has_a_drive_with_a_gradient(rectify):
    module = seeded(lambda: Rectified(rectify))
    images, found = drawn(module)
    assert torch.equal(found.features[:, 1], torch.zeros(2)) and (found.features[:, 0] > 0).all()
    assert torch.allclose(found.drive, module.conv(images).mean((2, 3)), atol=1e-5)
    (silent,) = torch.autograd.grad(found.features[:, 1].sum(), images, retain_graph=True)
    (driven,) = torch.autograd.grad(found.drive[:, 1].sum(), images)
    assert silent.abs().sum() == 0 and driven.abs().sum() > 0


def test_features_and_logits_are_those_of_a_plain_forward():
    module = seeded(lambda: Rectified(nn.ReLU(inplace=True)))
    images, found = drawn(module)
    assert torch.allclose(found.logits, module(images), atol=1e-6)
    assert torch.allclose(found.features, module.conv(images).relu().mean((2, 3)), atol=1e-6)


def test_the_drive_of_a_hidden_layer():
    module = seeded(Deep)
    images, found = drawn(module, 12)
    expected = module.hidden(module.features(images).mean((2, 3)))
    assert torch.allclose(found.drive, expected, atol=1e-5)
    assert torch.allclose(found.features, expected.relu(), atol=1e-5)


def test_without_a_rectifier_the_drive_is_z():
    _, found = drawn(seeded(lambda: timm_model("test_vit", num_classes=4)), 160)
    assert torch.equal(found.drive, found.features)


def test_without_a_gradient_the_drive_is_z():
    found = prepare(ModelSource("test", seeded(LinearHead)), 4, 8, CPU).forward(noise(2, 8))
    assert torch.equal(found.drive, found.features) and not found.features.requires_grad
