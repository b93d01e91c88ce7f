"""What one run is asked to do: `RunConfig` and its sections, validated when they are made.

Each field of a section is an option of the program: its type and default stand in the field, its flags, help
and check in the field's metadata. Command line, settings file, environment, help and README come from these.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, get_args

from ..errors import InputError
from ..repair_methods import REPAIRS, RepairMethod
from .options import Section, option, require_choice, require_range, within

Mode = Literal["default", "paper"]
Precision = Literal["auto", "fp32", "bf16", "fp16"]
CropMode = Literal["center", "squash", "border"]
Interpolation = Literal["nearest", "box", "bilinear", "hamming", "bicubic", "lanczos"]
CheckName = Literal["accuracy", "worst-class", "worst-group"]
ThemeName = Literal["dark", "light", "high-contrast", "no-colour"]
SELF_CONTAINED = ("npz:", "predictions:")
"""What `-m` starts with where it brings its own images' answers, so that no `-d` is needed."""


def _unit_pixels(flag: str, values: tuple[float, float, float]) -> None:
    if max(values) > 1:
        raise InputError(f"{flag} {max(values):g} is over 1", "give it for pixels from 0 to 1")


def _positive_unit_pixels(flag: str, values: tuple[float, float, float]) -> None:
    _unit_pixels(flag, values)
    if min(values) <= 0:
        raise InputError(f"{flag} must be positive in each channel", "for example 0.229,0.224,0.225")


@dataclass(frozen=True)
class ModelConfig(Section):
    """Where the classifier comes from."""

    spec: str = field(
        metadata=option(
            "torchvision:NAME, timm:NAME, hf:NAME_OR_FOLDER, clip:NAME:TAG, FILE.py:FUNCTION, "
            "PACKAGE.MODULE:FUNCTION, or npz:FILE (features and a last layer, no model).",
            *("-m", "--model"),
        )
    )
    weights: str | None = field(
        default=None,
        metadata=option(
            "State dict: .safetensors, .pt, .pth or .th.", "-w", "--weights", unless_given="the model's own"
        ),
    )
    ema: bool | None = field(
        default=None,
        metadata=option(
            "Of a checkpoint with two sets of weights, use the averaged one (EMA), or the other.",
            *("--ema", "--no-ema"),
            unless_given="as the library that wrote the file",
        ),
    )
    trust_pickle: bool = field(
        default=False, metadata=option("Read pickled modules, which can run any code.")
    )


@dataclass(frozen=True)
class DataConfig(Section):
    """Which images, how they are read, which split, which group columns."""

    source: str = field(
        metadata=option(
            "Class folders, train/val/test folders, a table (.csv, .jsonl, .parquet), an archive (.tar, "
            ".zip, shards-{000..012}.tar), hf:NAME_OR_FOLDER or torchvision:NAME.",
            *("-d", "--data"),
        )
    )
    root: str | None = field(
        default=None,
        metadata=option(
            "Where torchvision data sets lie, or the images of a table.",
            "--data-root",
            unless_given="beside the table",
        ),
    )
    split: str = field(default="val", metadata=option("Split to debug."))
    classes: str | None = field(
        default=None,
        metadata=option(
            "File of class names in the model's order: text, JSON list or JSON map.",
            unless_given="the model's, else the data's",
        ),
    )
    label: str | None = field(
        default=None,
        metadata=option(
            "Where an image may have several labels: the one to look at.",
            unless_given="the most frequent one",
        ),
    )
    threshold: str = field(
        default="0.5",
        metadata=option("Probability above which an image has a label, or a csv of label,threshold."),
    )
    groups: tuple[str, ...] = field(
        default=(),
        metadata=option(
            "Column that makes groups (repeatable).", unless_given="every column of 2 to 20 values"
        ),
    )
    manifest: bool = field(
        default=True,
        metadata=option("Read class folders as they are, whatever tables lie beside them.", "--no-manifest"),
    )
    allow_outside: bool = field(default=False, metadata=option("Let the paths of a table leave its folder."))
    fast_decode: bool = field(
        default=False,
        metadata=option("Decode large JPEGs at reduced size: faster, pixels differ slightly."),
    )


