from types import SimpleNamespace

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from neuroinspect_tui.errors import InputError
from neuroinspect_tui.models.decision import capture
from neuroinspect_tui.models.head import locate_head
from neuroinspect_tui.tensors import Head

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
    with torch.no_grad(), capture(site) as captured:
        logits = site.logits_in(module(X))
    z = captured.features()
    assert torch.allclose(z @ site.head.weight.T + site.head.bias, logits, atol=1e-5)
    body = next(part for part in module.modules() if isinstance(part, Backbone))
    assert torch.allclose(z, body(X).mean((2, 3)), atol=1e-6)


def test_a_layer_without_bias_gets_zeros():
    site = locate_head(seeded(lambda: LinearHead(bias=False)), X)
    assert torch.equal(site.head.bias, torch.zeros(4))


class TwinHeads(LinearHead):
    """The mean of two heads on features of their own, as in distilled networks."""

    def forward(self, x):
        found = self.classifier(x)
        return (self.decide(found.mean((2, 3))) + self.fc(found.amax((2, 3)))) / 2


class Pair(LinearHead):
    """Returns what it is told of features z [B,6], a neck as wide as there are classes, and logits."""

    def __init__(self, order):
        super().__init__()
        self.order, self.neck, self.last = order, nn.Linear(6, 4), nn.Linear(4, 4)

    def forward(self, x):
        z = self.classifier(x).mean((2, 3))
        neck = self.neck(z)
        made = {"features": z, "neck": neck, "logits": self.last(F.relu(neck))}
        return tuple(made[name] for name in self.order)


@pytest.mark.parametrize(
    ("answer", "kind", "scale"),
    [
        (lambda y: y * 3, "logits", 3.0),
        (lambda y: y.log_softmax(1), "log-softmax", 1.0),
        (lambda y: (y / 0.7).softmax(1), "softmax", 1 / 0.7),
        (lambda y: y.sigmoid(), "sigmoid", 1.0),
    ],
)
def test_what_follows_the_layer_is_undone(answer, kind, scale):
    module = seeded(lambda: Answering(answer))
    site = locate_head(module, X)
    layer = module.inner.decide
    assert (site.answer, site.name) == (kind, "inner.decide")
    assert site.parts[0].scale == pytest.approx(scale, rel=1e-5)
    assert torch.allclose(site.head.weight, scale * layer.weight, rtol=1e-4)
    with torch.no_grad(), capture(site) as captured:
        output = module(X)
    assert site.gap(output, site.head.logits(captured.features())).max() < 1e-5
    (own,) = site.split(Head(2 * site.head.weight, site.head.bias + 3))
    assert torch.allclose(own.weight, 2 * layer.weight, rtol=1e-4)
    assert torch.allclose(own.bias, layer.bias + 3 / scale, rtol=1e-4)


def test_two_averaged_heads_are_one_on_joined_features():
    module = seeded(TwinHeads)
    site = locate_head(module, X)
    body = module.classifier(X)
    joined = torch.cat([body.mean((2, 3)), body.amax((2, 3))], dim=1)
    with torch.no_grad(), capture(site) as captured:
        logits = module(X)
    assert site.name == "decide + fc"
    assert torch.allclose(captured.features(), joined, atol=1e-6)
    assert torch.allclose(site.head.logits(joined), logits, atol=1e-5)
    new = Head(torch.randn(4, 12, generator=torch.Generator().manual_seed(2)), torch.arange(4.0))
    with torch.no_grad():
        for layer, own in zip((module.decide, module.fc), site.split(new), strict=True):
            layer.weight.copy_(own.weight)
            layer.bias.copy_(own.bias)
        assert torch.allclose(module(X), new.logits(joined), atol=1e-5)


def test_a_head_that_is_asked_twice_reads_the_mean_of_both():
    module = seeded(LinearHead)
    inner = module.forward
    module.forward = lambda x: (inner(x) + inner(x.flip(3) * 2)) / 2
    site = locate_head(module, X)
    with torch.no_grad(), capture(site) as captured:
        logits = module(X)
    assert torch.allclose(site.head.logits(captured.features()), logits, atol=1e-5)


