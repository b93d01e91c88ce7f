"""From the options given to a running face: the app, or the headless one."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .config import RunConfig
from .configure import Settings, build_config, read_settings
from .demo import demo_config
from .errors import InputError
from .session.store import saved_config
from .sessions import default_directory, recent, remember

if TYPE_CHECKING:
    from .worker import Runner


def launch(given: dict[str, Any]) -> int:
    """Run what the options ask for and return the exit code.

    `given` holds the options that were set on the command line, by parameter name.
    """
    settings = read_settings(given.get("config"))
    values = {**settings.options, **given}
    config, directory = choose_run(values)
    if values.get("batch"):
        from .batch import run_batch

        return run_batch(config, directory, _runner(config, directory), bool(values.get("json")))
    return _run_app(config, directory, values, settings)


def choose_run(values: dict[str, Any]) -> tuple[RunConfig, Path]:
    """Return what to run and its session directory: the demo, the model and data given, or a saved session.

    Raises InputError when neither the options nor a saved session name a model and data.
    """
    chosen = Path(values["session"]) if values.get("session") else None
    if values.get("demo"):
        config = build_config({**values, **_without_inputs(values)}, demo_config())
    elif values.get("model") or values.get("data") or values.get("batch"):
        config = build_config(values)
    else:
        return _reopen(chosen, values)
    return config, chosen or default_directory(config)


def _without_inputs(values: dict[str, Any]) -> dict[str, Any]:
    for option in ("model", "data"):
        if values.get(option):
            raise InputError(f"--{option} does not go with --demo", "leave one of them out")
    return {}


def _reopen(chosen: Path | None, values: dict[str, Any]) -> tuple[RunConfig, Path]:
    if chosen is None:
        known = recent()
        if not known:
            config = build_config(values, demo_config())
            return config, default_directory(config)
        chosen = known[0]
    return build_config(values, saved_config(chosen)), chosen


def _runner(config: RunConfig, directory: Path) -> Callable[[], Runner]:
    def make() -> Runner:
        from .pipeline import Pipeline

        return Pipeline(config, directory)

    return make


def _run_app(config: RunConfig, directory: Path, values: dict[str, Any], settings: Settings) -> int:
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise InputError("no terminal to open the app in", "use --batch, or ssh -t")
    from .tui.start import start_app

    remember(directory)
    return start_app(
        config,
        directory,
        _runner(config, directory),
        images=values.get("images", "auto"),
        theme=values.get("theme"),
        keys=settings.keys,
    )
