"""Image classifiers of transformers, from folders made here: the right numbers beside the library's own."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from neuroinspect_tui.config import ModelConfig, PreprocessConfig
from neuroinspect_tui.data.transforms import resolve_preprocess
from neuroinspect_tui.errors import InputError
from neuroinspect_tui.models.classifier import prepare
from neuroinspect_tui.models.sources import open_model
from neuroinspect_tui.torchvision_compat import import_torchvision

import_torchvision()
transformers = pytest.importorskip("transformers")
CPU = torch.device("cpu")
SMALL = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
NAMES = {0: "ant", 1: "bee", 2: "cat"}


def vit(**options):
    config = transformers.ViTConfig(**SMALL, image_size=32, patch_size=8, id2label=NAMES, **options)
    return transformers.ViTForImageClassification(config)


def convnext():
    config = transformers.ConvNextConfig(hidden_sizes=[4, 4, 8, 8], depths=[1, 1, 1, 1], id2label=NAMES)
    return transformers.ConvNextForImageClassification(config)


def swin():
    options = {"embed_dim": 8, "depths": [1, 1], "num_heads": [1, 2], "window_size": 4}
    config = transformers.SwinConfig(image_size=32, patch_size=4, id2label=NAMES, **options)
    return transformers.SwinForImageClassification(config)


def deit():
    config = transformers.DeiTConfig(**SMALL, image_size=32, patch_size=8, id2label=NAMES)
    return transformers.DeiTForImageClassificationWithTeacher(config)


def dinov2():
    options = {name: value for name, value in SMALL.items() if name != "intermediate_size"}
    config = transformers.Dinov2Config(**options, image_size=32, patch_size=8, id2label=NAMES)
    return transformers.Dinov2ForImageClassification(config)


def siglip():
    vision = {**SMALL, "image_size": 32, "patch_size": 8}
    text = {**SMALL, "vocab_size": 10, "max_position_embeddings": 4}
    config = transformers.SiglipConfig(vision_config=vision, text_config=text, id2label=NAMES)
    return transformers.SiglipForImageClassification(config)


def resnet():
    config = transformers.ResNetConfig(
        embedding_size=4, hidden_sizes=[4, 8], depths=[1, 1], layer_type="basic", id2label=NAMES
    )
    return transformers.ResNetForImageClassification(config)


def timm_wrapper():
    import timm

    inner = timm.create_model("test_resnet", num_classes=3)
    config = transformers.TimmWrapperConfig(
        architecture="test_resnet", pretrained_cfg=inner.pretrained_cfg | {"num_classes": 3}, id2label=NAMES
    )
    return transformers.TimmWrapperForImageClassification(config)


def processor_of(name):
    square = {"height": 32, "width": 32}
    return {
        vit: transformers.ViTImageProcessor(size=square),
        swin: transformers.ViTImageProcessor(size=square, image_mean=[0.4, 0.5, 0.6], resample=3),
        convnext: transformers.ConvNextImageProcessor(size={"shortest_edge": 32}, crop_pct=0.875),
        deit: transformers.DeiTImageProcessor(
            size={"height": 36, "width": 36}, crop_size={"height": 32, "width": 32}
        ),
        dinov2: transformers.BitImageProcessor(
            size={"shortest_edge": 40}, crop_size={"height": 32, "width": 32}
        ),
        siglip: transformers.SiglipImageProcessor(size=square),
        resnet: transformers.ConvNextImageProcessor(size={"shortest_edge": 384}),
        timm_wrapper: None,
    }[name]


FAMILIES = (vit, convnext, swin, deit, dinov2, siglip, resnet, timm_wrapper)
FRAMES = {
    vit: (32, 1.0, "squash"),
    swin: (32, 1.0, "squash"),
    convnext: (32, 0.875, "center"),
    deit: (32, 32 / 36, "squash"),
    dinov2: (32, 0.8, "center"),
    siglip: (32, 1.0, "squash"),
    resnet: (384, 1.0, "squash"),
    timm_wrapper: (160, 0.95, "center"),
}


def made(build, folder):
    torch.manual_seed(0)
    model = build().eval()
    model.save_pretrained(folder)
    processor = processor_of(build)
    if processor is not None:
        processor.save_pretrained(folder)
    return model


def opened(folder, weights=None):
    return open_model(ModelConfig(f"hf:{folder}", None if weights is None else str(weights)))


def photo():
    patches = np.random.default_rng(3).integers(0, 256, (5, 9, 3), np.uint8)
    return Image.fromarray(patches).resize((180, 100), Image.Resampling.BICUBIC)


@pytest.mark.parametrize("build", FAMILIES, ids=lambda build: build.__name__)
def test_a_folder_answers_as_the_library_does(tmp_path, build):
    model = made(build, tmp_path)
    source = opened(tmp_path)
    assert source.class_names == ("ant", "bee", "cat") and source.notes == ()
    facts = source.preprocess
    assert (facts.image_size, facts.crop_mode) == (FRAMES[build][0], FRAMES[build][2])
    assert facts.crop_pct == pytest.approx(FRAMES[build][1])
    side = min(facts.image_size, 64)
    found = prepare(source, 3, side, CPU)
    processor = transformers.AutoImageProcessor.from_pretrained(tmp_path)
    theirs = processor(photo(), return_tensors="pt")["pixel_values"]
    ours = resolve_preprocess(PreprocessConfig(), facts)(photo())[None]
    assert ours.shape == theirs.shape and (ours - theirs).abs().mean() < 0.05
    images = torch.randn(2, 3, side, side)
    with torch.no_grad():
        assert torch.allclose(found.forward(images).logits, model(images).logits, atol=1e-5)
    assert found.forward(images).gap.max() < 1e-4


def test_both_heads_of_a_distilled_network_are_repaired(tmp_path):
    made(deit, tmp_path)
    found = prepare(opened(tmp_path), 3, 32, CPU)
    assert found.head.neurons == 32 and "+" in found.site.name
    head = replace(found.head, weight=-found.head.weight, bias=found.head.bias + 2)
    found.write_repaired(tmp_path / "new", head)
    (tmp_path / "new").replace(tmp_path / "model.safetensors")
    again = transformers.DeiTForImageClassificationWithTeacher.from_pretrained(tmp_path).eval()
    images = torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        expected = head.logits(found.forward(images).features)
        assert torch.allclose(again(images).logits, expected, atol=1e-5)


def test_weights_of_other_classes_and_old_names_fill_the_model(tmp_path):
    made(vit, tmp_path)
    other = vit().eval()
    other.classifier = torch.nn.Linear(16, 5)
    state = {name: tensor.clone() for name, tensor in other.state_dict().items()}
    save_file(state, tmp_path / "w.safetensors")
    source = opened(tmp_path, tmp_path / "w.safetensors")
    assert torch.equal(source.module.classifier.weight, other.classifier.weight)
    assert source.state is not None


def test_a_backbone_alone_is_no_classifier(tmp_path):
    made(vit, tmp_path)
    state = {
        name: tensor for name, tensor in load_file(tmp_path / "model.safetensors").items() if "vit." in name
    }
    save_file(state, tmp_path / "model.safetensors", {"format": "pt"})
    with pytest.raises(
        InputError, match=r"is not a trained classifier: it has no classifier\.bias and 1 more"
    ):
        opened(tmp_path)


def test_a_folder_without_a_model_is_one_line(tmp_path):
    with pytest.raises(InputError) as error:
        opened(tmp_path)
    assert error.value.message == f"-m hf:{tmp_path}: the folder has no config.json"