_BY_MODEL = "as the model says"


@dataclass(frozen=True)
class PreprocessConfig(Section):
    """Preprocessing given by hand; `None` leaves it to the model, or else to the usual ImageNet values."""

    image_size: int | None = field(
        default=None,
        metadata=option(
            "Side of the square input in pixels.",
            check=within(8, 8192),
            unless_given=f"{_BY_MODEL}, else 224",
        ),
    )
    crop_pct: float | None = field(
        default=None,
        metadata=option(
            "Share of the resized image that the crop keeps.",
            check=within(0.05, 1),
            unless_given=f"{_BY_MODEL}, else 0.875",
        ),
    )
    crop_mode: CropMode | None = field(
        default=None,
        metadata=option(
            "center: crop the middle; squash: resize both sides, whatever the aspect; border: fit the whole "
            "image and pad it.",
            unless_given=f"{_BY_MODEL}, else center",
        ),
    )
    interpolation: Interpolation | None = field(
        default=None,
        metadata=option(
            f"Resampling filter: {', '.join(get_args(Interpolation))}.",
            unless_given=f"{_BY_MODEL}, else bilinear",
        ),
    )
    mean: tuple[float, float, float] | None = field(
        default=None,
        metadata=option(
            "Channel means for pixels from 0 to 1, as 0.485,0.456,0.406.",
            check=_unit_pixels,
            unless_given=f"{_BY_MODEL}, else ImageNet's",
        ),
    )
    std: tuple[float, float, float] | None = field(
        default=None,
        metadata=option(
            "Channel standard deviations, as 0.229,0.224,0.225.",
            check=_positive_unit_pixels,
            unless_given=f"{_BY_MODEL}, else ImageNet's",
        ),
    )


@dataclass(frozen=True)
class ModelPreprocess:
    """The preprocessing that a model carries (timm config, torchvision weights); `None`: unsaid.

    Images are brought to `image_size / crop_pct` pixels, the shorter side (`crop_mode` "center"), both sides
    ("squash") or the longer one ("border"), and the middle `image_size` pixels square are kept. `mean` and
    `std` have as many numbers as the model reads channels.
    """

    image_size: int | None = None
    crop_pct: float | None = None
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None
    interpolation: str | None = None
    crop_mode: str | None = None


@dataclass(frozen=True)
class ComputeConfig(Section):
    """Device, precision and sizes that change speed, never results beyond rounding."""

    device: str = field(default="auto", metadata=option("auto, cpu, cuda, cuda:1 or mps."))
    precision: Precision = field(
        default="auto", metadata=option("auto (fp32, illusions in bf16 on a GPU), fp32, bf16 or fp16.")
    )
    batch_size: int = field(default=64, metadata=option("Images per forward pass.", check=within(1)))
    workers: int | None = field(
        default=None,
        metadata=option(
            "Processes that read images.", check=within(0, 256), unless_given="2, with a GPU one per core"
        ),
    )
    seed: int = field(default=0, metadata=option("Seed of everything random.", check=within(0, 2**31 - 1)))


@dataclass(frozen=True)
class DebugConfig(Section):
    """Which classes to debug and what to find out about each."""

    mode: Mode = field(default="default", metadata=option("default, or paper: exactly as published."))
    classes: tuple[str, ...] = field(
        default=(),
        metadata=option(
            "Class to debug, by name or index (repeatable).", "--class", unless_given="those of --worst"
        ),
    )
    worst: int = field(default=3, metadata=option("Debug the K worst classes.", check=within(0)))
    modes: int = field(
        default=8,
        metadata=option(
            "Failure modes to look for, over all classes; 0 leaves them out.", check=within(0, 256)
        ),
    )
    neurons: int = field(default=5, metadata=option("Culprit neurons to look at per class.", check=within(1)))
    illusions: int = field(default=4, metadata=option("Illusions per class; 0: none.", check=within(0)))
    iters: int = field(default=64, metadata=option("Optimisation steps per illusion.", check=within(1)))
    clip: str = field(
        default="none",
        metadata=option("CLIP for names and illusions: NAME:TAG, NAME:FILE, CONFIG.json:FILE, demo or none."),
    )
    vocabulary: str | None = field(
        default=None,
        metadata=option("File of concept names, one per line.", unless_given="the built-in list"),
    )
    stress: bool = field(
        default=False, metadata=option("Add a battery of stress tests (stamps, casts, blur…) to the report.")
    )


