"""Opens the screens around the main one, with the class and neurons that it shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.screen import Screen

if TYPE_CHECKING:
    from .app import NeuroInspectApp


def open_view(app: NeuroInspectApp, name: str) -> None:
    """Open a screen by name; screens around the main one replace each other."""
    screen = _make(app, name)
    if screen is None:
        return
    while len(app.screen_stack) > 2:
        app.pop_screen()
    app.push_screen(screen)


def _make(app: NeuroInspectApp, name: str) -> Screen[None] | None:
    triage = app.triage
    if name == "log":
        from .screens.log import LogScreen

        return LogScreen()
    if name == "sessions":
        from .screens.sessions import SessionsScreen

        return SessionsScreen()
    if name == "confusion":
        from .screens.confusion import ConfusionScreen

        return ConfusionScreen()
    if triage.target is None or app.board.opened is None:
        app.notify("Not yet: the model and the classes are still being read.", severity="warning")
        return None
    culprits = triage.marked or app.board.culprit_neurons(triage.target)
    if name == "tag":
        from .screens.tag import TagScreen

        return TagScreen(triage.target, culprits)
    from .screens.repair import RepairScreen

    return RepairScreen(triage.target, culprits, bool(triage.marked))
