"""The grounds of the demo world: water, sand, grass, brick and the night sky, as float RGB arrays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image, ImageDraw

Picture = NDArray[np.floating[Any]]
"""[H,W,3] RGB, or [H,W] grey; 0…1."""


def enlarge(grid: Picture, size: int) -> Picture:
    """Return a small grey grid enlarged smoothly to [size,size]."""
    return np.asarray(Image.fromarray(grid.astype(np.float32)).resize((size, size), Image.Resampling.BICUBIC))


def clouds(rng: Generator, size: int, cells: tuple[int, int], octaves: int = 3) -> Picture:
    """Return fractal noise [size,size], mean about 0, spread about 1, starting at (rows, columns) cells."""
    total = np.zeros((size, size), np.float32)
    for octave in range(octaves):
        rows, columns = (max(2, cell << octave) for cell in cells)
        total += enlarge(rng.uniform(-1, 1, (rows + 1, columns + 1)), size) / 2**octave
    return total / 0.6


def blend(weight: Picture, low: tuple[float, float, float], high: tuple[float, float, float]) -> Picture:
    """Return the mix of two colours by a grey weight [H,W], 0 → low, 1 → high."""
    share = np.clip(weight, 0, 1)[..., None]
    return (np.array(low) * (1 - share) + np.array(high) * share).astype(np.float32)


def water(rng: Generator, size: int) -> Picture:
    """Blue-green ripples under a light that glints on the crests."""
    rows = np.linspace(0, 1, size, dtype=np.float32)[:, None]
    swell = clouds(rng, size, (9, 2)) * 0.35
    ripple = np.sin((rows * rng.uniform(13, 18) + swell * 1.6 + rng.uniform(0, 6)) * 2 * np.pi * 0.5)
    deep = float(rng.uniform(-0.08, 0.08))
    base = blend(
        0.45 + 0.28 * ripple * 0.6 + 0.22 * swell - 0.25 * (rows - 0.5),
        (0.02, 0.24 + deep, 0.46),
        (0.22, 0.66 + deep, 0.80),
    )
    glint = np.clip(ripple + swell - 1.05, 0, 1)[..., None] * 0.9
    water: Picture = base + glint * np.array([0.8, 0.9, 0.9], np.float32)
    return water


def sand(rng: Generator, size: int) -> Picture:
    """Warm sand: wind ripples across it and fine grain."""
    rows, columns = np.mgrid[0:size, 0:size].astype(np.float32) / size
    angle = rng.uniform(-0.5, 0.5)
    along = columns * np.sin(angle) + rows * np.cos(angle)
    ripple = np.sin((along * rng.uniform(5, 9) + clouds(rng, size, (3, 3), 2) * 0.25) * 2 * np.pi)
    grain = enlarge(rng.uniform(-1, 1, (size // 2, size // 2)), size)
    weight = 0.55 + 0.14 * ripple + 0.10 * clouds(rng, size, (3, 3)) + 0.10 * grain
    return blend(weight, (0.62, 0.46, 0.27), (0.98, 0.87, 0.66))


def grass(rng: Generator, size: int) -> Picture:
    """A meadow of thin blades in many greens."""
    base = blend(0.5 + 0.3 * clouds(rng, size, (3, 3)), (0.10, 0.26, 0.06), (0.24, 0.46, 0.12))
    image = Image.fromarray((np.clip(base, 0, 1) * 255).astype(np.uint8))
    pen = ImageDraw.Draw(image)
    count = size * 2
    feet, leans, heights, tones = (
        rng.random((count, 2)),
        rng.normal(0, 0.04, count),
        rng.uniform(0.06, 0.16, count),
        rng.random(count),
    )
    for i in np.argsort(feet[:, 1]):
        x, y = feet[i] * (size, size * 1.15)
        tip = (x + leans[i] * size, y - heights[i] * size)
        tone = (int(50 + 90 * tones[i]), int(105 + 95 * tones[i]), int(28 + 40 * tones[i]))
        pen.line([(x, y), tip], fill=tone, width=2)
    return np.asarray(image, np.float32) / 255


def brick(rng: Generator, size: int) -> Picture:
    """A wall of red-brown bricks with pale mortar."""
    height = int(size * rng.uniform(0.125, 0.17))
    width, joint = int(height * 2.3), max(2, size // 56)
    top, left = (int(v) for v in rng.integers(0, height, 2))
    image = Image.new("RGB", (size, size), (186, 172, 156))
    pen = ImageDraw.Draw(image)
    for row in range(-1, size // height + 2):
        offset = (row % 2) * width // 2 + left
        for column in range(-2, size // width + 2):
            x, y = column * width + offset, row * height - top
            tone = rng.uniform(0.78, 1.12) * np.array([158, 80, 58])
            fill = (int(tone[0]), int(tone[1]), int(tone[2]))
            pen.rectangle([x, y, x + width - joint, y + height - joint], fill=fill)
    rough = 0.045 * clouds(rng, size, (12, 12), 2)
    return np.asarray(image, np.float32) / 255 + rough[..., None]


def night(rng: Generator, size: int) -> Picture:
    """The sky at night: deep blue, a haze, many small lights."""
    rows = np.linspace(0, 1, size, dtype=np.float32)[:, None]
    haze = clouds(rng, size, (3, 3)) * 0.5
    sky = blend(0.25 + 0.45 * rows + 0.28 * haze, (0.02, 0.02, 0.10), (0.20, 0.16, 0.40))
    lights = np.zeros((size, size), np.float32)
    spots = rng.integers(1, size - 1, (60, 2))
    lights[spots[:, 0], spots[:, 1]] = rng.uniform(0.4, 1.0, 60) ** 2
    glow = lights + 0.5 * sum(np.roll(lights, shift, axis) for axis in (0, 1) for shift in (-1, 1))
    lit: Picture = sky + glow[..., None] * np.array([1.0, 0.97, 0.88], np.float32)
    return lit


GROUNDS: dict[str, Callable[[Generator, int], Picture]] = {
    "water": water,
    "sand": sand,
    "grass": grass,
    "brick": brick,
    "night": night,
}
