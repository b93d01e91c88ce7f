"""The command palette: every action of the screen, every class, theme and way of drawing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import cast

from textual.binding import Binding
from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content

from ..text import safe
from .host import Host
from .keymap import KEYS, MOVE, PANES

Command = tuple[str, str, Callable[[], object]]


def _is_movement(binding: Binding) -> bool:
    """Movements come last: whoever opens the palette looks for something else."""
    return binding.id in KEYS and KEYS[binding.id].place in (MOVE, PANES)


class Commands(Provider):
    """Searches everything that can be done here."""

    @property
    def ni(self) -> Host:
        """The app, as what it is to its screens."""
        return cast("Host", self.app)

    async def discover(self) -> Hits:
        """Offer the actions before anything is typed."""
        for words, help_text, run in self._actions():
            yield DiscoveryHit(Content(words), run, text=words, help=help_text)

    async def search(self, query: str) -> Hits:
        """Offer what matches `query`."""
        matcher = self.matcher(query)
        for words, help_text, run in (*self._actions(), *self._choices()):
            score = matcher.match(words)
            if score > 0:
                yield Hit(score, matcher.highlight(words), run, text=words, help=help_text)

    def _actions(self) -> Iterator[Command]:
        seen: set[str] = set()
        active = self.screen.active_bindings.values()
        for _, binding, enabled, _ in sorted(active, key=lambda one: _is_movement(one.binding)):
            words = binding.description
            if not enabled or not words or words in seen or binding.id is None:
                continue
            seen.add(words)
            key = " ".join(self.ni.keys_of(binding.id).split())
            yield words.capitalize(), f"key {key}", partial(self.app.simulate_key, binding.key)

    def _choices(self) -> Iterator[Command]:
        names = self.ni.app_state.opened.classes if self.ni.app_state.opened else ()
        for index, name in enumerate(names):
            yield f"Class {safe(name, 60)}", "show this class", partial(self.ni.show_class, index)
        for theme in self.app.available_themes:
            yield f"Theme {theme}", "change the colours", partial(setattr, self.app, "theme", theme)
        for way in (*self.ni.renderer.encoders, "none"):
            yield f"Pictures {way}", "how pictures are drawn", partial(self.ni.draw_with, way)
