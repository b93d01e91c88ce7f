import json

import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import load_file, safe_open

from neuroinspect_tui.config import ModelConfig, ModelPreprocess
from neuroinspect_tui.errors import InputError
from neuroinspect_tui.models.classifier import prepare
from neuroinspect_tui.models.clip import load_clip
from neuroinspect_tui.models.sources import open_model
from neuroinspect_tui.tensors import Head

from .test_clip import CPU, files, images  # noqa: F401  (a fixture)

NAMES = ("water bird", "land bird", "boat")


def test_the_texts_of_the_classes_decide_and_are_repaired_as_a_linear_head(files, tmp_path):  # noqa: F811
    spec = f"{files / 'hub.json'}:{files / 'w.pt'}"
    source = open_model(ModelConfig(f"clip:{spec}"), lambda: NAMES)
    found, clip = prepare(source, 3, 16, CPU), load_clip(spec, CPU)
    assert source.preprocess == ModelPreprocess(16, 1.0, (0.5,) * 3, (0.25,) * 3, "bicubic", "center")
    with torch.no_grad():
        texts = F.normalize(torch.stack([clip.class_embedding(name) for name in NAMES]), dim=1)
        expected = clip._model.logit_scale.exp() * clip.encode_image(images()) @ texts.T
    activations = found.forward((images() - 0.5) / 0.25)
    assert torch.allclose(activations.logits, expected, atol=1e-4)
    assert torch.allclose(activations.features.norm(dim=1), torch.ones(3), atol=1e-5)
    head = Head(found.head.weight + 1, torch.arange(3.0))
    found.write_repaired(tmp_path / "head.safetensors", head)
    written = load_file(tmp_path / "head.safetensors")
    assert torch.equal(written["weight"], head.weight) and torch.equal(written["bias"], head.bias)
    with safe_open(tmp_path / "head.safetensors", "pt") as file:
        metadata = file.metadata()
    assert json.loads(metadata["class_names"]) == list(NAMES) and metadata["model"] == f"clip:{spec}"


def test_without_classes_there_is_nothing_to_tell_apart(files):  # noqa: F811
    with pytest.raises(InputError, match="needs to know its classes: give them with --classes FILE"):
        open_model(ModelConfig(f"clip:{files / 'hub.json'}:{files / 'w.pt'}"))
