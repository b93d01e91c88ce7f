"""`neuroinspect doctor`: what works on this machine, what does not, and what to do about it."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from .errors import InputError
from .sessions import data_folder

PACKAGES = ("torch", "torchvision", "timm", "open_clip_torch", "textual", "rich", "typer", "term-image")


@dataclass(frozen=True)
class Finding:
    """One line of the examination; without a `remedy` all is well."""

    topic: str
    state: str
    remedy: str = ""


def examine() -> int:
    """Print a line for each check and return 0, or 2 when a problem was found."""
    findings = [finding for check in CHECKS for finding in check()]
    width = max(len(finding.topic) for finding in findings)
    for finding in findings:
        mark = "problem" if finding.remedy else "ok     "
        print(
            f"{mark}  {finding.topic:<{width}}  {finding.state}"
            + (f": {finding.remedy}" * bool(finding.remedy))
        )
    return 2 if any(finding.remedy for finding in findings) else 0


def _python() -> Iterator[Finding]:
    yield Finding("python", platform.python_version())
    for package in PACKAGES:
        try:
            yield Finding(package, importlib.metadata.version(package))
        except importlib.metadata.PackageNotFoundError:
            yield Finding(package, "not installed", f"pip install {package}")


def _torchvision() -> Iterator[Finding]:
    from .torchvision_compat import import_torchvision

    try:
        module = import_torchvision()
    except (ImportError, RuntimeError) as error:
        yield Finding(
            "torchvision import", str(error).splitlines()[0], "install the torchvision of your torch"
        )
    else:
        yield Finding("torchvision import", f"works beside torch ({module.__version__})")


def _device() -> Iterator[Finding]:
    import torch

    from .models.device import choose_device, describe

    device = choose_device("auto")
    yield Finding("device", describe(device))
    if device.type == "cuda":
        free, total = torch.cuda.mem_get_info(device)
        yield Finding("device memory", f"{free / 2**30:.1f} of {total / 2**30:.1f} GiB free")
    elif shutil.which("nvidia-smi"):
        yield Finding(
            "cuda", "an NVIDIA driver is here but torch sees no GPU", "make setup with a CUDA build of torch"
        )


def _terminal() -> Iterator[Finding]:
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        yield Finding("terminal", "none: the app needs one, --batch does not")
        return
    from .tui.images.probe import probe_terminal

    found = probe_terminal()
    yield Finding("terminal graphics", str(found))
    colours = os.environ.get("COLORTERM", "")
    yield Finding(
        "true colour",
        colours or "COLORTERM is not set",
        "" if colours in ("truecolor", "24bit") else "export COLORTERM=truecolor (ssh does not forward it)",
    )


def _tmux() -> Iterator[Finding]:
    if not os.environ.get("TMUX"):
        return
    answer = subprocess.run(
        ["tmux", "show-options", "-gv", "allow-passthrough"], capture_output=True, text=True, check=False
    )
    state = answer.stdout.strip() or "not known to this tmux"
    yield Finding(
        "tmux passthrough",
        state,
        "" if state in ("on", "all") else "tmux set -g allow-passthrough on, for pictures in full resolution",
    )


def _clip() -> Iterator[Finding]:
    from .demo import demo_clip
    from .models.clip import load_clip
    from .models.device import choose_device, choose_precision

    device = choose_device("cpu")
    try:
        load_clip(demo_clip(), device, choose_precision(device, "auto"))
    except InputError as error:
        yield Finding("demo CLIP", error.message, error.remedy or "install the package again")
    else:
        yield Finding("demo CLIP", "loads")
    cache = Path(os.environ.get("HF_HUB_CACHE") or Path.home() / ".cache/huggingface/hub")
    kept = sorted(path.name.removeprefix("models--") for path in cache.glob("models--*CLIP*"))
    yield Finding(
        "CLIP weights in the cache", ", ".join(kept) or "none: give --clip NAME:FILE on an offline machine"
    )


def _folder() -> Iterator[Finding]:
    folder = data_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            free = shutil.disk_usage(folder).free / 2**30
    except OSError as error:
        yield Finding("data folder", f"{folder}: {error.strerror}", "give a writable directory with -o")
    else:
        yield Finding("data folder", f"{folder}, {free:.0f} GiB free")


CHECKS: tuple[Callable[[], Iterator[Finding]], ...] = (
    _python,
    _torchvision,
    _device,
    _terminal,
    _tmux,
    _clip,
    _folder,
)
