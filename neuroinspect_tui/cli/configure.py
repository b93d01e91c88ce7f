"""Options, environment variables and `neuroinspect.toml` become a `RunConfig`.

An option on the command line wins over `NEUROINSPECT_<OPTION>` in the environment, and that over the file.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, get_args

from ..config import Check, DataConfig, ModelConfig, RunConfig, ThemeName, nearest, require_choice
from ..errors import InputError

ENVIRONMENT_PREFIX = "NEUROINSPECT_"
FILE_NAME = "neuroinspect.toml"


class _MisfitError(ValueError):
    """A value of the wrong kind: what it is not, and an example or remedy."""

    def __init__(self, fault: str, remedy: str) -> None:
        self.fault, self.remedy = fault, remedy
        super().__init__(fault)


def _text(value: Any) -> str:
    if not isinstance(value, (str, os.PathLike)):
        raise _MisfitError("is not text", "write it in quotes")
    return os.fspath(value)


def _flag(value: Any) -> bool:
    known = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False}
    known |= {"off": False, "": False}
    found = known.get(str(value).lower())
    if found is None:
        raise _MisfitError("is neither true nor false", "write true or false")
    return found


def _words(value: Any) -> tuple[str, ...]:
    parts = [part.strip() for part in value.split(",")] if isinstance(value, str) else value
    if not isinstance(parts, (list, tuple)):
        parts = [parts]
    if not all(isinstance(part, (str, int)) for part in parts):
        raise _MisfitError("is not a list of names", 'write ["one", "two"]')
    return tuple(str(part) for part in parts)


def _integer(value: Any) -> int:
    number = _number(value)
    if not number.is_integer():
        raise _MisfitError("is not a whole number", "give a whole number")
    return int(number)


def _integers(value: Any) -> tuple[int, ...]:
    return tuple(_integer(part) for part in _words(value))


def _number(value: Any) -> float:
    if isinstance(value, (str, int, float)) and not isinstance(value, bool):
        try:
            return float(value)
        except ValueError:
            pass
    raise _MisfitError("is not a number", "give a number")


def _three_numbers(value: Any) -> tuple[float, float, float]:
    parts = value.split(",") if isinstance(value, str) else value
    if not isinstance(parts, (list, tuple)) or len(parts) != 3:
        raise _MisfitError("is not three numbers", "for example 0.485,0.456,0.406")
    first, second, third = (_number(part) for part in parts)
    return first, second, third


def _theme(value: Any) -> str:
    require_choice("--theme", _text(value), get_args(ThemeName))
    return _text(value)


@dataclass(frozen=True)
class _Option:
    """Where the value of an option goes in `RunConfig`, and how it is read."""

    section: str
    name: str
    convert: Callable[[Any], Any] = _text


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
    "image_size": _Option("preprocess", "image_size", _integer),
    "crop_pct": _Option("preprocess", "crop_pct", _number),
    "mean": _Option("preprocess", "mean", _three_numbers),
    "std": _Option("preprocess", "std", _three_numbers),
    "device": _Option("compute", "device"),
    "precision": _Option("compute", "precision"),
    "batch_size": _Option("compute", "batch_size", _integer),
    "workers": _Option("compute", "workers", _integer),
    "seed": _Option("compute", "seed", _integer),
    "mode": _Option("debug", "mode"),
    "class_": _Option("debug", "classes", _words),
    "worst": _Option("debug", "worst", _integer),
    "neurons": _Option("debug", "neurons", _integer),
    "illusions": _Option("debug", "illusions", _integer),
    "iters": _Option("debug", "iters", _integer),
    "clip": _Option("debug", "clip"),
    "vocabulary": _Option("debug", "vocabulary"),
    "repair": _Option("repair", "method"),
    "neuron": _Option("repair", "neurons", _integers),
    "tags": _Option("repair", "tags"),
    "no_propagate": _Option("repair", "propagate", lambda value: not _flag(value)),
}
FACE_OPTIONS: dict[str, Callable[[Any], Any]] = {
    "session": _text,
    "fail_under": _words,
    "json": _flag,
    "images": _text,
    "theme": _theme,
}
_OF_THE_LINE = ("batch", "demo", "config", "version")


@dataclass(frozen=True)
class Settings:
    """What the environment and the settings file say: option values, and the re-mapped keys of the app."""

    options: dict[str, Any] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)


def read_settings(path: Path | None, environment: Mapping[str, str] | None = None) -> Settings:
    """Read the settings file (`path`, else one here or in the config folder) and the environment.

    Raises InputError for a file that cannot be read, for unknown keys, naming the nearest known one, and for
    values of the wrong kind.
    """
    environment = os.environ if environment is None else environment
    document = _read_toml(path)
    keys = document.pop("keys", {})
    if not isinstance(keys, dict) or not all(isinstance(key, str) for key in keys.values()):
        raise InputError(f"{FILE_NAME}: [keys] is not a table of keys", 'write visualise = "ctrl+r" below it')
    values = {}
    for place, key, value in _settings(document, environment):
        name = _known(key, place)
        converted = _convert(name, value, f"{place}{key}")
        values[name] = converted if name in FACE_OPTIONS else value
    return Settings(values, keys)


def _settings(document: dict[str, Any], environment: Mapping[str, str]) -> Iterator[tuple[str, str, Any]]:
    """Yield where each setting stands, its key and its value."""
    for key, value in document.items():
        yield f"{FILE_NAME} key ", key, value
    for variable, value in environment.items():
        if variable.startswith(ENVIRONMENT_PREFIX):
            place = f"environment variable {ENVIRONMENT_PREFIX}"
            yield place, variable.removeprefix(ENVIRONMENT_PREFIX), value


def _convert(name: str, value: Any, label: str) -> Any:
    """Return the value of an option as `RunConfig` holds it; raises InputError for a wrong kind of value."""
    convert = OPTIONS[name].convert if name in OPTIONS else FACE_OPTIONS[name]
    try:
        return convert(value)
    except _MisfitError as error:
        raise InputError(f"{label} {value!r} {error.fault}", error.remedy) from None


def check_face_options(values: Mapping[str, Any]) -> None:
    """Raise InputError for a wrong value of an option that is the face's own, whichever face runs."""
    for name in FACE_OPTIONS.keys() & values.keys():
        _convert(name, values[name], f"--{name}")


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
    if name in _OF_THE_LINE:
        raise InputError(f"{what}{key} cannot be set here", f"give --{name} on the command line")
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
    checks = tuple(map(Check.parse, _convert("fail_under", values.get("fail_under", ()), "--fail-under")))
    return replace(base, checks=checks) if checks else base


def _require(values: Mapping[str, Any], name: str, option: str) -> None:
    if not values.get(name):
        raise InputError(f"{option} is missing", "give it, or start with neuroinspect --demo")


def _by_section(values: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    sections: dict[str, dict[str, Any]] = {}
    for name, value in values.items():
        option = OPTIONS.get(name)
        if option is not None:
            label = f"--{name.rstrip('_').replace('_', '-')}"
            sections.setdefault(option.section, {})[option.name] = _convert(name, value, label)
    return sections
