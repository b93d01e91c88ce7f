"""`python -m tests.cast > docs/loop.svg`: half a minute of the demo as an animated SVG, drawn from its screens.

The app runs headless on the demo, so that two runs draw the same. Every frame is one screen: backgrounds and
the two halves of block characters are paths, one for each colour; text stands in runs of one style.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from rich.cells import cell_len
from rich.style import Style
from textual.strip import Strip

from neuroinspect_tui.cli.launch import _project, choose_run
from neuroinspect_tui.tui.app import NeuroInspectApp
from neuroinspect_tui.tui.protocol import Appearance
from tests.screenshots import TAG, Shot, keys_of, reached
from tests.walkthrough import TAGGED

SIZE = (120, 34)
CELL = (8, 16)
BAR = 30
INK, GROUND = "#c9d1d9", "#0d1117"


@dataclass(frozen=True)
class Scene:
    """What leads to a frame, how many seconds it stands, and what is said about it."""

    shot: Shot
    seconds: float
    words: str


SCENES = (
    Scene(Shot("look", ("enter",), "Covering it"), 5, "Why it fails: causes, most mistakes first, each with its proof"),
    Scene(Shot("sheet", ("3",), "the same images"), 4, "Look: mistakes, and the same images with the region covered"),
    Scene(Shot("tag", ("t",), "Tag “"), 3, "t · Tag: c has the cue, x has not"),
    Scene(Shot("tagged", (TAG,), "m with "), 4, f"{TAGGED} tags with one key each; a probe carries them on"),
    Scene(Shot("repair", ("m", "down"), "your 24 tags"), 2, "m · Repair the decision layer"),
    Scene(Shot("verdict", ("enter",), "3 Fixed"), 5, "The verdict, beside controls, on images that it never used"),
    Scene(Shot("through", ("a", "q", "1"), "repair 1 · worst first"), 4, "a · Accept and export; look through the new layer"),
    Scene(Shot("verified", ("w",), "fresh process"), 3, "w · Verify: a fresh process answers as the verdict counted"),
)  # fmt: skip


def frames(session: Path) -> list[list[Strip]]:
    """Walk through the scenes; return the lines of each screen."""
    config, directory = choose_run({"demo": True, "session": str(session)})
    app = NeuroInspectApp(_project(config, directory, tour=True), Appearance(images="block"), None)

    async def walk() -> list[list[Strip]]:
        found = []
        async with app.run_test(size=SIZE, notifications=True) as pilot:
            await reached(app, pilot.pause, Shot("tour", (), "covered "))
            for scene in SCENES:
                await pilot.press(*keys_of(app, scene.shot))
                await reached(app, pilot.pause, scene.shot)
                found.append(app.screen._compositor.render_strips())
        if app.worker is not None:
            app.worker.close(10.0)
        return found

    return asyncio.run(walk())


def draw(strips: Sequence[Strip]) -> str:
    """Return a screen as SVG elements."""
    boxes: dict[str, list[str]] = {}
    texts: list[str] = []
    for row, strip in enumerate(strips):
        column = 0
        for text, style, _ in strip:
            ink, ground = _colours(style)
            _box(boxes, ground, column, row, cell_len(text))
            if "▀" in text:
                for place in (place for place, letter in enumerate(text) if letter == "▀"):
                    _box(boxes, ink, column + place, row, 1, CELL[1] // 2)
            elif text.strip():
                texts.append(_text(text, style, ink, column, row))
            column += cell_len(text)
    boxes.pop(GROUND, None)
    return "".join(f'<path fill="{ink}" d="{"".join(parts)}"/>' for ink, parts in boxes.items()) + "".join(
        texts
    )


def _colours(style: Style | None) -> tuple[str, str]:
    """Return the colours of the letters and of the ground."""
    ink = style.color.get_truecolor().hex if style and style.color else INK
    ground = style.bgcolor.get_truecolor().hex if style and style.bgcolor else GROUND
    return (ground, ink) if style and style.reverse else (ink, ground)


def _box(boxes: dict[str, list[str]], colour: str, x: int, y: int, cells: int, height: int = CELL[1]) -> None:
    width = cells * CELL[0]
    boxes.setdefault(colour, []).append(f"M{x * CELL[0]} {y * CELL[1]}h{width}v{height}h-{width}z")


def _text(text: str, style: Style | None, ink: str, column: int, row: int) -> str:
    lead, shown = len(text) - len(text.lstrip()), text.strip()
    bold = ' font-weight="bold"' if style and style.bold else ""
    place = f'x="{(column + lead) * CELL[0]}" y="{row * CELL[1] + 12}"'
    width = cell_len(shown) * CELL[0]
    return f'<text {place} textLength="{width}" fill="{ink}"{bold}>{escape(shown)}</text>'


def animate(screens: Sequence[Sequence[Strip]]) -> Iterator[str]:
    """Yield the lines of the SVG: each screen stands for its seconds, then the next, round and round."""
    width, height = SIZE[0] * CELL[0], SIZE[1] * CELL[1]
    box = f'viewBox="0 0 {width} {height + BAR}" font-family="monospace" font-size="13"'
    yield f'<svg xmlns="http://www.w3.org/2000/svg" {box}>'
    yield "<title>NeuroInspect: from a cause to verified weights</title>"
    yield f"<style>text{{white-space:pre}}g{{visibility:hidden}}{''.join(_timing())}</style>"
    yield f'<rect width="{width}" height="{height + BAR}" fill="{GROUND}"/>'
    for place, (scene, strips) in enumerate(zip(SCENES, screens, strict=True)):
        words = f'<text x="8" y="{height + 20}" font-size="16" fill="#58a6ff">{escape(scene.words)}</text>'
        yield f'<g id="f{place}">{draw(strips)}{words}</g>'
    yield "</svg>"


def _timing() -> Iterator[str]:
    """Yield for each frame when it is seen, as style rules."""
    total, start = sum(scene.seconds for scene in SCENES), 0.0
    for place, scene in enumerate(SCENES):
        begin, end = 100 * start / total, 100 * (start + scene.seconds) / total
        hidden = "" if place == 0 else "0%{visibility:hidden}"
        after = "" if place == len(SCENES) - 1 else f"{end:.2f}%{{visibility:hidden}}"
        yield f"@keyframes k{place}{{{hidden}{begin:.2f}%{{visibility:visible}}{after}}}"
        yield f"#f{place}{{animation:k{place} {total:g}s step-end infinite}}"
        start += scene.seconds


def main() -> None:
    """Draw the cast on standard output."""
    with tempfile.TemporaryDirectory() as kept:
        os.environ["XDG_DATA_HOME"] = kept
        screens = frames(Path(kept) / "demo")
    sys.stdout.write("\n".join(animate(screens)) + "\n")


if __name__ == "__main__":
    main()
