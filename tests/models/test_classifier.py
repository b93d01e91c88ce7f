import copy
from dataclasses import replace
from pathlib import Path

import pytest
import safetensors.torch
import torch
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm, weight_norm

from neuroinspect_tui.config import ModelConfig, PreprocessConfig
from neuroinspect_tui.errors import InputError
from neuroinspect_tui.models.classifier import load_classifier, prepare
from neuroinspect_tui.models.fitting import load_into
from neuroinspect_tui.models.sources import ModelSource
from neuroinspect_tui.models.weights import read_state_dict, tensor_hash
from neuroinspect_tui.tensors import Head

from .zoo import ConvHead, Deep, LinearHead, noise, seeded

CPU = torch.device("cpu")
X = noise(5, 12)


def classifier(build, classes=4, state=None, dtype=torch.float32):
    return prepare(ModelSource("mine.py:net", seeded(build), state=state), classes, 12, CPU, dtype)


def test_forward_gives_what_the_module_gives():
    module = seeded(Deep)
    with torch.no_grad():
        logits = module(X)
        features = module.hidden(module.features(X).mean((2, 3))).relu()
    found = classifier(Deep).forward(X)
    assert torch.allclose(found.logits, logits, atol=1e-6)
    assert torch.allclose(found.features, features, atol=1e-6)


def test_the_module_is_frozen_in_eval_mode_and_channels_last():
    """Fault 7 of the published code: gradients of the whole network are computed and kept."""
    found = prepare(ModelSource("net", seeded(Deep).train()), 4, 12, CPU)
    assert not found.module.training and not any(p.requires_grad for p in found.module.parameters())
    assert found.module.features[3].weight.is_contiguous(memory_format=torch.channels_last)
    assert found.parameters == sum(p.numel() for p in seeded(Deep).parameters())


def test_batch_norm_statistics_do_not_drift():
    """Fault 9 of the published code: the "untouched" backbone drifts in training mode."""
    found = classifier(Deep)
    before = {name: tensor_hash(tensor) for name, tensor in found.module.state_dict().items()}
    images = X.clone().requires_grad_()
    found.forward(images).logits.sum().backward()
    found.feature_map(X, torch.tensor([0]))
    assert {name: tensor_hash(tensor) for name, tensor in found.module.state_dict().items()} == before


@pytest.mark.parametrize("size", [1, 2, 4])
def test_the_batch_size_does_not_matter(size):
    found = classifier(Deep)
    parts = [found.forward(part) for part in X.split(size)]
    assert torch.allclose(torch.cat([part.logits for part in parts]), found.forward(X).logits, atol=1e-5)


def test_only_images_with_a_gradient_get_a_graph():
    found = classifier(Deep)
    assert not found.forward(X).logits.requires_grad
    images = X.clone().requires_grad_()
    (ours,) = torch.autograd.grad(found.forward(images).logits[:, 1].sum(), images)
    (theirs,) = torch.autograd.grad(seeded(Deep)(images)[:, 1].sum(), images)
    assert torch.allclose(ours, theirs, atol=1e-6)
    assert all(parameter.grad is None for parameter in found.module.parameters())


def test_half_precision_logits_are_exact_in_the_features():
    found = classifier(Deep, dtype=torch.bfloat16).forward(X)
    head = classifier(Deep).head
    assert found.features.dtype == found.logits.dtype == torch.float32
    assert torch.equal(found.logits, head.logits(found.features))
    assert torch.allclose(found.logits, classifier(Deep).forward(X).logits, atol=0.05)


def test_the_differentiable_copy_agrees_and_is_folded():
    found = classifier(Deep)
    copied = found.differentiable()
    assert not any(isinstance(part, nn.BatchNorm2d) for part in copied.module.modules())
    images, again = X.clone().requires_grad_(), X.clone().requires_grad_()
    ours, theirs = copied.forward(images), found.forward(again)
    assert torch.allclose(ours.logits, theirs.logits, atol=1e-5)
    assert torch.allclose(ours.features, theirs.features, atol=1e-5)
    assert torch.allclose(ours.drive, theirs.drive, atol=1e-5)
    ours.logits.sum().backward()
    theirs.logits.sum().backward()
    assert torch.allclose(images.grad, again.grad, atol=1e-5)
    neurons = torch.tensor([0, 3])
    assert torch.allclose(copied.feature_map(X, neurons), found.feature_map(X, neurons), atol=1e-5)


