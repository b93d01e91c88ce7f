"""The embedded project: a drawn world with planted faults, a classifier that fell for them, a small CLIP."""

from __future__ import annotations

from pathlib import Path

from ..config import (
    ComputeConfig,
    DataConfig,
    DebugConfig,
    ModelConfig,
    PreprocessConfig,
    RepairConfig,
    RunConfig,
)
from ..errors import InputError

MODEL = "neuroinspect_tui.demo.network:demo_resnet"
IMAGE_SIZE = 64


def assets_dir() -> Path:
    """Return the folder of the demo's files: `assets/` of a checkout, or of the installed package.

    Raises InputError when neither is there.
    """
    package = Path(__file__).resolve().parent.parent
    for folder in (package.parent / "assets", package / "assets"):
        if (folder / "data" / "manifest.csv").is_file():
            return folder
    raise InputError(
        "the demo's files (assets/) are missing", "run `make assets` in a checkout, or install again"
    )


def demo_config(seed: int = 0) -> RunConfig:
    """Return the run that the demo makes; raises InputError when its files are missing."""
    assets = assets_dir()
    return RunConfig(
        model=ModelConfig(spec=MODEL, weights=str(assets / "classifier.safetensors")),
        data=DataConfig(source=str(assets / "data" / "manifest.csv"), groups=("background", "watermark")),
        preprocess=PreprocessConfig(image_size=IMAGE_SIZE, crop_pct=1.0),
        compute=ComputeConfig(seed=seed),
        debug=DebugConfig(clip="demo", vocabulary=str(assets / "vocabulary.txt")),
        repair=RepairConfig(method="auto"),
    )


def demo_clip() -> str:
    """Return the demo's CLIP as `--clip` would spell it; raises InputError when its files are missing."""
    folder = assets_dir() / "clip"
    return f"{folder / 'config.json'}:{folder / 'model.safetensors'}"
