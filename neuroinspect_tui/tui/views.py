"""Opens the screens around the main one, with the class and neurons that it shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.app import App
from textual.screen import Screen

if TYPE_CHECKING:
    from .screens.triage import TriageScreen


def open_view(app: App[int], triage: TriageScreen, name: str) -> None:
    """Open a screen by name; screens around the main one replace each other."""
    screen = _make(triage, name)
    if screen is None:
        return
    while len(app.screen_stack) > 2:
        app.pop_screen()
    app.push_screen(screen)


def _make(triage: TriageScreen, name: str) -> Screen[None] | None:
    if name == "log":
        from .screens.log import LogScreen

        return LogScreen()
    if name == "sessions":
        from .screens.sessions import SessionsScreen

        return SessionsScreen()
    if name == "confusion":
        from .screens.confusion import ConfusionScreen

        return ConfusionScreen()
    if name == "cues":
        from .screens.cues import CuesScreen

        return CuesScreen(triage.aim)
    if triage.target is None or triage.app_state.opened is None:
        triage.notify("Not yet: the model and the classes are still being read.", severity="warning")
        return None
    if name == "tag":
        from .screens.tag import TagScreen

        return TagScreen(triage.aim) if triage.aim else None
    from .screens.repair import RepairScreen

    culprits = triage.marked or triage.app_state.culprit_neurons(triage.target)
    mode = triage.mode.id if triage.mode else None
    made = triage.app_state.seen_through
    return RepairScreen(triage.target, culprits, bool(triage.marked), mode, made.number if made else None)
