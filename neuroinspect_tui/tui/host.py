"""What screens and widgets ask of the app that shows them."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from ..jobs import Job
from .app_state import AppState
from .images.renderer import PictureRenderer
from .protocol import AppSession


class Host(Protocol):
    """The app as its screens know it; `NeuroInspectApp` is one."""

    project: AppSession
    app_state: AppState
    renderer: PictureRenderer

    def ask(self, job: Job) -> None:
        """Ask the worker for `job`."""

    def retry(self) -> None:
        """Ask again for what failed or was stopped."""

    def facts(self) -> tuple[str, ...]:
        """The title line's parts."""

    def view(self, name: str) -> None:
        """Open a screen by name."""

    def show_class(self, index: int) -> None:
        """Go to the main screen with class `index`."""

    def save_view(self) -> None:
        """Keep what is looked at and marked for the next time."""

    def open_session(self, root: Path) -> None:
        """Close this session and open the one in `root`."""

    def copy(self, text: str) -> None:
        """Put `text` on the clipboard of the user's terminal."""

    def keys_of(self, name: str) -> str:
        """The keys of a binding id as they are mapped now."""

    def draw_with(self, way: str) -> None:
        """Draw pictures another way."""
