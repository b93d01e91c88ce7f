"""The case in words above its pictures: the cause in one sentence, then what proves it."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget

from ...text import safe


class CaseWords(Widget):
    """A few lines; the first stands out. As many as there is room for."""

    ALLOW_SELECT = False
    lines: reactive[tuple[str, ...]] = reactive((), layout=False)

    def show(self, lines: Sequence[str]) -> None:
        """Show `lines`, the most important first."""
        self.lines = tuple(safe(line, 400) for line in lines)

    def render(self) -> Content:
        """Return the first line bold, the others below it, each on as many lines as it needs."""
        styled = [
            Content.styled(line, "bold" if place == 0 else "$foreground 80%")
            for place, line in enumerate(self.lines)
        ]
        return Content("\n").join(styled)
