"""Inception and GoogLeNet: their weights see pixels as TensorFlow's originals did, with or without side heads."""

import pytest
import torch

from neuroinspect_tui.config import ModelConfig
from neuroinspect_tui.models.classifier import prepare
from neuroinspect_tui.models.sources import open_model
from neuroinspect_tui.torchvision_compat import import_torchvision


@pytest.mark.slow
@pytest.mark.parametrize("auxiliary", [True, False])
def test_googlenet_reads_images_as_its_weights_did(tmp_path, auxiliary):
    options = {"aux_logits": auxiliary, "init_weights": False, "num_classes": 3, "transform_input": True}
    torch.manual_seed(0)
    module = import_torchvision().models.googlenet(weights=None, **options).eval()
    torch.save(module.state_dict(), tmp_path / "w.pt")
    source = open_model(ModelConfig("torchvision:googlenet", str(tmp_path / "w.pt")))
    assert source.module.transform_input and len(source.notes) == 1
    assert source.notes[0].startswith("-m torchvision:googlenet: transform_input is on, as in the published ")
    images = torch.randn(2, 3, 64, 64)
    found = prepare(source, 3, 64, torch.device("cpu"))
    with torch.no_grad():
        assert torch.allclose(found.forward(images).logits, module(images), atol=1e-5)


def test_a_vision_transformer_takes_the_image_size_of_its_weights(tmp_path):
    import timm

    module = timm.create_model("test_vit", img_size=96, num_classes=4, in_chans=1).eval()
    torch.save({"state_dict": module.state_dict()}, tmp_path / "w.pt")
    source = open_model(ModelConfig("timm:test_vit", str(tmp_path / "w.pt")))
    assert (source.preprocess.image_size, source.channels) == (96, 1)
    images = torch.randn(2, 1, 96, 96)
    with torch.no_grad():
        assert torch.allclose(source.module.eval()(images), module(images), atol=1e-5)