@pytest.mark.parametrize("shape", [(-1, 1), (-1,)])
@pytest.mark.parametrize("sigmoid", [False, True])
def test_one_logit_is_two_classes_with_a_threshold_of_zero(shape, sigmoid):
    module = seeded(lambda: Answering(lambda y: (y.sigmoid() if sigmoid else y).reshape(shape)))
    module.inner.decide = nn.Linear(6, 1)
    module.inner.requires_grad_(False)
    site = locate_head(module, X)
    with capture(site) as captured:
        output = module(X)
    logits = site.head.logits(captured.features())
    assert site.single and site.head.classes == 2 and torch.equal(logits[:, 0], torch.zeros(3))
    positive = output.flatten() > (0.5 if sigmoid else 0)
    assert torch.equal(logits.argmax(1) == 1, positive)
    (own,) = site.split(Head(torch.tensor([[1.0] * 6, [3.0] * 6]), site.head.bias + torch.tensor([1.0, 5.0])))
    assert torch.equal(own.weight, torch.full((1, 6), 2.0))
    assert torch.allclose(own.bias, module.inner.decide.bias + 4)


@pytest.mark.parametrize(
    ("order", "place"),
    [
        (("features", "logits"), 1),
        (("logits", "features"), 0),
        (("neck", "logits"), 1),
        (("logits", "neck"), 0),
    ],
)
def test_of_several_tensors_the_last_that_a_layer_gives_is_the_answer(order, place):
    site = locate_head(seeded(lambda: Pair(order)), X)
    assert (site.path, site.name) == ((place,), "last")


def test_the_number_of_classes_tells_a_projection_from_the_answer():
    class Projecting(LinearHead):
        def forward(self, x):
            z = self.classifier(x).mean((2, 3))
            return self.fc(z), self.decide(z)

    module = seeded(Projecting)
    module.fc = nn.Linear(6, 7)
    assert locate_head(module, X, classes=4).name == "decide"
    assert locate_head(module, X, classes=7).name == "fc"


def test_features_far_from_zero_do_not_hide_the_layer():
    module = seeded(LinearHead)
    module.forward = lambda x: module.decide(module.classifier(x).mean((2, 3)) + 2000)
    assert locate_head(module, X).name == "decide"


