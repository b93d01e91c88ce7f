"""Going between the panes of the main screen, and giving one of them the whole of it."""

from __future__ import annotations

from textual import events, on
from textual.widget import Widget

from ..keymap import keys
from .page import Page

PANES = ("classes", "neurons", "mistakes", "pictures")
NARROW = 110


class PanedPage(Page[None]):
    """Four panes in three columns; on a narrow screen the two columns around the focus are shown."""

    BINDINGS = keys(
        "pane.left", "pane.right", "pane.next", "pane.previous", "pane.classes", "pane.neurons",
        "pane.mistakes", "pane.pictures", "pane.maximise", "pane.restore",
    )  # fmt: skip

    @property
    def pane(self) -> str:
        """The pane that has the focus."""
        name = self.focused.id if self.focused else None
        return name if name in PANES else PANES[0]

    @on(events.DescendantFocus)
    @on(events.Resize)
    def _choose_columns(self) -> None:
        """On a narrow screen show the columns around the focus; elsewhere leave the styles alone."""
        self.set_class(self.pane == PANES[0] and self.app.size.width < NARROW, "-at-classes")

    def action_pane(self, direction: int) -> None:
        """Go to the column on the left or on the right."""
        columns = {"classes": ("classes", "neurons"), "pictures": ("neurons", "pictures")}
        left, right = columns.get(self.pane, ("classes", "pictures"))
        self.action_show_pane(left if direction < 0 else right)

    def action_next_pane(self, direction: int) -> None:
        """Go round the panes."""
        self.action_show_pane(PANES[(PANES.index(self.pane) + direction) % len(PANES)])

    def action_show_pane(self, name: str) -> None:
        """Focus a pane."""
        if self.has_class("-maximised"):
            self._maximise(name)
        self.set_focus(self.query_one(f"#{name}", Widget))

    def action_maximise(self, large: bool) -> None:
        """Give the focused pane the whole body, or show all panes again."""
        self._maximise(self.pane if large else None)

    def _maximise(self, name: str | None) -> None:
        self.set_class(name is not None, "-maximised")
        for pane in PANES:
            self.query_one(f"#{pane}").set_class(pane == name, "-largest")
        self.query_one("#middle").set_class(name in ("neurons", "mistakes"), "-largest")
