"""The looks: dark, light, high contrast, no colour. Every sign has a shape or a word besides its colour."""

from __future__ import annotations

from textual.theme import Theme

DARK = Theme(
    name="dark",
    primary="#7cc4ff",
    secondary="#b69cff",
    accent="#ffb454",
    success="#7fd6a4",
    warning="#e6c15c",
    error="#ff7a85",
    foreground="#d7dee8",
    background="#0f1319",
    surface="#141922",
    panel="#1d2430",
    dark=True,
    variables={"border": "#7cc4ff", "border-blurred": "#303a4a", "scrollbar": "#303a4a"},
)
LIGHT = Theme(
    name="light",
    primary="#0b5cad",
    secondary="#6741b5",
    accent="#b45309",
    success="#14713d",
    warning="#8a6100",
    error="#b4232f",
    foreground="#1c232d",
    background="#f6f7f9",
    surface="#ffffff",
    panel="#e6eaf0",
    dark=False,
    variables={"border": "#0b5cad", "border-blurred": "#b9c2cf", "scrollbar": "#b9c2cf"},
)
CONTRAST = Theme(
    name="high-contrast",
    primary="#00e5ff",
    secondary="#ffffff",
    accent="#ffff00",
    success="#00ff6a",
    warning="#ffff00",
    error="#ff6b6b",
    foreground="#ffffff",
    background="#000000",
    surface="#000000",
    panel="#1c1c1c",
    dark=True,
    text_alpha=1.0,
    variables={"border": "#ffff00", "border-blurred": "#9a9a9a", "scrollbar": "#9a9a9a"},
)
PLAIN = Theme(
    name="no-colour",
    primary="#e6e6e6",
    secondary="#e6e6e6",
    accent="#ffffff",
    success="#e6e6e6",
    warning="#e6e6e6",
    error="#ffffff",
    foreground="#d0d0d0",
    background="#101010",
    surface="#101010",
    panel="#262626",
    dark=True,
    variables={"border": "#ffffff", "border-blurred": "#4a4a4a", "scrollbar": "#4a4a4a"},
)
THEMES = {theme.name: theme for theme in (DARK, LIGHT, CONTRAST, PLAIN)}
