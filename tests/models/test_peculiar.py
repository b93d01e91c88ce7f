"""Models as people have them, that a plain network is not: each runs, or is refused with the reason."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from neuroinspect_tui.errors import InputError
from neuroinspect_tui.models.classifier import prepare
from neuroinspect_tui.models.sources import ModelSource

from .zoo import Backbone, LinearHead, noise, seeded

CPU = torch.device("cpu")
X = noise(5, 8)


class Probe(nn.Module):
    """A linear probe on a frozen backbone; `frozen` is how tutorials freeze it."""

    def __init__(self, frozen="no_grad"):
        super().__init__()
        self.backbone, self.head, self.frozen = Backbone(), nn.Linear(6, 4), frozen

    def features(self, x):
        return self.backbone(x).mean((2, 3))

    def forward(self, x):
        if self.frozen == "detach":
            return self.head(self.features(x).detach())
        if self.frozen == "numpy":
            return self.head(torch.from_numpy(self.features(x).detach().numpy()))
        if self.frozen == "no_grad":
            with torch.no_grad():
                z = self.features(x)
            return self.head(z)
        return self.head(self.features(x))


class InferenceProbe(Probe):
    @torch.inference_mode()
    def forward(self, x):
        return self.head(self.features(x))


class NoGradProbe(Probe):
    @torch.no_grad()
    def forward(self, x):
        return self.head(self.features(x))


class Dropping(Probe):
    def forward(self, x):
        return self.head(F.dropout(self.features(x), 0.5))


class Viewing(nn.Module):
    """Reads the map as a row of numbers, which no channels-last tensor allows."""

    def __init__(self):
        super().__init__()
        self.backbone, self.head = Backbone(), nn.Linear(6 * 16, 4)
        self.register_buffer("relative", torch.zeros(1, 2, 3, 4, 5))

    def forward(self, x):
        return self.head(self.backbone(x).view(len(x), -1))


class Autocasting(Probe):
    def forward(self, x):
        with torch.autocast("cpu", torch.bfloat16):
            return self.head(self.features(x))


class Gated(LinearHead):
    """Decides by W·z + b on dark images alone."""

    def forward(self, x):
        logits = super().forward(x)
        return torch.where((x.mean((1, 2, 3)) > 5)[:, None], logits.flip(1), logits)


def prepared(build, classes=4):
    return prepare(ModelSource("mine.py:net", seeded(build)), classes, 8, CPU)


def plain(build, images):
    with torch.no_grad():
        return seeded(build)(images)


@pytest.mark.parametrize(
    "build",
    [Probe, lambda: Probe("detach"), InferenceProbe, NoGradProbe],
    ids=["with", "detach", "mode", "all"],
)
def test_gradients_go_through_a_frozen_backbone(build):
    found = prepared(build)
    assert found.unfrozen and found.differentiable_through and found.notes == ()
    assert torch.allclose(found.forward(X).logits, plain(build, X), atol=1e-6)
    weights = torch.linspace(-1, 1, 6)
    ours, theirs = X.clone().requires_grad_(), X.clone().requires_grad_()
    activations = found.differentiable().forward(ours)
    (gradient,) = torch.autograd.grad((activations.features @ weights).sum(), ours)
    (expected,) = torch.autograd.grad(
        (seeded(lambda: Probe("never")).features(theirs) @ weights).sum(), theirs
    )
    assert torch.allclose(gradient, expected, atol=1e-6) and gradient.any()
    maps = found.feature_map(X, torch.tensor([1, 4]))
    assert torch.allclose(maps.mean((2, 3)), found.forward(X).features[:, [1, 4]], atol=1e-6)


def test_where_no_gradient_can_pass_the_rest_still_runs():
    found = prepared(lambda: Probe("numpy"))
    assert not found.differentiable_through
    assert found.notes == (
        "no gradient reaches the image in this model: no illusions, and maps only where they are read off",
    )
    assert torch.allclose(found.forward(X).logits, plain(lambda: Probe("never"), X), atol=1e-6)
    assert found.feature_map(X, torch.tensor([2])).shape == (5, 1, 4, 4)


def test_answers_that_are_drawn_anew_are_refused():
    with pytest.raises(InputError) as error:
        prepared(Dropping)
    assert error.value.message.startswith("-m mine.py:net: two passes over the same images differ by up to")
    assert error.value.remedy == "write F.dropout(x, p, training=self.training), and the like"


def test_channels_last_only_where_the_model_runs_in_it():
    found = prepared(Viewing)
    assert found.memory_format == torch.contiguous_format
    assert torch.equal(found.forward(X).logits, plain(Viewing, X))
    assert found.module.backbone.conv.weight.is_contiguous()
    assert prepared(LinearHead).memory_format == torch.channels_last


def test_autocast_in_the_model_itself_is_told():
    found = prepared(Autocasting)
    assert found.notes == ("the model's own forward computes in bfloat16 (autocast): logits are that coarse",)
    assert torch.equal(found.forward(X).logits, plain(Autocasting, X).float())


def test_the_gap_tells_where_the_layer_is_not_the_decision():
    found = prepared(Gated)
    assert found.forward(X).gap.max() < 1e-5
    assert found.forward(X + 10).gap.max() > 0.1


@pytest.mark.parametrize("channels", [1, 4])
def test_models_of_other_channels(channels):
    class Grey(nn.Sequential):
        def __init__(self):
            super().__init__(
                nn.Conv2d(channels, 5, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(5, 4)
            )

    found = prepare(ModelSource("grey", seeded(Grey), channels=channels), 4, 8, CPU)
    images = torch.rand(2, channels, 8, 8)
    assert torch.allclose(found.forward(images).logits, plain(Grey, images), atol=1e-6)
