"""Runs the app: asks the terminal what it can draw, then hands it to Textual, session after session."""

from __future__ import annotations

import os
from collections.abc import Callable, MutableMapping
from pathlib import Path

from .images.probe import Terminal, probe_terminal
from .protocol import Look, Project


def run_app(project: Project, look: Look, reopen: Callable[[Path], Project] | None = None) -> int:
    """Show `project` until the user quits; `reopen` makes the project of another session's directory.

    Returns the exit code. Raises InputError for a look that does not exist.
    """
    terminal = probe_terminal()
    prepare_colours(terminal, os.environ)
    from .app import NeuroInspectApp

    while True:
        app = NeuroInspectApp(project, look, terminal)
        code = app.run()
        if app.worker is not None:
            app.worker.close(10.0)
        if app.next_session is None or reopen is None:
            return code or 0
        project = reopen(app.next_session)


def prepare_colours(terminal: Terminal, environment: MutableMapping[str, str]) -> None:
    """Tell Textual of true colour where ssh did not: without it placeholders lose their picture numbers."""
    if terminal.true_colour:
        environment.setdefault("COLORTERM", "truecolor")
