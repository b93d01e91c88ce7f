"""Where values of options come from, and the `RunConfig` that they make.

An option on the command line wins over `NEUROINSPECT_<OPTION>` in the environment, that over
`neuroinspect.toml`, that over the saved session, and that over the default.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ..config import SELF_CONTAINED, Check, DataConfig, ModelConfig, RunConfig, nearest
from ..errors import InputError
from .options import OPTIONS
from .values import read_value

ENVIRONMENT_PREFIX = "NEUROINSPECT_"
FILE_NAME = "neuroinspect.toml"
Values = dict[str, Any]
"""Option values by name, as `read_value` makes them."""


@dataclass(frozen=True)
class Settings:
    """What the environment and the settings file say: option values, and the re-mapped keys of the app."""

    options: Values = field(default_factory=dict)
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
        values[name] = read_value(OPTIONS[name], value, f"{place}{key}")
    return Settings(values, keys)


def _settings(document: dict[str, Any], environment: Mapping[str, str]) -> Iterator[tuple[str, str, Any]]:
    """Yield where each setting stands, its key and its value; the environment last, for it wins."""
    for key, value in document.items():
        yield f"{FILE_NAME} key ", key, value
    for variable, value in environment.items():
        if variable.startswith(ENVIRONMENT_PREFIX):
            place = f"environment variable {ENVIRONMENT_PREFIX}"
            yield place, variable.removeprefix(ENVIRONMENT_PREFIX), value


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
        raise InputError(f"--config {path} is not valid TOML ({error})", "correct that line") from None


def _known(key: str, place: str) -> str:
    name = key.lower().replace("-", "_")
    option = OPTIONS.get(name)
    if option is None:
        known = [other.flag.removeprefix("--") for other in OPTIONS.values()]
        hint = nearest(key.lower().replace("_", "-"), known)
        raise InputError(f"{place}{key} is not known", hint or "remove it")
    if option.info.command_line_only:
        raise InputError(f"{place}{key} cannot be set here", f"give {option.flag} on the command line")
    return name


def build_config(values: Mapping[str, Any], base: RunConfig | None = None) -> RunConfig:
    """Return `base` with the option values put in; without a base, a model and data are required.

    Raises InputError naming the option whose value is missing or not valid.
    """
    values = _model_of_predictions(values)
    if base is None:
        model = str(_required(values, "model"))
        data = model if model.startswith(SELF_CONTAINED) else ""
        base = RunConfig(ModelConfig(model), DataConfig(data or str(_required(values, "data"))))
    for section, found in _by_section(values).items():
        base = replace(base, **{section: replace(getattr(base, section), **found)})
    fail_under = read_value(OPTIONS["fail_under"], values.get("fail_under", ()), "--fail-under")
    checks = tuple(map(Check.parse, fail_under))
    return replace(base, checks=checks) if checks else base


def _model_of_predictions(values: Mapping[str, Any]) -> Mapping[str, Any]:
    """Put a table of predictions in the model's place."""
    predictions = values.get("predictions")
    if not predictions:
        return values
    if values.get("model"):
        raise InputError("--predictions does not go with --model", "leave one of them out")
    return {**values, "model": f"predictions:{predictions}"}


def _required(values: Mapping[str, Any], name: str) -> object:
    if not values.get(name):
        flags = "/".join(OPTIONS[name].flags)
        raise InputError(f"{flags} is missing", "give it, or start with neuroinspect --demo")
    return values[name]


def _by_section(values: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    sections: dict[str, dict[str, Any]] = {}
    for name, value in values.items():
        option = OPTIONS[name]
        if option.section != "program":
            read = read_value(option, value, option.flag)
            sections.setdefault(option.section, {})[option.field] = not read if option.negated else read
    return sections
