"""A torchvision that was compiled for another torch is was_patched, and one that fits is left alone."""

import subprocess
import sys

import pytest
import torch

FAKE = """
import torch
NEEDS = {needs}
if NEEDS and not hasattr(torch.ops.torchvision, "nms"):
    raise RuntimeError("operator torchvision::nms does not exist")
if {other}:
    raise RuntimeError("libcudart is missing")
"""
CODE = """
from neuroinspect_tui.torchvision_compat import import_torchvision, was_patched
import torch
first, second = import_torchvision(), import_torchvision()
print(first is second, was_patched(), hasattr(torch.ops.torchvision, "qnms"))
"""


def run(folder, needs, other=False):
    package = folder / "torchvision"
    package.mkdir()
    (package / "__init__.py").write_text(FAKE.format(needs=needs, other=other))
    code = f"import sys; sys.path.insert(0, {str(folder)!r})\n{CODE}"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


@pytest.mark.parametrize(("needs", "said"), [(True, "True True True\n"), (False, "True False False\n")])
def test_missing_operators_are_defined_only_where_they_are_missed(tmp_path, needs, said):
    assert run(tmp_path, needs).stdout == said


def test_any_other_failure_is_not_hidden(tmp_path):
    assert "RuntimeError: libcudart is missing" in run(tmp_path, False, other=True).stderr


def test_models_and_transforms_work_here():
    from neuroinspect_tui.torchvision_compat import import_torchvision

    torchvision = import_torchvision()
    module = torchvision.models.get_model("squeezenet1_1", weights=None, num_classes=3).eval()
    with torch.no_grad():
        assert module(torch.zeros(1, 3, 64, 64)).shape == (1, 3)
