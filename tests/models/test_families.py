"""Every family that the product promises, in torchvision and timm, with random weights."""

import copy

import pytest
import torch
from torch import nn

from neuroinspect_tui.models.classifier import prepare
from neuroinspect_tui.models.maps import watch
from neuroinspect_tui.models.sources import ModelSource
from neuroinspect_tui.torchvision_compat import import_torchvision

from .zoo import noise, seeded, timm_model

CPU = torch.device("cpu")
CLASSES = 5


def torchvision_model(name, **options):
    return import_torchvision().models.get_model(name, weights=None, num_classes=CLASSES, **options)


# builder, name, options, image size, decision layer, is z the mean of a map ("mean"), a token, or neither
FAMILIES = {
    "torchvision ResNet": (torchvision_model, "resnet18", {}, 64, "fc", "mean"),
    "torchvision VGG": (torchvision_model, "vgg11", {"init_weights": False}, 64, "classifier.6", "gradient"),
    "torchvision DenseNet": (torchvision_model, "densenet121", {}, 64, "classifier", "mean"),
    "torchvision MobileNetV2": (torchvision_model, "mobilenet_v2", {}, 64, "classifier.1", "mean"),
    "torchvision MobileNetV3": (torchvision_model, "mobilenet_v3_small", {}, 64, "classifier.3", "gradient"),
    "torchvision EfficientNet": (torchvision_model, "efficientnet_b0", {}, 64, "classifier.1", "mean"),
    "torchvision ConvNeXt": (torchvision_model, "convnext_tiny", {}, 64, "classifier.2", "gradient"),
    "torchvision ViT": (torchvision_model, "vit_b_32", {"image_size": 96}, 96, "heads.head", "token"),
    "torchvision Swin": (torchvision_model, "swin_t", {}, 64, "head", "mean"),
    "timm ResNet": (timm_model, "resnet10t", {}, 64, "fc", "mean"),
    "timm VGG": (timm_model, "vgg11", {}, 64, "head.fc", "gradient"),
    "timm DenseNet": (timm_model, "densenet121", {}, 64, "classifier", "mean"),
    "timm MobileNetV2": (timm_model, "mobilenetv2_050", {}, 64, "classifier", "mean"),
    "timm MobileNetV3": (timm_model, "mobilenetv3_small_050", {}, 64, "classifier", "gradient"),
    "timm EfficientNet": (timm_model, "efficientnet_b0", {}, 64, "classifier", "mean"),
    "timm ConvNeXt": (timm_model, "convnext_atto", {}, 64, "head.fc", "gradient"),
    "timm ViT": (timm_model, "vit_tiny_patch16_224", {"img_size": 96}, 96, "head", "token"),
    "timm Swin": (
        timm_model,
        "swin_tiny_patch4_window7_224",
        {"img_size": 64, "window_size": 4, "depths": (1, 1, 1, 1)},
        64,
        "head.fc",
        "mean",
    ),
}


def lived_in(module):
    """Give the batch norms statistics as after training, lest folding them proves nothing."""
    generator = torch.Generator().manual_seed(0)
    for part in module.modules():
        if isinstance(part, nn.BatchNorm2d):
            part.running_mean.normal_(0, 0.1, generator=generator)
            part.running_var.uniform_(0.7, 1.4, generator=generator)
    return module


@pytest.fixture(scope="module", params=FAMILIES, ids=lambda name: name.replace(" ", "-"))
def family(request):
    build, name, options, size, layer, kind = FAMILIES[request.param]
    if build is timm_model:
        options = options | {"num_classes": CLASSES}
    module = lived_in(seeded(lambda: build(name, **options)))
    return prepare(ModelSource(request.param, module), CLASSES, size, CPU), noise(2, size), layer, kind


def without_decision(found):
    """The same network with an identity in the place of its decision layer: it returns z."""
    module = copy.deepcopy(found.module)
    parent, _, last = found.site.name.rpartition(".")
    setattr(module.get_submodule(parent), last, nn.Identity())
    return module


def test_decision_layer_features_and_logits(family):
    found, images, layer, _ = family
    activations = found.forward(images)
    assert found.site.name == layer
    with torch.no_grad():
        assert torch.allclose(activations.logits, found.module(images), atol=1e-4)
        assert torch.allclose(activations.features, without_decision(found)(images), atol=1e-4)
    assert (found.head.logits(activations.features) - activations.logits).abs().max() <= 1e-4


def test_feature_map(family):
    found, images, _, kind = family
    neurons = torch.tensor([1, 7])
    maps, activations = found.maps_and_activations(images, neurons)
    assert maps.shape[:2] == (2, 2) and maps.shape[2] == maps.shape[3] > 1
    expected = activations.features[:, neurons]
    if kind == "mean":
        assert torch.allclose(maps.mean((2, 3)), expected, atol=1e-4)
    elif kind == "token":
        with watch({"end": found.module.get_submodule(found._map.name)}) as outputs:
            found.forward(images)
        patches = outputs.last["end"][:, 1:, neurons].transpose(1, 2)
        assert torch.equal(maps.flatten(2), patches)
    else:
        assert torch.allclose(maps.mean((2, 3)), slopes(found, images, neurons), rtol=0.02, atol=2e-3)


def slopes(found, images, neurons, step=1e-2):
    """d z / d t with the map's module scaled by t, at t = 1, by differences: the mean of a gradient map."""
    part = {"end": found.module.get_submodule(found._map.name)}
    values = []
    for factor in (1 + step, 1 - step):
        with watch(part, lambda output, factor=factor: output * factor):
            values.append(found.forward(images).features[:, neurons])
    return (values[0] - values[1]) / (2 * step)


def test_gradients_of_the_folded_copy(family):
    found, images, _, _ = family
    copied = found.differentiable()
    ours, theirs = images.clone().requires_grad_(), images.clone().requires_grad_()
    weights = torch.linspace(-1, 1, found.head.neurons)
    (copied.forward(ours).features @ weights).sum().backward()
    (without_decision(found)(theirs) @ weights).sum().backward()
    assert ours.grad.abs().max() > 0
    difference = (ours.grad - theirs.grad).norm() / theirs.grad.norm()
    assert difference < 1e-2
    assert all(parameter.grad is None for parameter in copied.module.parameters())
