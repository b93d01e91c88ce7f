import pytest
import torch
from torch import nn

from neuroinspect_tui.models.classifier import prepare
from neuroinspect_tui.models.maps import MapSite, locate_map, reading, watch
from neuroinspect_tui.models.sources import ModelSource

from .zoo import ConvHead, Deep, LinearHead, TokenHead, noise, seeded, timm_model

CPU = torch.device("cpu")
X = noise(3, 12)


def classifier(build, size=12):
    module = seeded(build)
    return prepare(ModelSource("test", module), 4, size, CPU)


def slope_along_the_map(found, name, neuron, step=1e-3):
    """d z_n / d t of the network with the output of module `name` scaled by t, at t = 1, by differences."""
    part = {name: found.module.get_submodule(name)}
    values = []
    for factor in (1 + step, 1 - step):
        with watch(part, lambda output, factor=factor: output * factor):
            values.append(found.forward(X).features[:, neuron])
    return (values[0] - values[1]) / (2 * step)


@pytest.mark.parametrize(
    ("build", "name"), [(LinearHead, "classifier"), (ConvHead, "body"), (TokenHead, "body")]
)
def test_a_pooled_map_is_the_module_output_and_its_mean_is_z(build, name):
    found = classifier(build)
    maps, activations = found.maps_and_activations(X, torch.tensor([4, 1]))
    expected = found.module.get_submodule(name)(X)[:, [4, 1]]
    assert torch.allclose(maps, expected, atol=1e-6)
    assert torch.allclose(maps.mean((2, 3)), activations.features[:, [4, 1]], atol=1e-6)


def test_each_image_may_ask_for_its_own_neurons():
    found = classifier(LinearHead)
    every = found.feature_map(X, torch.arange(6))
    own = found.feature_map(X, torch.tensor([[0, 5], [2, 2], [4, 1]]))
    assert torch.equal(own[1, 0], every[1, 2]) and torch.equal(own[2], every[2, [4, 1]])


def test_behind_a_hidden_layer_the_map_is_gradient_times_activation():
    found = classifier(Deep)
    maps, activations = found.maps_and_activations(X, torch.tensor([0, 3, 6]))
    feature = found.module.features(X)
    hidden = found.module.hidden.weight[[0, 3, 6]]
    open_gate = (activations.features[:, [0, 3, 6]] > 0).float()
    expected = torch.einsum("kc,bchw->bkhw", hidden, feature) * open_gate[..., None, None]
    assert torch.allclose(maps, expected, atol=1e-5)
    assert open_gate.sum() > 0


@pytest.mark.parametrize("neuron", [0, 3, 6])
def test_the_mean_of_a_gradient_map_is_the_slope_along_the_map(neuron):
    found = classifier(Deep)
    maps = found.feature_map(X, torch.tensor([neuron]))
    assert torch.allclose(maps.mean((1, 2, 3)), slope_along_the_map(found, "features", neuron), atol=1e-3)


def test_a_class_token_gives_the_patch_tokens_after_the_last_norm():
    """Fault 8 of the published code: it reads the class token before the final norm."""
    found = prepare(ModelSource("vit", seeded(lambda: timm_model("test_vit", num_classes=4))), 4, 160, CPU)
    images = noise(2, 160)
    maps, activations = found.maps_and_activations(images, torch.tensor([0, 9]))
    tokens = found.module.forward_features(images)
    assert torch.allclose(activations.features, tokens[:, 0], atol=1e-5)
    assert torch.allclose(maps[1, 1], tokens[1, 1:, 9].reshape(10, 10), atol=1e-5)


def test_channels_last_maps_are_turned():
    class Last(nn.Module):
        def __init__(self):
            super().__init__()
            self.body, self.turn, self.out = nn.Conv2d(3, 6, 3), nn.Identity(), nn.Linear(6, 4)

        def forward(self, x):
            return self.out(self.turn(self.body(x).relu().permute(0, 2, 3, 1)).mean((1, 2)))

    found = classifier(Last)
    expected = found.module.body(X).relu()[:, [5]]
    assert torch.allclose(found.feature_map(X, torch.tensor([5])), expected, atol=1e-6)


def test_without_anything_spatial_the_map_is_flat():
    class Flat(nn.Module):
        def __init__(self):
            super().__init__()
            self.out = nn.Linear(3 * 144, 4)

        def forward(self, x):
            return self.out(x.flatten(1))

    found = classifier(Flat)
    assert torch.equal(found.feature_map(X, torch.tensor([5, 6])), torch.zeros(3, 2, 1, 1))


def test_maps_leave_no_hook_and_no_gradient_behind():
    found = classifier(Deep)
    maps = found.feature_map(X, torch.tensor([1]))
    assert not maps.requires_grad
    assert all(not part._forward_hooks and not part._forward_pre_hooks for part in found.module.modules())
    assert all(parameter.grad is None for parameter in found.module.parameters())


def test_readings():
    z = torch.tensor([[1.0, 2.0], [3.0, 5.0]])
    spread = torch.tensor([[0.5, 1.5], [1.0, 1.0]])
    first = torch.stack([z, z], 2)[..., None] * spread[0].view(1, 1, 2, 1)
    tokens = torch.stack([z, z * 7, z * 2], 1)
    for output in (z, first, first.permute(0, 2, 3, 1), tokens):
        read = reading(output, z)
        assert read is not None and torch.allclose(read(output), z)
    assert reading(z + 1, z) is None
    assert reading(first[:, :1], z) is None


def test_the_latest_of_several_maps_wins():
    module = seeded(
        lambda: nn.Sequential(nn.Conv2d(3, 4, 3), nn.Identity(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    )
    assert locate_map(module, lambda: module(X)) == MapSite("1", "channels first", True)
