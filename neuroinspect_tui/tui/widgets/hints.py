"""The last line: what the keys do here and now; each hint can be clicked."""

from __future__ import annotations

from dataclasses import replace

from textual import events, on
from textual.binding import Binding
from textual.content import Content
from textual.screen import Screen
from textual.style import Style
from textual.widget import Widget


class HintBar(Widget):
    """The bindings of the focused widget, its screen and the app that are meant for the footer.

    With `back` it tells the way back, too.
    """

    ALLOW_SELECT = False

    def __init__(self, back: bool, dom_id: str | None = None) -> None:
        super().__init__(id=dom_id)
        self.back = back

    @on(events.Mount)
    def _mounted(self) -> None:
        self.screen.bindings_updated_signal.subscribe(self, self._changed)

    def _changed(self, screen: Screen[object]) -> None:
        self.refresh()

    def render(self) -> Content:
        """Return as many hints as fit, the most particular first, help and quit always."""
        shown: dict[str, Binding] = {}
        for _, binding, enabled, _ in self.screen.active_bindings.values():
            if binding.show and enabled:
                shown.setdefault(binding.id or binding.action, binding)
        hints = {name: self._hint(binding) for name, binding in shown.items()}
        if self.back and "escape" in self.screen.active_bindings:
            back = self.screen.active_bindings["escape"].binding
            hints["app.back"] = self._hint(replace(back, description="back"))
        always = [hints.pop(name) for name in ("app.back", "app.help", "app.quit") if name in hints]
        room = self.size.width - sum(hint.cell_length for hint in always) - 2
        fitting: list[Content] = []
        for hint in hints.values():
            if hint.cell_length > room:
                break
            fitting.append(hint)
            room -= hint.cell_length
        return Content.assemble(" ", *fitting, *always)

    def _hint(self, binding: Binding) -> Content:
        key = self.app.get_key_display(binding)
        click = Style.from_meta({"@click": f"screen.press_key('{binding.key}')"})
        words = (f" {binding.description}  ", "$foreground 80%")
        return Content.assemble((key, "bold $accent"), words).stylize(click)
