"""Classifiers as people write them: numbers are plain PyTorch's, repairs load where they came from."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from neuroinspect_tui.config import ModelConfig
from neuroinspect_tui.models.answers import find_answers
from neuroinspect_tui.models.classifier import prepare
from neuroinspect_tui.models.sources import open_model
from tests.models import people
from tests.models.drawn import draw, pixels
from tests.test_batch import neuroinspect

FRAME = ("--image-size", "64", "--crop-pct", "1", "--mean", "0,0,0", "--std", "1,1,1", "--device", "cpu")
SHORT = ("--modes", "0", "--illusions", "0", "--worst", "1", "--neurons", "1")
REPAIRED = (
    *("plain", "bias_free", "fastai_like", "bnneck", "viewing", "two_heads", "ensemble", "no_grad"),
    *("inference_mode", "tuple_last", "tuple_first", "dict_logits", "dict_pred", "nested", "log_softmax"),
    *("softmax", "temperature", "tempered_softmax", "adjusted", "sliced", "subset", "norm_after"),
    *("one_logit", "one_logit_flat", "one_probability", "weight_norm_old", "weight_norm_new", "parametrized"),
    *("unit_input", "zero_shot", "bare", "convolved", "flipped", "offset", "normed", "autocasting", "half"),
    *("data_parallel", "compiled", "averaged", "printing", "needing", "graph", "hidden_layer"),
)
WHOLE_RUNS = (
    *("plain", "bnneck", "viewing", "two_heads", "no_grad", "dict_pred", "tempered_softmax", "adjusted"),
    *("subset", "one_probability", "weight_norm_new", "zero_shot", "autocasting", "data_parallel", "needing"),
)
COMPUTED = ("spectral_norm", "cosine", "cosine_layer")
NO_LAYER = "the last one, 'head', does not: let it return the raw output of its last linear layer"
REFUSED = {
    "scripted": "is a TorchScript module, whose layers cannot be looked into: give the function that builds",
    "traced": "is a TorchScript module, whose layers cannot be looked into: give the function that builds",
    "quantized": "is quantized: its weights are whole numbers, which no gradient moves: give the model as it",
    "convolved_maximum": NO_LAYER,
    "rectified": NO_LAYER.replace("head", "head.0"),
    "dropping": "something in it is drawn: write F.dropout(x, p, training=self.training), and the like",
}


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    """Folders of pictures of four classes and of two."""
    root = tmp_path_factory.mktemp("pictures")
    return {
        classes: draw(root / str(classes), classes, spread=50 if classes == 2 else 25) for classes in (2, 4)
    }


def data_of(name, pictures):
    return pictures[2 if name.startswith("one_") else 4]


def built(name):
    build = getattr(people, name)
    return (build(4, False) if name == "needing" else build()).eval()


def answers(module, images):
    """What plain PyTorch predicts; one number is a logit, or a probability, of the second class."""
    images = images.to(next(module.parameters()).dtype)
    with torch.no_grad():
        found = [tensor.float() for _, tensor in find_answers(module(images), len(images))]
    logits = next(one for one in found if one.dim() == 1 or one.shape[1] in (1, 4))
    if logits.dim() == 2 and logits.shape[1] > 1:
        return logits.argmax(1)
    threshold = 0.5 if bool(((logits > 0) & (logits < 1)).all()) else 0.0
    return (logits.flatten() > threshold).long()


def run(name, data, out, capsys, *options):
    spec = f"{people.__file__}:{name}"
    asked = ("--batch", "-m", spec, "-d", str(data), *FRAME, *SHORT, *options, "-o", str(out))
    return neuroinspect(*asked, capsys=capsys)


def accuracy_of(module, data, split):
    images, labels = pixels(data, split)
    return float((answers(module, images) == labels).double().mean())


def prepared(name):
    source = open_model(ModelConfig(f"{people.__file__}:{name}"), lambda: "abcd")
    return prepare(source, None, 64, torch.device("cpu"))


@pytest.mark.parametrize("name", REPAIRED)
def test_any_head_can_be_written_into_the_users_own_model(name, pictures, tmp_path):
    images, _ = pixels(data_of(name, pictures), "val")
    found = prepared(name)
    z = found.forward(images)
    exact = 0.05 if name in ("autocasting", "half") else 1e-3
    assert torch.equal(z.logits.argmax(1), answers(built(name), images))
    assert torch.allclose(found.head.logits(z.features), z.logits, atol=exact)
    noise = torch.randn(found.head.weight.shape, generator=torch.Generator().manual_seed(0))
    other = replace(found.head, weight=found.head.weight + 0.5 * noise / (1 + z.features.abs().max()))
    if found.head.has_bias:
        other = replace(other, bias=other.bias + torch.linspace(-0.2, 0.2, other.classes))
    found.write_repaired(tmp_path / "repaired.safetensors", other)
    user = built(name)
    user.load_state_dict(load_file(tmp_path / "repaired.safetensors"), strict=True)
    expected = other.logits(z.features)
    sure = expected.sort(dim=1).values.diff(dim=1)[:, -1] > exact
    assert sure.sum() > 0.8 * len(sure) and not torch.equal(expected.argmax(1), z.logits.argmax(1))
    assert torch.equal(answers(user, images)[sure], expected.argmax(1)[sure])


@pytest.mark.parametrize("name", WHOLE_RUNS)
def test_a_whole_run_says_what_plain_pytorch_says(name, pictures, tmp_path, capsys):
    data = data_of(name, pictures)
    code, _, errors = run(name, data, tmp_path / "out", capsys, "--repair", "ridge")
    assert code == 0, errors
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert report["evaluation"]["accuracy"] == pytest.approx(accuracy_of(built(name), data, "val"))
    assert 0.6 < report["evaluation"]["accuracy"] < 1
    (repair,) = report["debugged"][0]["repairs"]
    user = built(name)
    user.load_state_dict(load_file(tmp_path / "out" / repair["weights"]), strict=True)
    after = sum(row["after"] * row["count"] for row in repair["classes"])
    images, labels = pixels(data, "test")
    assert round(after) == int((answers(user, images) == labels).sum())


@pytest.mark.parametrize("name", COMPUTED)
def test_a_computed_weight_is_told_at_once_and_the_rest_runs(name, pictures, tmp_path, capsys):
    code, _, errors = run(name, pictures[4], tmp_path / "out", capsys, "--repair", "ridge")
    assert code == 0, errors
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert report["evaluation"]["accuracy"] == pytest.approx(accuracy_of(built(name), pictures[4], "val"))
    assert report["debugged"][0]["repairs"] == [] and "computed from others" in errors


@pytest.mark.parametrize("name", REFUSED)
def test_where_no_linear_layer_decides_it_is_refused_in_one_line(name, pictures, tmp_path, capsys):
    code, _, errors = run(name, pictures[4], tmp_path / "out", capsys)
    assert code == 2
    assert REFUSED[name] in errors and len(errors.strip().splitlines()) == 1
