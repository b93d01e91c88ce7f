"""Options, environment variables and `neuroinspect.toml` become a `RunConfig`.

An option on the command line wins over `NEUROINSPECT_<OPTION>` in the environment, and that over the file.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from .config import Check, DataConfig, ModelConfig, RunConfig, nearest
from .errors import InputError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ENVIRONMENT_PREFIX = "NEUROINSPECT_"
FILE_NAME = "neuroinspect.toml"


def _three_numbers(option: str, text: str) -> tuple[float, float, float]:
    try:
        first, second, third = (float(part) for part in text.split(","))
    except ValueError:
        raise InputError(f"{option} {text!r} is not three numbers", "for example 0.485,0.456,0.406") from None
    return first, second, third


def _flag(value: Any) -> bool:
    return value if isinstance(value, bool) else str(value).lower() in ("1", "true", "yes", "on")


def _words(value: Any) -> tuple[str, ...]:
    return tuple(str(part) for part in (value.split(",") if isinstance(value, str) else value))


def _integers(value: Any) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in _words(value))
    except ValueError:
        raise InputError(f"--neuron {value!r} is not a list of numbers", "give neuron indices") from None


def _number(kind: Callable[[Any], Any], option: str) -> Callable[[Any], Any]:
    def convert(value: Any) -> Any:
        try:
            return kind(value)
        except ValueError:
            raise InputError(f"{option} {value!r} is not a number", "give a number") from None

    return convert


@dataclass(frozen=True)
class _Option:
    """Where the value of an option goes in `RunConfig`, and how it is read."""

    section: str
    name: str
    convert: Callable[[Any], Any] = str


OPTIONS: dict[str, _Option] = {
    "model": _Option("model", "spec"),
    "weights": _Option("model", "weights"),
    "trust_pickle": _Option("model", "trust_pickle", _flag),
    "data": _Option("data", "source"),
    "data_root": _Option("data", "root"),
    "split": _Option("data", "split"),
    "classes": _Option("data", "classes"),
    "groups": _Option("data", "groups", _words),
    "allow_outside": _Option("data", "allow_outside", _flag),
    "image_size": _Option("preprocess", "image_size", _number(int, "--image-size")),
    "crop_pct": _Option("preprocess", "crop_pct", _number(float, "--crop-pct")),
    "mean": _Option("preprocess", "mean", lambda text: _three_numbers("--mean", text)),
    "std": _Option("preprocess", "std", lambda text: _three_numbers("--std", text)),
    "device": _Option("compute", "device"),
    "precision": _Option("compute", "precision"),
    "batch_size": _Option("compute", "batch_size", _number(int, "--batch-size")),
    "workers": _Option("compute", "workers", _number(int, "--workers")),
    "seed": _Option("compute", "seed", _number(int, "--seed")),
    "mode": _Option("debug", "mode"),
    "class_": _Option("debug", "classes", _words),
    "worst": _Option("debug", "worst", _number(int, "--worst")),
    "neurons": _Option("debug", "neurons", _number(int, "--neurons")),
    "illusions": _Option("debug", "illusions", _number(int, "--illusions")),
    "iters": _Option("debug", "iters", _number(int, "--iters")),
    "clip": _Option("debug", "clip"),
    "vocabulary": _Option("debug", "vocabulary"),
    "repair": _Option("repair", "method"),
    "neuron": _Option("repair", "neurons", _integers),
    "tags": _Option("repair", "tags"),
    "no_propagate": _Option("repair", "propagate", lambda value: not _flag(value)),
}
FACE_OPTIONS = ("session", "fail_under", "json", "images", "theme")


@dataclass(frozen=True)
class Settings:
    """What the environment and the settings file say: option values, and the re-mapped keys of the app."""

    options: dict[str, Any] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)


def read_settings(path: Path | None, environment: Mapping[str, str] | None = None) -> Settings:
    """Read the settings file (`path`, else one here or in the config folder) and the environment.

    Raises InputError for a file that cannot be read and for unknown keys, naming the nearest known one.
    """
    environment = os.environ if environment is None else environment
    document = _read_toml(path)
    keys = document.pop("keys", {})
    values = {_known(key, f"{FILE_NAME} key "): value for key, value in document.items()}
    for variable, value in environment.items():
        if variable.startswith(ENVIRONMENT_PREFIX):
            key = variable.removeprefix(ENVIRONMENT_PREFIX)
            values[_known(key, f"environment variable {ENVIRONMENT_PREFIX}")] = value
    return Settings(values, {str(action): str(key) for action, key in keys.items()})


def _read_toml(path: Path | None) -> dict[str, Any]:
    if path is None:
        import platformdirs

        places = (Path(FILE_NAME), platformdirs.user_config_path("neuroinspect") / FILE_NAME)
        path = next((place for place in places if place.is_file()), None)
        if path is None:
            return {}
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise InputError(f"--config {path}: {error.strerror}", "give a readable file") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"--config {path} is not valid TOML ({error})", "mend that line") from None


def _known(key: str, what: str) -> str:
    name = key.lower().replace("-", "_")
    name = "class_" if name == "class" else name
    known = [*OPTIONS, *FACE_OPTIONS]
    if name not in known:
        plain = [option.rstrip("_").replace("_", "-") for option in known]
        raise InputError(
            f"{what}{key} is not known", nearest(key.lower().replace("_", "-"), plain) or "remove it"
        )
    return name


def build_config(values: Mapping[str, Any], base: RunConfig | None = None) -> RunConfig:
    """Return `base` with the option values put in; without a base, --model and --data are required.

    Raises InputError naming the option whose value is missing or not valid.
    """
    if base is None:
        _require(values, "model", "-m/--model")
        _require(values, "data", "-d/--data")
        base = RunConfig(ModelConfig(str(values["model"])), DataConfig(str(values["data"])))
    for section, fields in _by_section(values).items():
        base = replace(base, **{section: replace(getattr(base, section), **fields)})
    checks = tuple(Check.parse(text) for text in _words(values.get("fail_under", ())))
    return replace(base, checks=checks) if checks else base


def _require(values: Mapping[str, Any], name: str, option: str) -> None:
    if not values.get(name):
        raise InputError(f"{option} is missing", "give it, or start with neuroinspect --demo")


def _by_section(values: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    sections: dict[str, dict[str, Any]] = {}
    for name, value in values.items():
        option = OPTIONS.get(name)
        if option is not None:
            sections.setdefault(option.section, {})[option.name] = option.convert(value)
    return sections


def option_names() -> Iterable[str]:
    """The names that a settings file may use, as a user writes them."""
    return (name.rstrip("_").replace("_", "-") for name in (*OPTIONS, *FACE_OPTIONS))
