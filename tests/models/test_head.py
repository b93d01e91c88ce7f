from types import SimpleNamespace

import pytest
import torch
from torch import nn

from neuroinspect_tui.errors import InputError
from neuroinspect_tui.models.head import capture, locate_head, logits_of

from .zoo import Answering, Backbone, ConvHead, LinearHead, TokenHead, noise, seeded

X = noise(3, 8)


@pytest.mark.parametrize(
    ("build", "name"),
    [
        (LinearHead, "decide"),
        (ConvHead, "out"),
        (TokenHead, "out"),
        (lambda: Answering(lambda y: (y, y * 0)), "inner.decide"),
        (lambda: Answering(lambda y: {"logits": y}), "inner.decide"),
        (lambda: Answering(lambda y: SimpleNamespace(logits=y)), "inner.decide"),
        (lambda: nn.Sequential(Backbone(), nn.AdaptiveAvgPool2d(1), nn.Conv2d(6, 4, 1), nn.Flatten()), "2"),
    ],
)
def test_the_decision_layer_is_found_by_data_flow(build, name):
    """Fault 8 of the published code: it guesses the family from the name."""
    module = seeded(build)
    site = locate_head(module, X)
    assert site.name == name
    with torch.no_grad(), capture(site.layer) as captured:
        logits = logits_of(module(X))
    z = site.features(captured.input)
    assert torch.allclose(z @ site.head.weight.T + site.head.bias, logits, atol=1e-5)
    body = next(part for part in module.modules() if isinstance(part, Backbone))
    assert torch.allclose(z, body(X).mean((2, 3)), atol=1e-6)


def test_a_layer_without_bias_gets_zeros():
    site = locate_head(seeded(lambda: LinearHead(bias=False)), X)
    assert torch.equal(site.head.bias, torch.zeros(4))


class Cosine(nn.Linear):
    def forward(self, x):
        return nn.functional.linear(nn.functional.normalize(x), self.weight)


def with_cosine():
    module = LinearHead()
    module.decide = Cosine(6, 4)
    return module


def with_twin_heads():
    module = LinearHead()
    module.forward = lambda x: (
        (module.decide(module.classifier(x).mean((2, 3))) + module.fc(torch.ones(3, 6))) / 2
    )
    return module


@pytest.mark.parametrize(
    ("build", "reason"),
    [
        (lambda: Answering(lambda y: y.log_softmax(1)), "gives its logits as W·z + b: the last one"),
        (
            lambda: Answering(lambda y: y * 3),
            "gives its logits as W·z + b: the last one, 'inner.decide', does not",
        ),
        (with_twin_heads, "gives its logits as W·z + b: the last one, 'fc', does not"),
        (with_cosine, "layer 'decide' gives the logits, but not as W·z + b within 0.0001"),
        (lambda: nn.Sequential(Backbone(), nn.AdaptiveAvgPool2d(1), nn.Flatten()), "W·z + b: it has none"),
        (lambda: Answering(lambda y: y / 0), "the model's logits are not finite numbers"),
        (
            lambda: Answering(lambda y: y[:, :, None, None]),
            "the model returns shape [3, 4, 1, 1] for 3 images",
        ),
        (lambda: Answering(lambda y: "cat"), "the model returns str"),
    ],
)
def test_other_endings_are_refused_with_the_reason(build, reason):
    module = seeded(build)
    with pytest.raises(InputError) as error:
        locate_head(module, X)
    assert reason in error.value.message and error.value.remedy


def test_tiny_logits_do_not_make_any_layer_pass():
    """A fixed tolerance would take `fc` (not the logits, but as close to zero) for the decision layer."""
    module = seeded(with_twin_heads)
    for layer in (module.decide, module.fc):
        nn.init.constant_(layer.bias, 0)
        layer.weight.data *= 1e-6
    with pytest.raises(InputError):
        locate_head(module, X)


def test_hooks_are_closed_however_it_ends():
    """Fault 8 of the published code: its hooks stay open."""
    module = seeded(LinearHead)
    locate_head(module, X)
    with pytest.raises(ZeroDivisionError), capture(module.decide):
        raise ZeroDivisionError
    with pytest.raises(RuntimeError):
        locate_head(module, torch.ones(2, 5, 8, 8))
    assert all(not part._forward_hooks and not part._forward_pre_hooks for part in module.modules())
