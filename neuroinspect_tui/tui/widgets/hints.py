"""The last line: what the keys do here and now; each hint can be clicked."""

from __future__ import annotations

from dataclasses import replace

from textual import events, on
from textual.binding import Binding
from textual.content import Content
from textual.screen import Screen
from textual.style import Style
from textual.widget import Widget

MATTER = ("list.open", "view.tag", "view.repair", "tag.has", "tag.not", "tag.row-has", "tag.row-not")
"""Keys that a narrow footer keeps."""


class HintBar(Widget):
    """The bindings of the focused widget, its screen and the app that are meant for the footer.

    The key that comes next, which the screen names, stands first. With `back` it tells the way back, too.
    """

    ALLOW_SELECT = False

    def __init__(self, back: bool, dom_id: str | None = None) -> None:
        super().__init__(id=dom_id)
        self.back = back
        self.next_step: tuple[str, str] = ("", "")

    @on(events.Mount)
    def _mounted(self) -> None:
        self.screen.bindings_updated_signal.subscribe(self, self._changed)

    def _changed(self, screen: Screen[object]) -> None:
        self.refresh()

    def name_next(self, step: tuple[str, str]) -> None:
        """Name the key that comes next by its id and what it will do; nothing for an empty id."""
        if step != self.next_step:
            self.next_step = step
            self.refresh()

    def render(self) -> Content:
        """Return the next key and as many hints as fit, the most particular first, help and quit always."""
        shown: dict[str, Binding] = {}
        for _, binding, enabled, _ in self.screen.active_bindings.values():
            if binding.show and enabled:
                shown.setdefault(binding.id or binding.action, binding)
        name, words = self.next_step
        named = next((b for _, b, _, _ in self.screen.active_bindings.values() if b.id == name), None)
        shown.pop(name, None)
        hints = {name: self._hint(binding) for name, binding in shown.items()}
        first = [self._next(named, words)] if named else []
        if self.back and "app.quit" in shown:
            hints["app.quit"] = self._hint(replace(shown["app.quit"], description="back"))
        always = [hints.pop(name) for name in ("app.help", "app.quit") if name in hints]
        hints = {name: hints[name] for name in sorted(hints, key=lambda name: name not in MATTER)}
        room = self.size.width - sum(hint.cell_length for hint in (*first, *always)) - 2
        fitting: list[Content] = []
        for hint in hints.values():
            if hint.cell_length <= room:
                fitting.append(hint)
                room -= hint.cell_length
        return Content.assemble(" ", *first, *fitting, *always)

    def _next(self, binding: Binding, words: str) -> Content:
        key = self.app.get_key_display(binding)
        click = Style.from_meta({"@click": f"screen.press_key('{binding.key}')"})
        return Content.assemble((f" {key} {words} ", "bold reverse $accent"), "  ").stylize(click)

    def _hint(self, binding: Binding) -> Content:
        key = self.app.get_key_display(binding)
        click = Style.from_meta({"@click": f"screen.press_key('{binding.key}')"})
        words = (f" {binding.description}  ", "$foreground 80%")
        return Content.assemble((key, "bold $accent"), words).stylize(click)
