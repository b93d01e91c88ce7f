"""No first answer loads what it does not need."""

from __future__ import annotations

import subprocess
import sys

UNNEEDED = ("scipy", "sklearn", "torchvision", "open_clip", "jinja2", "neuroinspect_tui.pipeline.repairing")


def test_the_first_answers_load_nothing_that_they_do_not_need() -> None:
    program = "import sys, neuroinspect_tui.pipeline.pipeline; print(*sys.modules)"
    shown = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert not {*UNNEEDED} & {*shown.stdout.split()}
