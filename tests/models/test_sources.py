import sys
from pathlib import Path

import pytest
import torch

from neuroinspect_tui.config import ModelConfig, ModelPreprocess
from neuroinspect_tui.errors import InputError
from neuroinspect_tui.models.sources import open_model

from .zoo import timm_model

CODE = """
from torch import nn
import neighbour

def plain():
    return nn.Linear(neighbour.WIDTH, 3)

def sized(num_classes):
    return nn.Linear(2, num_classes)

def text():
    return "not a module"

def broken():
    raise ValueError("two\\nlines")

class Net(nn.Linear):
    def __init__(self):
        super().__init__(6, 2)

ready = nn.Linear(7, 2)
"""


@pytest.fixture
def code(tmp_path):
    (tmp_path / "neighbour.py").write_text("WIDTH = 5\n")
    path = tmp_path / "mine.py"
    path.write_text(CODE)
    yield path
    sys.modules.pop("neighbour", None)


def opened(spec, weights=None, classes=3, **options):
    config = ModelConfig(str(spec), None if weights is None else str(weights), **options)
    return open_model(config, lambda: [str(index) for index in range(classes)])


@pytest.mark.parametrize(
    ("name", "shape"), [("plain", (3, 5)), ("sized", (3, 2)), ("Net", (2, 6)), ("ready", (2, 7))]
)
def test_a_callable_in_a_file(code, name, shape):
    source = opened(f"{code}:{name}")
    assert tuple(source.module.weight.shape) == shape
    assert (source.preprocess, source.state) == (None, None)
    assert str(code.parent) not in sys.path


def test_a_callable_in_a_package():
    source = opened("neuroinspect_tui.demo.network:demo_resnet")
    assert type(source.module).__name__ == "DemoResNet"


def test_untrained_parameters_are_the_same_in_every_run_and_the_global_seed_is_left_alone(code):
    torch.manual_seed(5)
    first = opened(f"{code}:plain").module.weight
    drawn = torch.rand(1)
    torch.manual_seed(6)
    assert torch.equal(opened(f"{code}:plain").module.weight, first)
    torch.manual_seed(5)
    assert torch.equal(torch.rand(1), drawn)


@pytest.mark.parametrize(
    ("spec", "line"),
    [
        ("resnet18", "-m 'resnet18' names no model: use torchvision:NAME, timm:NAME, "),
        ("torchvision:", "-m 'torchvision:' names no model: use torchvision:NAME"),
        (
            "torchvision:resnet81",
            '-m torchvision:resnet81 is not a torchvision model: did you mean "resnet18"?',
        ),
        ("timm:resnet10tt", '-m timm:resnet10tt is not a timm model: did you mean "resnet10t"?'),
        (
            "torchvision:fasterrcnn_resnet50_fpn",
            "-m torchvision:fasterrcnn_resnet50_fpn is not a torchvision",
        ),
        ("no/such.py:f", "-m no/such.py:f: there is no file no/such.py: use torchvision:NAME"),
        ("no.such:f", "-m no.such:f: there is no module 'no': use torchvision:NAME"),
        ("torch.nn:Linaer", "-m torch.nn:Linaer: torch.nn has no 'Linaer': did you mean \"Linear\"?"),
    ],
)
def test_an_unknown_model_is_one_line(spec, line):
    with pytest.raises(InputError) as error:
        opened(spec)
    assert str(error.value).startswith(line)


def test_errors_of_the_users_code_are_one_line(code):
    expected = {
        "text": f"-m {code}:text returned str: return a torch.nn.Module",
        "broken": f"-m {code}:broken failed: ValueError: two lines: call it in Python to see where",
        "plan": f"-m {code}:plan: {code} has no 'plan': did you mean \"plain\"?",
    }
    for name, line in expected.items():
        with pytest.raises(InputError) as error:
            opened(f"{code}:{name}")
        assert str(error.value) == line
    (code.parent / "wrong.py").write_text("import no_such_thing\n")
    with pytest.raises(InputError, match=r"failed: ModuleNotFoundError: No module named 'no_such_thing'"):
        opened(f"{code.parent / 'wrong.py'}:f")