@pytest.mark.parametrize(
    ("build", "reason"),
    [
        (
            lambda: Answering(lambda y: y**3),
            "gives its logits as W·z + b: the last one, 'inner.decide', does not",
        ),
        (lambda: Answering(F.relu), "gives its logits as W·z + b: the last one"),
        (lambda: Answering(lambda y: F.relu(y, inplace=True)), "gives its logits as W·z + b: the last one"),
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
    module = seeded(lambda: Answering(lambda y: y**3 * 1e12))
    for layer in (module.inner.decide, module.inner.fc):
        nn.init.constant_(layer.bias, 0)
        layer.weight.data *= 1e-6
    with pytest.raises(InputError):
        locate_head(module, X)


def test_hooks_are_closed_however_it_ends():
    """Fault 8 of the published code: its hooks stay open."""
    module = seeded(LinearHead)
    locate_head(module, X)
    with pytest.raises(ZeroDivisionError), capture(locate_head(module, X)):
        raise ZeroDivisionError
    with pytest.raises(RuntimeError):
        locate_head(module, torch.ones(2, 5, 8, 8))
    assert all(not part._forward_hooks and not part._forward_pre_hooks for part in module.modules())


def test_products_without_a_layer_name_the_tensors_they_are_made_of():
    class Own(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = Backbone()
            self.w, self.b = nn.Parameter(torch.randn(6, 4)), nn.Parameter(torch.randn(4))

        def forward(self, x):
            return torch.addmm(self.b, F.normalize(self.body(x).mean((2, 3))), self.w)

    module = seeded(Own)
    site = locate_head(module, X)
    (part,) = site.parts
    assert (part.layer.stored, part.layer.transposed, part.layer.stored_bias) == ("w", True, "b")
    assert site.head.has_bias and torch.equal(site.head.weight, module.w.T)
    with torch.no_grad(), capture(site) as captured:
        module(X)
    assert torch.allclose(captured.features(), F.normalize(module.body(X).mean((2, 3))))


def test_each_class_may_be_scaled_and_moved():
    scale, shift = torch.tensor([1.0, 2.0, 0.5, 3.0]), torch.tensor([0.1, -5, 0, 2.0])
    module = seeded(lambda: Answering(lambda y: scale * y + shift))
    site, layer = locate_head(module, noise(4, 8)), module.inner.decide
    assert torch.allclose(site.head.weight, scale[:, None] * layer.weight, rtol=1e-3)
    assert torch.allclose(site.head.bias, scale * layer.bias + shift, atol=1e-3)
    (own,) = site.split(Head(2 * site.head.weight, site.head.bias + 3))
    assert torch.allclose(own.weight, 2 * layer.weight, rtol=1e-3)
    assert torch.allclose(own.bias, layer.bias + 3 / scale, rtol=1e-3)


def test_logits_that_bend_are_no_linear_decision():
    with pytest.raises(InputError, match=r"gives its logits as W·z \+ b"):
        locate_head(seeded(lambda: Answering(lambda y: y + 0.2 * y**2)), noise(4, 8))


def test_four_heads_of_two_kinds_are_one_decision():
    """EfficientViM, distilled: a learnt mean over the stages, of two heads each."""

    class Staged(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = Backbone()
            self.heads = nn.ModuleList([nn.Linear(6, 4) for _ in range(8)])
            self.weights = nn.Parameter(torch.randn(4))

        def forward(self, x):
            found = self.body(x)
            stages = [found.mean((2, 3)) ** (1 + k) for k in range(4)]
            share = self.weights.softmax(0) / 2
            return sum(
                share[k % 4] * head(stages[k % 4] + 0.1 * (k > 3)) for k, head in enumerate(self.heads)
            )

    module, images = seeded(Staged), noise(4, 8)
    site = locate_head(module, images)
    assert len(site.parts) == 8 and site.head.neurons == 48
    other = noise(6, 8, seed=5)
    with torch.no_grad(), capture(site) as captured:
        logits = module(other)
    assert torch.allclose(site.head.logits(captured.features()), logits, atol=1e-3)


class FusedStages(LinearHead):
    """Heads on three stages, fused by shares that add up to 1; what two stages say is next to nothing."""

    def __init__(self, tokens=torch.mean):
        super().__init__()
        self.first, self.second = nn.Linear(6, 4), nn.Linear(6, 4, bias=False)
        self.shares = nn.Parameter(torch.tensor([0.3, 0.9, 0.1]))
        self.first.bias.data.zero_()
        self.tokens = tokens

    def forward(self, x):
        found = self.classifier(x).flatten(2).transpose(1, 2)
        still = (found - found.mean(1, keepdim=True)) * 1e-7
        stages = [self.first(still), self.second(still.abs()), self.decide(found)]
        pooled = [self.tokens(stage, 1) for stage in stages]
        return torch.stack(pooled, 2) @ self.shares.softmax(0)


def test_shares_of_stages_that_say_nothing_are_read_from_what_arrives_of_a_change():
    module = seeded(FusedStages)
    site = locate_head(module, X)
    assert site.name == "first + second + decide"
    shares = module.shares.softmax(0)
    joined = torch.cat([module.first.weight, module.second.weight, module.decide.weight], 1)
    expected = joined * shares.repeat_interleave(6)
    assert torch.allclose(site.head.weight, expected, atol=1e-5)
    with torch.no_grad(), capture(site) as captured:
        logits = module(X)
    assert torch.allclose(site.head.logits(captured.features()), logits, atol=1e-5)


def test_the_largest_token_of_each_class_is_no_linear_decision():
    """A change that is the same for all tokens arrives as a whole, and still their mean is not the answer."""
    module = seeded(lambda: FusedStages(lambda stage, dim: stage.amax(dim)))
    with pytest.raises(InputError, match=r"as W·z \+ b"):
        locate_head(module, X)
