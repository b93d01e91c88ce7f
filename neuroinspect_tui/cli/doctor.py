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
from typing import Any

from ..errors import InputError
from ..resume.locations import data_folder
from ..text import safe
from .configure import read_settings

PACKAGE = "neuroinspect-tui"
GIBIBYTE = 2**30
LEAST_FREE = GIBIBYTE
SMALLEST_TERMINAL = (80, 24)
WIDTH = 22


@dataclass(frozen=True)
class Finding:
    """One line of the examination; without a `remedy` all is well, but for what is worth a `note`."""

    topic: str
    state: str
    remedy: str = ""
    note: bool = False

    def __str__(self) -> str:
        remedy = f": {self.remedy}" if self.remedy else ""
        mark = "problem" if self.remedy else "note   " if self.note else "ok     "
        return f"{mark}  {self.topic:<{WIDTH}}  {safe(self.state)}{remedy}"


Check = Callable[[], Iterator[Finding]]


def examine() -> int:
    """Print a line for each check as it is made; return 0, or 2 when a problem was found."""
    problems = 0
    for topic, check in CHECKS.items():
        for finding in guarded(topic, check):
            print(finding, flush=True)
            problems += bool(finding.remedy)
    return 2 if problems else 0


def guarded(topic: str, check: Check) -> Iterator[Finding]:
    """Make a finding of a check that breaks: what is broken on this machine is what is asked for here."""
    try:
        yield from check()
    except InputError as error:
        yield Finding(topic, error.message, error.remedy or "see neuroinspect --help")
    except Exception as error:
        reason = (str(error).splitlines() or [""])[0]
        yield Finding(topic, f"{type(error).__name__}: {reason}", "run make setup, or pip install it again")


def _packages() -> Iterator[Finding]:
    from packaging.requirements import Requirement

    yield Finding("python", platform.python_version())
    for line in importlib.metadata.requires(PACKAGE) or ():
        wanted = Requirement(line)
        if wanted.marker is not None and not wanted.marker.evaluate({"extra": ""}):
            continue
        remedy = f"pip install '{wanted.name}{wanted.specifier}'"
        try:
            version = importlib.metadata.version(wanted.name)
        except importlib.metadata.PackageNotFoundError:
            yield Finding(wanted.name, "not installed", remedy)
            continue
        fits = wanted.specifier.contains(version, prereleases=True)
        needed = "" if fits else f", but {wanted.specifier} is needed"
        yield Finding(wanted.name, version + needed, "" if fits else remedy)


def _torchvision() -> Iterator[Finding]:
    import torch

    from ..torchvision_compat import import_torchvision, was_patched

    version = str(import_torchvision().__version__)
    major, minor = (int(part) for part in torch.__version__.split(".")[:2])
    partner = f"0.{minor + 15}." if major == 2 else ""
    state = f"torch {torch.__version__} with torchvision {version}"
    if was_patched():
        state += ", of another build: NeuroInspect works around it, import torchvision in your own code fails"
    remedy = "" if version.startswith(partner) else f"pip install torchvision=={partner}*"
    yield Finding("match", state, remedy, note=was_patched())


def _device() -> Iterator[Finding]:
    import torch

    from ..models.device import choose_device, choose_painting_precision, describe

    device = choose_device("auto")
    painting = str(choose_painting_precision(device)).removeprefix("torch.")
    precision = "float32" if painting == "float32" else f"float32, pictures in {painting}"
    total = float((torch.ones(8, 8, device=device) @ torch.ones(8, 8, device=device)).sum())
    wrong = "" if total == 8**3 else "it computes wrongly: use --device cpu"
    yield Finding("device", f"{describe(device)}, {precision}", wrong)
    if device.type == "cuda":
        yield from _cuda(torch, device)
    elif device.type == "cpu":
        yield from _without_gpu(torch.version.cuda)


def _cuda(torch: Any, device: Any) -> Iterator[Finding]:
    driver = _nvidia_driver() or "of unknown version"
    yield Finding("driver", f"NVIDIA driver {driver}, torch is built for CUDA {torch.version.cuda}")
    free, total = torch.cuda.mem_get_info(device)
    state = f"{free / GIBIBYTE:.1f} of {total / GIBIBYTE:.1f} GiB free"
    yield Finding("device memory", state, "" if free > LEAST_FREE else "see in nvidia-smi who uses it")


