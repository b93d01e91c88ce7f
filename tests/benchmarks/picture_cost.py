"""`python -m tests.benchmarks.picture_cost`: what a picture of 224 × 224 pixels costs in 40 × 20 cells.

Milliseconds to prepare it (off the interface's thread), bytes sent once, and bytes of each repaint: the cells
with their colours, and the overlay where the way of drawing has one. Beside a drawn picture of the demo stands
noise, which compresses worst, as illusions do.
"""

from __future__ import annotations

import statistics
import time

import numpy as np
from PIL import Image
from rich.console import Console

from neuroinspect_tui.demo import assets_dir
from neuroinspect_tui.tui.images.chooser import Choice, make_encoders
from neuroinspect_tui.tui.images.encoder import Encoder, Rendered
from neuroinspect_tui.tui.images.picture import Box
from neuroinspect_tui.tui.images.probe import Terminal

BOX = Box(40, 20, 9, 18)
SIDE = 224
ROUNDS = 9


def pictures() -> dict[str, Image.Image]:
    """Return the demo's first boat and noise, both enlarged to `SIDE`."""
    boat = Image.open(assets_dir() / "data" / "val" / "boat" / "0000.jpg").convert("RGB")
    noise = np.random.default_rng(0).integers(0, 256, (SIDE // 2, SIDE // 2, 3), dtype=np.uint8)
    return {
        "demo picture": boat.resize((SIDE, SIDE), Image.Resampling.BICUBIC),
        "noise": Image.fromarray(noise).resize((SIDE, SIDE), Image.Resampling.BICUBIC),
    }


def cell_bytes(painted: Rendered) -> int:
    """Return how many bytes the cells are as the terminal gets them, in true colour."""
    console = Console(color_system="truecolor", force_terminal=True)
    return sum(len(strip.render(console).encode()) for strip in painted.strips)


def milliseconds(encoder: Encoder, image: Image.Image) -> float:
    """Return the median time to prepare the picture."""
    taken = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        encoder.encode(image, BOX)
        taken.append(time.perf_counter() - began)
    return 1e3 * statistics.median(taken)


def main() -> None:
    """Measure every way of drawing and print a Markdown table."""
    ways = ("kitty", "sixel", "iterm2", "block")
    encoders = make_encoders(Choice("kitty", "", ways), Terminal())
    print("| way | picture | ms | sent once | each repaint |\n| --- | --- | --- | --- | --- |")
    for way, encoder in encoders.items():
        for name, image in pictures().items():
            painted = encoder.encode(image, BOX)
            again = cell_bytes(painted) + len(painted.overlay.encode())
            sent = f"{len(painted.send.encode()) / 1e3:.0f} kB"
            print(f"| {way} | {name} | {milliseconds(encoder, image):.1f} | {sent} | {again / 1e3:.0f} kB |")


if __name__ == "__main__":
    main()
