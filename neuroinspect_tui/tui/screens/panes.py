"""Going between the panes of the main screen, and giving one of them the whole of it."""

from __future__ import annotations

from textual import events, on
from textual.widget import Widget

from ..keymap import keys
from ..widgets.contact_sheet import ContactSheet
from .sheet_page import SheetPage

PANES = ("causes", "neurons", "pictures")
NARROW = 110


class PanedPage(SheetPage):
    """Causes above neurons, pictures beside them; on a narrow screen the pane with the focus has the room."""

    BINDINGS = keys(
        "pane.left", "pane.right", "pane.next", "pane.previous", "pane.causes", "pane.neurons",
        "pane.pictures", "pane.maximise", "pane.restore",
    )  # fmt: skip

    def __init__(self, sheet: ContactSheet) -> None:
        super().__init__(sheet)
        self.pane = PANES[0]
        """The pane that has the focus, or had it last."""

    def widget_of(self, pane: str) -> Widget:
        """Return the widget that takes the focus of a pane."""
        return self.query_one(f"#{pane}", Widget)

    @on(events.DescendantFocus)
    @on(events.Resize)
    def _follow_focus(self) -> None:
        """Note the pane with the focus; the style sheet shows it where there is not room for all."""
        self.pane = next((pane for pane in PANES if self.focused is self.widget_of(pane)), self.pane)
        for pane in PANES:
            self.set_class(pane == self.pane, f"-at-{pane}")

    def action_pane(self, direction: int) -> None:
        """Go from the lists to the pictures, or back to the list before."""
        if direction > 0:
            self.action_show_pane("pictures")
        else:
            self.action_show_pane("causes")

    def action_next_pane(self, direction: int) -> None:
        """Go round the panes."""
        self.action_show_pane(PANES[(PANES.index(self.pane) + direction) % len(PANES)])

    def action_show_pane(self, name: str) -> None:
        """Focus a pane."""
        self.pane = name
        for pane in PANES:
            self.set_class(pane == name, f"-at-{pane}")
        self.set_focus(self.widget_of(name))

    def action_maximise(self, large: bool) -> None:
        """Give the focused pane the whole body, or show all panes again."""
        self.set_class(large, "-maximised")
