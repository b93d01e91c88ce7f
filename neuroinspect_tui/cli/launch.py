"""From the options given to a running face: the app, or the headless one."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ..config import RunConfig
from ..demo import demo_config
from ..errors import InputError
from ..resume.locations import default_directory, recent, remember
from ..runtime.allocator import keep_freed_memory
from ..runtime.cpu import choose_threads
from ..runtime.imports import load_image_libraries
from ..runtime.ranks import Ranks
from ..session.store import INDEX, Session
from ..text import safe
from .configure import Settings, Values, build_config, read_settings

if TYPE_CHECKING:
    from ..runtime.worker import Runner
    from ..tui.protocol import AppSession


def launch(given: Values, stress_alone: bool = False) -> int:
    """Run what the options ask for and return the exit code.

    With `stress_alone` that is the stress battery, headless, on a saved session as well.
    `given` holds the options that were set on the command line, by name.
    """
    keep_freed_memory()
    choose_threads(os.environ, spared=0 if given.get("batch") or stress_alone else 1)
    config_file = given.get("config")
    settings = read_settings(Path(config_file) if config_file else None)
    values = merged(settings.options, given)
    config, directory = choose_run(values)
    if values.get("batch") or stress_alone:
        from ..batch.run import run_batch

        ranks = Ranks.of_environment()
        if ranks.leads:
            with contextlib.suppress(InputError):
                remember(directory)
        make_runner = _runner(config, directory, ranks=ranks)
        return run_batch(config, directory, make_runner, bool(values.get("json")), ranks, stress_alone)
    return _run_app(config, directory, values, settings)


def merged(settings: Values, given: Values) -> Values:
    """Return the settings with what is given in their place; inputs that it replaces go altogether."""
    replaced: tuple[str, ...] = ()
    if given.get("demo"):
        replaced = ("model", "predictions", "weights", "data")
    elif given.get("predictions"):
        replaced = ("model", "weights")
    elif given.get("model"):
        replaced = ("predictions",)
    kept = {name: value for name, value in settings.items() if name not in replaced}
    return {**kept, **given}


def choose_run(values: Values) -> tuple[RunConfig, Path]:
    """Return what to run and its session directory: the demo, the model and data given, or a saved session.

    Raises InputError when neither the options nor a saved session name a model and data.
    """
    chosen = Path(values["session"]) if values.get("session") else None
    if values.get("demo"):
        _refuse_inputs(values)
        config = build_config(values, demo_config())
    elif any(values.get(name) for name in ("model", "data", "predictions", "batch")):
        config = build_config(values)
    else:
        return _reopen(chosen, values)
    return config, chosen or default_directory(config)


def _refuse_inputs(values: Values) -> None:
    for name in ("model", "data", "predictions"):
        if values.get(name):
            raise InputError(f"--{name} does not go with --demo", "leave one of them out")


def _reopen(chosen: Path | None, values: Values) -> tuple[RunConfig, Path]:
    if chosen is None:
        known = recent()
        if not known:
            config = build_config(values, demo_config())
            return config, default_directory(config)
        chosen = known[0]
    saved = Session.view(chosen).config
    if saved is None:
        raise InputError(f"{chosen} has never been run", "give -m and -d, or another session with -o")
    return build_config(values, saved), chosen


def _runner(config: RunConfig, directory: Path, ranks: Ranks | None = None) -> Callable[[], Runner]:
    def make() -> Runner:
        load_image_libraries()
        from ..pipeline.pipeline import Pipeline
        from ..runtime.process import settle

        settle()
        return Pipeline(config, directory, ranks)

    return make


def _run_app(config: RunConfig, directory: Path, values: Values, settings: Settings) -> int:
    from ..tui.wire.streams import has_terminal

    if not has_terminal():
        raise InputError("there is no terminal to open the app in", "use --batch, or connect with ssh -t")
    from ..tui.protocol import Appearance
    from ..tui.start import run_app

    appearance = Appearance(values.get("images", "auto"), settings.keys, values.get("theme"))
    project = _project(config, directory, tour=bool(values.get("demo")))
    shown = [directory]

    def reopen(other: Path) -> AppSession:
        shown.append(other)
        return _project(*_reopen(other, {}))

    code = run_app(project, appearance, reopen)
    _say_where(shown[-1])
    return code


def _say_where(directory: Path) -> None:
    """Say below the prompt where everything is, if there is anything."""
    if (directory / INDEX).is_file():
        with contextlib.suppress(OSError):
            print(f"session saved in {safe(str(directory))}: neuroinspect opens it again", file=sys.stderr)


def _project(config: RunConfig, directory: Path, tour: bool = False) -> AppSession:
    """What the app shows: saved results now, and a worker as soon as its screen is up."""
    from ..resume.follow import Follower, journal_of_another
    from ..resume.restore import save_view, saved_state, session_entries
    from ..runtime.worker import OnEvent, Worker
    from ..tui.protocol import AppSession, Facts

    remember(directory)
    make_runner = _runner(config, directory)
    past = journal_of_another(directory)

    def make_worker(on_event: OnEvent) -> Worker | Follower:
        if past is None:
            return Worker(make_runner, on_event)
        return Follower(directory, config, past, partial(Worker, make_runner), on_event)

    return AppSession(
        facts=Facts(config.model.spec, config.data.source, config.data.split, config.compute.device),
        state=saved_state(config, directory),
        make_worker=make_worker,
        save_view=lambda view: save_view(directory, view),
        sessions=session_entries,
        tour=tour,
    )
