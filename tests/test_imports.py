"""Libraries are loaded ahead of who needs them, and no first answer loads what it does not need."""

from __future__ import annotations

import subprocess
import sys

import pytest

EARLY = """
import sys, threading
from pathlib import Path
from neuroinspect_tui.runtime.imports import load_torch_early
load_torch_early()
for thread in threading.enumerate():
    if thread.name == 'neuroinspect-library':
        thread.join()
assert 'libtorch_cpu' in Path('/proc/self/maps').read_text()
assert 'torch' not in sys.modules
import torch
assert float(torch.ones(2) @ torch.ones(2)) == 2
"""
UNNEEDED = ("scipy", "sklearn", "torchvision", "open_clip", "jinja2", "neuroinspect_tui.pipeline.repairing")


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_torchs_library_is_loaded_without_torch() -> None:
    subprocess.run([sys.executable, "-c", EARLY], check=True, timeout=300)


def test_the_first_answers_load_nothing_that_they_do_not_need() -> None:
    program = "import sys, neuroinspect_tui.pipeline.pipeline; print(*sys.modules)"
    shown = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert not {*UNNEEDED} & {*shown.stdout.split()}