def test_weights_fill_the_module(code, tmp_path):
    state = {"weight": torch.full((3, 5), 2.0), "bias": torch.ones(3)}
    torch.save({"model": state}, tmp_path / "w.pt")
    source = opened(f"{code}:plain", tmp_path / "w.pt")
    assert torch.equal(source.module.weight, state["weight"])
    assert source.state is not None and source.state.chosen.wrapper == ("model",)


def test_a_trusted_pickle_may_use_the_classes_beside_the_model_file(code, tmp_path):
    """It was pickled where `mine` was importable; it is again, as the model's folder is."""
    sys.path.insert(0, str(code.parent))
    try:
        from mine import Net

        torch.save(Net(), tmp_path / "w.pt")
    finally:
        sys.path.remove(str(code.parent))
        sys.modules.pop("mine")
    with pytest.raises(InputError, match=r"asks for mine\.Net"):
        opened(f"{code}:Net", tmp_path / "w.pt")
    assert opened(f"{code}:Net", tmp_path / "w.pt", trust_pickle=True).state is not None
    sys.modules.pop("mine", None)


def test_torchvision_gets_the_number_of_classes_and_the_usual_preprocessing(tmp_path):
    from neuroinspect_tui.torchvision_compat import import_torchvision

    module = import_torchvision().models.get_model("mobilenet_v3_small", weights=None, num_classes=5)
    torch.save({"module." + name: tensor for name, tensor in module.state_dict().items()}, tmp_path / "w.pt")
    source = opened("torchvision:mobilenet_v3_small", tmp_path / "w.pt", classes=5)
    assert torch.equal(source.module.classifier[3].weight, module.classifier[3].weight)
    assert source.preprocess == ModelPreprocess(
        224, 0.875, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225), "bilinear", None
    )


def test_timm_gets_the_number_of_classes_and_its_own_preprocessing(tmp_path):
    module = timm_model("test_vit", num_classes=5)
    torch.save(module.state_dict(), tmp_path / "w.pt")
    source = opened("timm:test_vit", tmp_path / "w.pt", classes=5)
    assert torch.equal(source.module.head.weight, module.head.weight)
    assert source.preprocess == ModelPreprocess(
        160, 0.95, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5), "bicubic", "center"
    )


@pytest.mark.parametrize(("kind", "name"), [("torchvision", "resnet18"), ("timm", "resnet10t")])
def test_published_weights_that_cannot_be_had_name_the_way_out(monkeypatch, tmp_path, kind, name):
    def offline(*arguments, **options):
        raise OSError("Network is\nunreachable")

    monkeypatch.setattr("neuroinspect_tui.models.downloads.reachable", lambda url: True)
    monkeypatch.setattr(
        f"{'torchvision.models' if kind == 'torchvision' else 'timm'}.{builder(kind)}", offline
    )
    with pytest.raises(InputError) as error:
        opened(f"{kind}:{name}")
    assert str(error.value) == (
        f"the published weights of -m {kind}:{name} could not be downloaded: Network is unreachable: "
        "pass -w FILE with weights that you have"
    )


def builder(kind):
    return "get_model" if kind == "torchvision" else "create_model"


def test_the_real_architectures_load_their_weights(real: Path):
    spec, weights = real / "models.py", real / "imagenet" / "mobilenetv2_100.tf1_quant.safetensors"
    source = opened(f"{spec}:mobilenetv2_imagenet", weights, classes=1000)
    assert source.state is not None and source.state.tensors["classifier.weight"].dtype == torch.float16
    assert source.module.classifier.weight.dtype == torch.float32
    assert torch.equal(source.module.classifier.weight.half(), source.state.tensors["classifier.weight"])
