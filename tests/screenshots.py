"""`python -m tests.screenshots FOLDER`: every screen of the real app on the demo, at three sizes, as PNG.

Each size walks one session from the tour to a repair. Needs a headless Chromium, which draws Textual's SVG.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from neuroinspect_tui.cli.launch import _project, choose_run
from neuroinspect_tui.tui.app import NeuroInspectApp
from neuroinspect_tui.tui.protocol import Appearance
from tests.walkthrough import TAGGED

SIZES = ((80, 24), (120, 40), (200, 60))
ENOUGH = 300.0
CELL = (12.2, 24.4)
TAG = "tag"
"""Stands for the keys that tag the first images by their groups, as somebody who looks would by the pictures."""
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


@dataclass(frozen=True)
class Shot:
    """The keys that lead on from the shot before, words that are then on screen, and the name to keep."""

    name: str
    keys: tuple[str, ...] = ()
    shows: str = ""
    busy: bool = False


SHOTS = (
    Shot("tour", (), "From a cause"),
    Shot("triage", ("enter",), "the same images"),
    Shot("classes", ("c",), "1 Classes"),
    Shot("neurons", ("2", "space", "down", "space", "v"), "what-if"),
    Shot("pictures", ("1", "c", "3", "right"), "the same images"),
    Shot("zoom", ("z",), "without it"),
    Shot("maximised", ("escape", "plus")),
    Shot("confusion", ("minus", "1", "C", "n"), "images ("),
    Shot("tag", ("q", "t"), "teaches most"),
    Shot("tagged", (TAG,), "m with "),
    Shot("cues", ("n",), "watermark"),
    Shot("repair", ("q", "m"), "No repair yet"),
    Shot("verdict", ("down", "enter"), "Verdict on repair 1"),
    Shot("flips", ("3",), "3 Fixed"),
    Shot("accepted", ("a",), "Repaired weights are in"),
    Shot("through", ("q", "1"), "repair 1 ·"),
    Shot("through-classes", ("c",), "1 Classes"),
    Shot(
        "help",
        (
            "c",
            "question_mark",
        ),
        "Words on screen",
    ),
    Shot("commands", ("q", "colon"), ""),
    Shot("light", ("escape", "b", "f2"), ""),
)


def shoot(session: Path, size: tuple[int, int], folder: Path) -> Iterator[Path]:
    """Walk through all screens in one size; yield the SVG of each."""
    config, directory = choose_run({"demo": True, "session": str(session)})
    app = NeuroInspectApp(_project(config, directory, tour=True), Appearance(images="block"), None)

    async def walk() -> list[Path]:
        kept: list[Path] = []
        async with app.run_test(size=size, notifications=True) as pilot:
            for shot in SHOTS:
                await pilot.press(*keys_of(app, shot))
                await reached(app, pilot.pause, shot)
                path = folder / f"{shot.name}-{size[0]}x{size[1]}.svg"
                path.write_text(app.export_screenshot(title="neuroinspect"), encoding="utf-8")
                kept.append(path)
        if app.worker is not None:
            app.worker.close(10.0)
        return kept

    yield from asyncio.run(walk())


def keys_of(app: NeuroInspectApp, shot: Shot) -> list[str]:
    """Return the keys of a shot; for `TAG`, `c` or `x` for each of the first images on the tag screen."""
    if shot.keys != (TAG,):
        return list(shot.keys)
    tiles = app.screen.sheet.tiles[:TAGGED]  # type: ignore[attr-defined]
    return ["c" if tile.sample.groups["watermark"] == "yes" else "x" for tile in tiles]


async def reached(app: NeuroInspectApp, pause: Callable[..., object], shot: Shot) -> None:
    until = time.monotonic() + ENOUGH
    calm = 0
    while calm < (1 if shot.busy else 5):
        await pause(0.02)  # type: ignore[misc]
        text = "\n".join(strip.text for strip in app.screen._compositor.render_strips())
        ready = shot.shows in text and (shot.busy or not app.app_state.pending)
        calm = calm + 1 if ready else 0
        if time.monotonic() > until:
            raise SystemExit(f"{shot.name} never showed {shot.shows!r}:\n{text}")


def draw(svg: Path, size: tuple[int, int]) -> None:
    """Turn an SVG into a PNG beside it."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        raise SystemExit("no Chromium on the PATH to draw the SVG with")
    width, height = round(size[0] * CELL[0]) + 20, round(size[1] * CELL[1]) + 60
    options = ("--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars")
    subprocess.run(
        [browser, *options, f"--screenshot={svg.with_suffix('.png')}", f"--window-size={width},{height}", svg.as_uri()],
        check=True, capture_output=True,
    )  # fmt: skip
    svg.unlink()


def main() -> None:
    """Draw all shots into a folder."""
    parser = argparse.ArgumentParser(prog="python -m tests.screenshots", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("sizes", nargs="*", metavar="COLUMNSxLINES", help="default: three sizes")
    options = parser.parse_args()
    folder, sizes = options.folder, [tuple(map(int, size.split("x"))) for size in options.sizes]
    folder.mkdir(parents=True, exist_ok=True)
    for size in sizes or SIZES:
        with tempfile.TemporaryDirectory() as kept:
            os.environ["XDG_DATA_HOME"] = kept
            for svg in shoot(Path(kept) / "demo", size, folder):
                draw(svg.resolve(), size)
                print(svg.with_suffix(".png").name, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