def _without_gpu(built_for: str | None) -> Iterator[Finding]:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / GIBIBYTE
    yield Finding("processor", f"{os.cpu_count()} cores, {memory:.0f} GiB of memory")
    driver = _nvidia_driver()
    if driver:
        build = f"is built for CUDA {built_for}" if built_for else "is a build without CUDA"
        remedy = "install the torch build for this driver (https://pytorch.org/get-started/locally)"
        yield Finding("driver", f"NVIDIA driver {driver} is here, but torch sees no GPU and {build}", remedy)


def _nvidia_driver() -> str:
    """Return the version of the NVIDIA driver, or "" where there is none or no GPU."""
    return _output("nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader").partition("\n")[0]


def _output(*command: str) -> str:
    """Return what `command` prints, or "" when it is missing, fails or hangs."""
    if shutil.which(command[0]) is None:
        return ""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=5, check=False)
    except subprocess.TimeoutExpired:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def _terminal() -> Iterator[Finding]:
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        yield Finding("terminal", "none: the app needs one, --batch does not")
        return
    from ..tui.images.probe import probe_terminal

    name, size = os.environ.get("TERM", ""), shutil.get_terminal_size()
    small = size.columns < SMALLEST_TERMINAL[0] or size.lines < SMALLEST_TERMINAL[1]
    dumb = "export TERM=xterm-256color" if name in ("", "dumb") else ""
    remedy = dumb or ("make the window 80 by 24 or larger" if small else "")
    yield Finding("terminal", f"TERM={name}, {size.columns} by {size.lines}", remedy)
    encoding = sys.stdout.encoding.lower()
    yield Finding("encoding", encoding, "" if encoding.startswith("utf") else "export LANG=C.UTF-8")
    found = probe_terminal()
    yield Finding("terminal graphics", str(found))
    coloured = found.true_colour or os.environ.get("COLORTERM") in ("truecolor", "24bit")
    remedy = "tmux set -as terminal-features ',*:RGB'" if found.tmux else "export COLORTERM=truecolor"
    yield Finding("true colour", "yes" if coloured else "not announced", "" if coloured else remedy)


def _tmux() -> Iterator[Finding]:
    if not os.environ.get("TMUX"):
        return
    state = _output("tmux", "show-options", "-Apv", "allow-passthrough")
    if state in ("on", "all"):
        yield Finding("tmux passthrough", state)
    elif state:
        remedy = "tmux set -g allow-passthrough on, for pictures in full resolution"
        yield Finding("tmux passthrough", state, remedy)
    else:
        version = _output("tmux", "-V") or "this tmux"
        remedy = "use tmux 3.3 or newer for pictures in full resolution"
        yield Finding("tmux passthrough", f"not known to {version}", remedy)


def _clip() -> Iterator[Finding]:
    from huggingface_hub.constants import HF_HUB_CACHE

    from ..demo import demo_clip
    from ..models.clip import load_clip
    from ..models.device import choose_device, choose_painting_precision

    device = choose_device("cpu")
    load_clip(demo_clip(), device, choose_painting_precision(device))
    yield Finding("demo CLIP", "loads")
    kept = sorted(path.name.removeprefix("models--") for path in Path(HF_HUB_CACHE).glob("models--*CLIP*"))
    nothing = "none: --clip NAME:FILE reads a file, --clip NAME:TAG downloads one"
    yield Finding("CLIP weights in cache", ", ".join(kept) or nothing)


def _settings() -> Iterator[Finding]:
    names = sorted(name.rstrip("_").replace("_", "-") for name in read_settings(None).options)
    yield Finding("settings", ", ".join(names) or "none")


def _folder() -> Iterator[Finding]:
    folder = data_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(bytes(4096))
        free = shutil.disk_usage(folder).free
    except OSError as error:
        yield Finding("data folder", f"{folder}: {error.strerror}", "give a writable directory with -o")
        return
    state = f"{folder}, {free / GIBIBYTE:.1f} GiB free"
    yield Finding(
        "data folder", state, "" if free > LEAST_FREE else "free some space, or give another with -o"
    )


CHECKS: dict[str, Check] = {
    "packages": _packages,
    "match": _torchvision,
    "device": _device,
    "terminal": _terminal,
    "tmux passthrough": _tmux,
    "demo CLIP": _clip,
    "settings": _settings,
    "data folder": _folder,
}