@pytest.mark.parametrize(
    ("build", "classes", "line"),
    [
        (
            Deep,
            7,
            "-m mine.py:net has 4 outputs, the data 7 classes: pass -w FILE trained on these classes, ",
        ),
        (
            lambda: nn.Sequential(nn.Flatten(), nn.Linear(5, 4)),
            4,
            "-m mine.py:net does not run on images of 12 pixels: mat1 and mat2 shapes",
        ),
        (
            lambda: nn.Conv2d(3, 4, 1),
            4,
            "-m mine.py:net: the model returns shape [4, 4, 12, 12] for 4 images: ",
        ),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(build, classes, line):
    with pytest.raises(InputError) as error:
        classifier(build, classes)
    assert str(error.value).startswith(line) and error.value.remedy


def test_running_out_of_memory_is_not_bad_input():
    class Greedy(LinearHead):
        def forward(self, x):
            raise torch.OutOfMemoryError("CUDA out of memory")

    with pytest.raises(torch.OutOfMemoryError):
        classifier(Greedy)


def test_the_fingerprint_tells_weights_and_architectures_apart():
    def padded():
        module = Deep()
        module.features[0].padding = (1, 1)
        return module

    def nudged():
        module = Deep()
        module.features[1].running_mean[0] += 1e-3
        return module

    prints = [classifier(build).fingerprint() for build in (Deep, Deep, padded, nudged)]
    assert prints[0] == prints[1] and len(set(prints)) == 3


def new_head(found):
    return Head(found.head.weight * 2 + 1, found.head.bias - 3)


def saved(tmp_path, module, **wrapping):
    """Write the module's weights as fp16 with a wrapper, a prefix and other entries; return what was read."""
    state = {
        "module." + name: t.half() if t.is_floating_point() else t for name, t in module.state_dict().items()
    }
    torch.save({"state_dict": state, "epoch": 4, **wrapping}, tmp_path / "w.pt")
    return load_into(module, read_state_dict(tmp_path / "w.pt"))


@pytest.mark.parametrize(("build", "layer"), [(Deep, "out"), (ConvHead, "out"), (LinearHead, "decide")])
def test_a_repaired_file_differs_in_the_two_tensors_of_the_decision_layer(tmp_path, build, layer):
    found = classifier(build, state=saved(tmp_path, seeded(build)))
    head = new_head(found)
    found.write_repaired(tmp_path / f"new{found.weights_suffix}", head)
    old = torch.load(tmp_path / "w.pt", weights_only=True)
    new = torch.load(tmp_path / "new.pt", weights_only=True)
    assert new["epoch"] == 4 and list(new["state_dict"]) == list(old["state_dict"])
    hashes = [{name: tensor_hash(t) for name, t in file["state_dict"].items()} for file in (old, new)]
    changed = [name for name in hashes[0] if hashes[0][name] != hashes[1][name]]
    assert changed == [f"module.{layer}.weight", f"module.{layer}.bias"]
    module = seeded(build)
    load_into(module, read_state_dict(tmp_path / "new.pt"))
    again = prepare(ModelSource("again", module), 4, 12, CPU)
    assert torch.equal(again.head.weight, head.weight.half().float())
    assert torch.equal(again.head.bias, head.bias.half().float())


def test_the_same_head_gives_back_the_same_bits(tmp_path):
    state = saved(tmp_path, seeded(Deep))
    module = seeded(Deep)
    load_into(module, state)
    found = prepare(ModelSource("net", module, state=state), 4, 12, CPU)
    repaired = found.repaired_state(found.head)
    assert {n: tensor_hash(t) for n, t in repaired.items()} == {
        n: tensor_hash(t) for n, t in state.tensors.items()
    }


def test_without_a_file_the_repaired_weights_are_safetensors_by_the_modules_names(tmp_path):
    found = classifier(Deep)
    head = new_head(found)
    found.write_repaired(tmp_path / f"new{found.weights_suffix}", head)
    new = safetensors.torch.load_file(tmp_path / "new.safetensors")
    module = seeded(Deep)
    module.load_state_dict(new)
    expected = seeded(Deep)
    with torch.no_grad():
        expected.out.weight.copy_(head.weight)
        expected.out.bias.copy_(head.bias)
        assert torch.equal(module(X), expected(X))


def test_a_second_name_of_the_decision_layer_is_changed_too():
    def twice():
        module = Deep()
        module.alias = module.out
        return module

    found = classifier(twice)
    repaired = found.repaired_state(new_head(found))
    assert torch.equal(repaired["alias.weight"], repaired["out.weight"])
    assert torch.equal(repaired["out.bias"], new_head(found).bias)


def test_a_layer_without_bias_is_repaired_without_one():
    found = classifier(lambda: LinearHead(bias=False))
    assert not found.head.has_bias
    repaired = found.repaired_state(replace(found.head, weight=found.head.weight + 1))
    assert repaired.keys() == found.module.state_dict().keys()
    assert torch.equal(repaired["decide.weight"], found.head.weight + 1)
    with pytest.raises(InputError, match="layer 'decide' has no bias to change"):
        found.repaired_state(replace(found.head, bias=torch.ones(4)))


def parametrised(change):
    def build():
        module = LinearHead()
        change(module.decide)
        return module

    return build


@pytest.mark.parametrize("change", [weight_norm, torch.nn.utils.weight_norm])
def test_a_computed_weight_is_written_as_what_it_is_computed_from(change):
    found = classifier(parametrised(change))
    head = new_head(found)
    again = seeded(parametrised(change))
    again.load_state_dict(found.repaired_state(head))
    with torch.no_grad():
        expected = head.logits(found.forward(X).features)
        assert torch.allclose(again(X), expected, atol=1e-4)


@pytest.mark.parametrize("change", [spectral_norm, torch.nn.utils.spectral_norm])
def test_a_weight_that_no_tensors_could_make_is_told_before_any_work(change):
    found = classifier(parametrised(change))
    assert found.unrepairable == "the weight of layer 'decide' is computed from others"
    with pytest.raises(InputError, match=r"the weight of layer 'decide' is computed from others"):
        found.repaired_state(found.head)


def test_a_file_of_another_type_and_place_loads_end_to_end(tmp_path):
    code = tmp_path / "net.py"
    code.write_text(
        f"import sys\nsys.path.insert(0, {str(Path.cwd())!r})\nfrom tests.models.zoo import Deep\n"
    )
    weights = copy.deepcopy(seeded(Deep, seed=8).state_dict())
    torch.save({"net": weights}, tmp_path / "w.pth")
    found = load_classifier(
        ModelConfig(f"{code}:Deep", str(tmp_path / "w.pth")), PreprocessConfig(image_size=12), 4, CPU
    )
    with torch.no_grad():
        assert torch.allclose(found.forward(X).logits, seeded(Deep, seed=8)(X), atol=1e-6)
    assert found.image_size == 12


@pytest.mark.parametrize(
    ("spec", "weights", "classes", "layer", "width"),
    [
        ("resnet20", "patch_cat/model_cifar_resnet20", 10, "fc", 64),
        ("resnet20_two", "tint_birdplane/model_cifar_resnet20", 2, "fc", 64),
        ("resnet10t_two", "tint_birdplane/model_resnet10t", 2, "network.fc", 512),
        ("resnet56", "cifar10_jpeg/model_cifar_resnet56", 10, "fc", 64),
    ],
)
def test_the_real_classifiers_load(real: Path, spec, weights, classes, layer, width):
    config = ModelConfig(f"{real / 'models.py'}:{spec}", str(real / f"{weights}.safetensors"))
    found = load_classifier(config, PreprocessConfig(image_size=32), classes, CPU)
    assert (found.site.name, found.head.neurons, found.head.classes) == (layer, width, classes)
    images = noise(4, 32)
    maps, activations = found.maps_and_activations(images, torch.arange(width))
    assert torch.allclose(maps.mean((2, 3)), activations.features, atol=1e-5)
    copied = found.differentiable().forward(images)
    assert torch.allclose(copied.logits, activations.logits, atol=1e-3)
    repaired = found.repaired_state(found.head)
    original = safetensors.torch.load_file(real / f"{weights}.safetensors")
    assert {n: tensor_hash(t) for n, t in repaired.items()} == {
        n: tensor_hash(t) for n, t in original.items()
    }


def test_forward_works_in_inference_mode():
    found = classifier(Deep)
    with torch.inference_mode():
        assert torch.equal(found.forward(X).logits, found.forward(X.clone()).logits)
    assert torch.allclose(found.forward(X).logits, seeded(Deep)(X), atol=1e-6)