@dataclass(frozen=True)
class RepairConfig(Section):
    """How to repair the decision layer; `neurons` overrides the culprits."""

    method: RepairMethod = field(
        default="none",
        metadata=option(f"{', '.join(REPAIRS)} or none (the demo: auto).", "--repair"),
    )
    cues: tuple[str, ...] = field(
        default=(),
        metadata=option("Cue whose tags the repair uses (repeatable).", "--cue", unless_given="all cues"),
    )
    neurons: tuple[int, ...] = field(
        default=(),
        metadata=option("Repair with this neuron (repeatable).", "--neuron", unless_given="the culprits"),
    )
    tags: str | None = field(
        default=None,
        metadata=option(
            "Tags given by hand: csv of path,cue,tag or path,tag.", unless_given="those of the session"
        ),
    )
    propagate: bool = field(
        default=True,
        metadata=option("Use the tags as they are, without the probe.", "--no-propagate"),
    )


@dataclass(frozen=True)
class Check:
    """One `--fail-under` check: the run exits with 1 when the measured rate is below `minimum` (0…1)."""

    name: CheckName
    minimum: float

    @classmethod
    def parse(cls, text: str) -> Check:
        """Read `worst-class=0.6`; raises InputError when the name or the number is not valid."""
        name, _, number = text.partition("=")
        require_choice("--fail-under", name, get_args(CheckName))
        try:
            minimum = float(number)
        except ValueError:
            raise InputError(f"--fail-under {text!r} has no number", f"write {name}=0.6") from None
        require_range("--fail-under", minimum, 0, 1)
        return cls(name, minimum)  # type: ignore[arg-type]


@dataclass(frozen=True)
class RunConfig:
    """Everything one run needs to know."""

    model: ModelConfig
    data: DataConfig
    preprocess: PreprocessConfig = field(default_factory=PreprocessConfig)
    compute: ComputeConfig = field(default_factory=ComputeConfig)
    debug: DebugConfig = field(default_factory=DebugConfig)
    repair: RepairConfig = field(default_factory=RepairConfig)
    checks: tuple[Check, ...] = ()


_FILE_KINDS = ("hf:", *SELF_CONTAINED)


def seen_from(config: RunConfig, folder: Path) -> RunConfig:
    """Return `config`, given in `folder`, with paths that hold anywhere: those of files that are there."""

    def there(text: str) -> str:
        return str(folder / text) if text and (folder / text).exists() else text

    def optional(text: str | None) -> str | None:
        return None if text is None else there(text)

    def prefixed(text: str) -> str:
        kind = next((kind for kind in _FILE_KINDS if text.startswith(kind)), "")
        return kind + there(text.removeprefix(kind))

    kind, _, function = config.model.spec.rpartition(":")
    spec = f"{there(kind)}:{function}" if kind.endswith(".py") else prefixed(config.model.spec)
    model = replace(config.model, spec=spec, weights=optional(config.model.weights))
    data, debug = config.data, config.debug
    data = replace(
        data,
        source=prefixed(data.source),
        root=optional(data.root),
        classes=optional(data.classes),
        threshold=there(data.threshold),
    )
    clip = ":".join(map(there, debug.clip.split(":"))) if ":" in debug.clip else debug.clip
    debug = replace(debug, clip=clip, vocabulary=optional(debug.vocabulary))
    repair = replace(config.repair, tags=optional(config.repair.tags))
    return replace(config, model=model, data=data, debug=debug, repair=repair)
