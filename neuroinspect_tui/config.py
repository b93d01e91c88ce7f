"""What one run is asked to do: `RunConfig` and its parts, validated when they are made."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, get_args

from .errors import InputError
from .repair_methods import RepairMethod

Mode = Literal["default", "paper"]
Precision = Literal["auto", "fp32", "bf16", "fp16"]
CheckName = Literal["accuracy", "worst-class", "worst-group"]
ThemeName = Literal["dark", "light", "high-contrast", "no-colour"]


def nearest(name: str, known: Iterable[str]) -> str:
    """Return `did you mean "…"?` for the known name most like `name`, or an empty string."""
    found = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f'did you mean "{found[0]}"?' if found else ""


def require_choice(option: str, value: str, choices: Iterable[str]) -> None:
    """Raise InputError unless `value` is one of `choices`."""
    known = list(choices)
    if value not in known:
        remedy = " ".join(filter(None, [nearest(value, known), f"use one of {', '.join(known)}"]))
        raise InputError(f"{option} {value!r} is not known", remedy)


def require_range(option: str, value: float, low: float, high: float = float("inf")) -> None:
    """Raise InputError unless low <= value <= high."""
    if not low <= value <= high:
        bound = f"at least {low:g}" if high == float("inf") else f"between {low:g} and {high:g}"
        raise InputError(f"{option} {value:g} is out of range", f"give a number {bound}")


@dataclass(frozen=True)
class ModelConfig:
    """Where the classifier comes from (`-m`, `-w`, `--trust-pickle`, `--ema`)."""

    spec: str
    weights: str | None = None
    trust_pickle: bool = False
    ema: bool | None = None


@dataclass(frozen=True)
class DataConfig:
    """Which images, which split, which group columns (`-d`, `--split`, `--classes`, `--groups`)."""

    source: str
    root: str | None = None
    split: str = "val"
    classes: str | None = None
    groups: tuple[str, ...] = ()
    allow_outside: bool = False


@dataclass(frozen=True)
class PreprocessConfig:
    """Preprocessing given by hand; `None` leaves it to the model, or else to the usual ImageNet values."""

    image_size: int | None = None
    crop_pct: float | None = None
    mean: tuple[float, float, float] | None = None
    std: tuple[float, float, float] | None = None

    def __post_init__(self) -> None:
        if self.image_size is not None:
            require_range("--image-size", self.image_size, 8, 8192)
        if self.crop_pct is not None:
            require_range("--crop-pct", self.crop_pct, 0.05, 1)
        for option, values in (("--mean", self.mean), ("--std", self.std)):
            if values is not None and max(values) > 1:
                raise InputError(f"{option} {max(values):g} is over 1", "give it for pixels from 0 to 1")
        if self.std is not None and min(self.std) <= 0:
            raise InputError("--std must be positive in each channel", "for example 0.229,0.224,0.225")


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
class ComputeConfig:
    """Device, precision and sizes that change speed, never results beyond rounding."""

    device: str = "auto"
    precision: Precision = "auto"
    batch_size: int = 64
    workers: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        require_choice("--precision", self.precision, get_args(Precision))
        require_range("--batch-size", self.batch_size, 1)
        require_range("--workers", self.workers or 0, 0, 256)
        require_range("--seed", self.seed, 0, 2**31 - 1)


@dataclass(frozen=True)
class DebugConfig:
    """Which classes to debug; per class, how many culprits (`neurons`) and pictures (`illusions`)."""

    mode: Mode = "default"
    classes: tuple[str, ...] = ()
    worst: int = 3
    neurons: int = 5
    illusions: int = 4
    iters: int = 64
    clip: str = "none"
    vocabulary: str | None = None

    def __post_init__(self) -> None:
        require_choice("--mode", self.mode, get_args(Mode))
        require_range("--worst", self.worst, 0)
        require_range("--neurons", self.neurons, 1)
        require_range("--illusions", self.illusions, 0)
        require_range("--iters", self.iters, 1)


@dataclass(frozen=True)
class RepairConfig:
    """How to repair the decision layer; `neurons` overrides the culprits."""

    method: RepairMethod = "none"
    neurons: tuple[int, ...] = ()
    tags: str | None = None
    propagate: bool = True

    def __post_init__(self) -> None:
        require_choice("--repair", self.method, get_args(RepairMethod))


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


def seen_from(config: RunConfig, folder: Path) -> RunConfig:
    """Return `config`, given in `folder`, with paths that hold anywhere: those of files that are there."""

    def there(text: str) -> str:
        return str(folder / text) if (folder / text).exists() else text

    def optional(text: str | None) -> str | None:
        return None if text is None else there(text)

    kind, _, function = config.model.spec.rpartition(":")
    spec = f"{there(kind)}:{function}" if kind.endswith(".py") else config.model.spec
    model = replace(config.model, spec=spec, weights=optional(config.model.weights))
    data, debug = config.data, config.debug
    data = replace(data, source=there(data.source), root=optional(data.root), classes=optional(data.classes))
    clip = ":".join(map(there, debug.clip.split(":"))) if ":" in debug.clip else debug.clip
    debug = replace(debug, clip=clip, vocabulary=optional(debug.vocabulary))
    repair = replace(config.repair, tags=optional(config.repair.tags))
    return replace(config, model=model, data=data, debug=debug, repair=repair)
