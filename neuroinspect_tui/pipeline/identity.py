"""What a session was made from: hashes of its inputs, and the versions of what made it."""

from __future__ import annotations

import hashlib
import importlib.metadata
import platform
from typing import TYPE_CHECKING

from ..models.device import describe
from ..version import __version__

if TYPE_CHECKING:
    from .project import Project

PACKAGES = ("torch", "torchvision", "open_clip_torch", "timm", "numpy", "pillow", "scipy")


def hashes(project: Project) -> dict[str, str]:
    """Return a hash of each input that cached results depend on."""
    return {
        "model": project.model.fingerprint(),
        "data": project.dataset.fingerprint(),
        "preprocessing": hashlib.sha256(_pixels(project).encode()).hexdigest(),
    }


def _pixels(project: Project) -> str:
    """Return what decides which pixels the classifier sees of an image."""
    return repr(project.preprocess) + (" of reduced JPEGs" if project.config.data.fast_decode else "")


def versions() -> dict[str, str]:
    """Return the installed version of each package that results may depend on."""
    return {name: importlib.metadata.version(name) for name in PACKAGES}


def environment(project: Project) -> dict[str, str]:
    """Return versions, platform and device for the report."""
    return {
        "neuroinspect": __version__,
        **versions(),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "device": describe(project.device),
        "precision": str(project.dtype).removeprefix("torch."),
    }
