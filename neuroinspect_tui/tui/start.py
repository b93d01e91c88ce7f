"""Runs the app: asks the terminal what it can draw, then hands it to Textual, session after session."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, MutableMapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import ExitCode
from ..jobs import Open
from ..runtime.hangup import Watch, let_go_of_terminal
from ..text import complain
from .images.probe import Terminal, probe_terminal
from .protocol import Appearance, AppSession
from .wire.guard import Guard
from .wire.streams import Streams, own_terminal

if TYPE_CHECKING:
    from .app import NeuroInspectApp

DUMB = "TERM says that this terminal cannot draw a screen; if it can: export TERM=xterm-256color"


def run_app(project: AppSession, look: Appearance, reopen: Callable[[Path], AppSession] | None = None) -> int:
    """Show `project` until the user quits; `reopen` makes the project of another session's directory.

    Returns the exit code. Raises InputError for a look that does not exist.
    """
    if os.environ.get("TERM", "") in ("", "dumb"):
        complain(DUMB)
    terminal = probe_terminal()
    prepare_colours(terminal, os.environ)
    from .app import NeuroInspectApp

    while True:
        with own_terminal() as output:
            app = NeuroInspectApp(project, look, terminal, output)
            leave = partial(app.call_later, _leave, app)
            with Guard(), Streams(app.log_line), Watch(leave) as watch:
                app.run(mouse=not in_gnu_screen(os.environ))
        if watch.ending == "hung up":
            return _finish_unseen(app)
        ended = app.worker is None or app.worker.close(10.0)
        if watch.ending:
            return ExitCode.INTERRUPTED
        if app.next_session is None or reopen is None:
            return _code_of(app)
        if app.worker is not None and not ended:
            complain("the step under way is ending: the other session opens after it")
            app.worker.close(None)
        project = reopen(app.next_session)


def _code_of(app: NeuroInspectApp) -> int:
    """Return the exit code; what kept the inputs from being opened is said once more where it stays."""
    refused = app.app_state.failures.get(Open())
    if refused is None:
        return app.return_code or 0
    complain(refused.line)
    return ExitCode.BAD_INPUT if refused.bad_input else ExitCode.INTERNAL_FAULT


def _leave(app: NeuroInspectApp) -> None:
    """End the interface without asking, and keep what is looked at."""
    app.save_view()
    app.exit(0)


def _finish_unseen(app: NeuroInspectApp) -> int:
    """Do what was asked for before the connection dropped; the journal tells how it goes."""
    let_go_of_terminal()
    if app.worker is not None:
        app.worker.close(None, finish=True)
    return 0


def prepare_colours(terminal: Terminal, environment: MutableMapping[str, str]) -> None:
    """Tell Textual of true colour where ssh did not: without it placeholders lose their picture numbers.

    GNU screen has 256 colours, whatever the terminal around it announced.
    """
    if in_gnu_screen(environment):
        environment.pop("COLORTERM", None)
        environment["TERM"] = "screen-256color"
    elif terminal.true_colour and environment.get("COLORTERM") not in ("truecolor", "24bit"):
        environment["COLORTERM"] = "truecolor"


def in_gnu_screen(environment: Mapping[str, str]) -> bool:
    """Whether GNU screen is around: with mouse reports on, it keeps a lone Escape for itself."""
    return "STY" in environment and "TMUX" not in environment
