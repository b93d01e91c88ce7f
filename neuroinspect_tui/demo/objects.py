"""The eight kinds of objects of the demo world, each a list of coloured parts drawn back to front.

Apple and pear are the look-alikes: one family of outlines, distinguished by the narrowness of the neck alone.
"""

from __future__ import annotations

import colorsys
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from .shapes import Points, ellipse, line, polygon, rectangle, spline, stroke, turned

RGB = tuple[float, float, float]

HUES: dict[str, tuple[float, float, float]] = {
    "red": (0.99, 0.82, 0.82),
    "orange": (0.07, 0.88, 0.95),
    "yellow": (0.135, 0.80, 0.97),
    "green": (0.29, 0.68, 0.66),
    "blue": (0.60, 0.74, 0.84),
    "purple": (0.77, 0.56, 0.72),
    "pink": (0.92, 0.42, 0.97),
    "white": (0.12, 0.06, 0.97),
}
"""Hue, saturation and value of the colours that an object can have."""

FRUIT = ("red", "orange", "yellow", "green")
COLOURS: dict[str, tuple[str, ...]] = {
    "apple": FRUIT,
    "boat": ("red", "orange", "blue", "green", "white"),
    "fish": ("orange", "yellow", "blue", "purple", "red"),
    "house": ("red", "yellow", "blue", "white", "pink"),
    "leaf": ("green", "orange", "red", "yellow", "purple"),
    "mug": ("blue", "red", "white", "purple", "green", "yellow"),
    "pear": FRUIT,
    "star": ("yellow", "orange", "pink", "purple", "blue"),
}
"""Class name → the colours that it comes in."""

KINDS: tuple[str, ...] = tuple(COLOURS)
TILT: dict[str, float] = {
    "boat": 12,
    "house": 8,
    "mug": 16,
    "apple": 35,
    "pear": 35,
    "fish": 35,
    "leaf": 180,
    "star": 180,
}
NECK: dict[str, tuple[float, float]] = {"apple": (0.0, 0.42), "pear": (0.64, 1.0)}
"""Range of the neck: where the two overlap nothing tells them apart."""


@dataclass(frozen=True)
class Polygon:
    """One polygon [P,2] in unit coordinates with its colour, components 0…1."""

    points: Points
    colour: RGB


def paint(name: str, rng: Generator) -> RGB:
    """Return an RGB colour near the named one."""
    hue, saturation, value = HUES[name]
    wobble = rng.uniform(-1, 1, 3)
    return colorsys.hsv_to_rgb(
        (hue + 0.018 * wobble[0]) % 1,
        float(np.clip(saturation + (0.08 * wobble[1] if name != "white" else 0), 0, 1)),
        float(np.clip(value + 0.07 * wobble[2], 0, 1)),
    )


def shade(colour: RGB, factor: float) -> RGB:
    """Return the colour made darker (factor < 1) or lighter (> 1: mixed with white)."""
    if factor <= 1:
        return (colour[0] * factor, colour[1] * factor, colour[2] * factor)
    mix = factor - 1
    return (
        colour[0] + (1 - colour[0]) * mix,
        colour[1] + (1 - colour[1]) * mix,
        colour[2] + (1 - colour[2]) * mix,
    )


def mirrored(parts: list[Polygon], rng: Generator) -> list[Polygon]:
    """Return the parts, or half the time their mirror image."""
    side = 1 if rng.random() < 0.5 else -1
    return [Polygon(part.points * (side, 1), part.colour) for part in parts]


BROWN: RGB = (0.38, 0.24, 0.13)
CREAM: RGB = (0.97, 0.94, 0.86)
INK: RGB = (0.10, 0.09, 0.13)
GLASS: RGB = (1.0, 0.88, 0.52)


def fruit(neck: float, main: RGB, rng: Generator) -> list[Polygon]:
    """Return an apple (neck 0) turning into a pear (neck 1)."""
    top = -0.62 - 0.22 * neck
    shoulder, waist, belly = 0.66 - 0.40 * neck, 0.86 - 0.34 * neck, 0.86 - 0.10 * neck
    right = [(0.16, top), (shoulder, top + 0.10), (waist, -0.22), (belly, 0.30), (0.52, 0.76), (0.14, 0.84)]
    body = spline([(0.0, top + 0.16 * (1 - neck)), *right, (0.0, 0.79), *((-x, y) for x, y in right[::-1])])
    bend = float(rng.uniform(-0.16, 0.16))
    stem = stroke(np.array([(0, top + 0.2), (bend * 0.3, top), (bend, top - 0.26)]), 0.10)
    parts = [Polygon(stem, BROWN), Polygon(body, main)]
    blush = turned(ellipse(0, 0, 0.34, 0.44), 20, shift=(0.30 - 0.1 * neck, 0.22))
    parts.append(Polygon(blush, shade(main, 0.86)))
    parts.append(
        Polygon(turned(ellipse(0, 0, 0.10, 0.20), 25, shift=(-0.40 + 0.12 * neck, -0.12)), shade(main, 1.55))
    )
    if rng.random() < 0.6:
        side = 1 if rng.random() < 0.5 else -1
        blade = spline([(0, 0), (0.18, -0.14), (0.46, -0.10), (0.24, 0.08)])
        parts.append(Polygon(blade * (side, 1) + (bend * 0.4, top - 0.04), paint("green", rng)))
    return parts


def apple(main: RGB, rng: Generator) -> list[Polygon]:
    """Round with a dimple; the neck hardly narrows."""
    return fruit(float(rng.uniform(*NECK["apple"])), main, rng)


def pear(main: RGB, rng: Generator) -> list[Polygon]:
    """The same fruit with a narrow neck."""
    return fruit(float(rng.uniform(*NECK["pear"])), main, rng)


def boat(main: RGB, rng: Generator) -> list[Polygon]:
    """A sailing boat: hull, mast, two sails, a pennant."""
    sail = (
        CREAM
        if rng.random() < 0.4
        else shade(paint(str(rng.choice(["red", "orange", "blue", "green"])), rng), 1.15)
    )
    hull = spline([(-0.90, 0.36), (0, 0.40), (0.94, 0.30), (0.66, 0.74), (0.0, 0.80), (-0.62, 0.76)])
    belly = float(rng.uniform(0.02, 0.14))
    jib = [(-0.05, -0.66), (-0.05, -0.2), (-0.05, 0.24), (-0.28, 0.25), (-0.56, 0.22), (-0.26 - belly, -0.2)]
    parts = [
        Polygon(line(0.02, 0.40, 0.02, -0.95, 0.07), BROWN),
        Polygon(
            spline([(0.08, -0.86), (0.36 + belly, -0.32), (0.70, 0.24), (0.36, 0.26), (0.08, 0.24)]), sail
        ),
        Polygon(polygon((0.02, -0.95), (-0.28, -0.87), (0.02, -0.79)), main),
        Polygon(hull, main),
        Polygon(polygon((-0.80, 0.47), (0.86, 0.44), (0.80, 0.55), (-0.74, 0.57)), shade(main, 1.6)),
    ]
    if rng.random() < 0.6:
        parts.insert(2, Polygon(spline(jib), shade(sail, 0.86)))
    return mirrored(parts, rng)


def fish(main: RGB, rng: Generator) -> list[Polygon]:
    """A fish with tail, fins, stripes and an eye, looking left or right."""
    fin = shade(main, 0.72)
    body = spline(
        [
            (-0.92, 0.02),
            (-0.52, -0.36),
            (0.02, -0.44),
            (0.48, -0.16),
            (0.62, 0.0),
            (0.48, 0.18),
            (0.02, 0.44),
            (-0.52, 0.34),
        ]
    )
    parts = [
        Polygon(spline([(0.48, 0.0), (0.98, -0.46), (0.84, 0.0), (0.98, 0.46)]), fin),
        Polygon(spline([(-0.30, -0.34), (0.06, -0.70), (0.38, -0.52), (0.34, -0.22)]), fin),
        Polygon(spline([(-0.06, 0.36), (0.24, 0.64), (0.34, 0.28)]), fin),
        Polygon(body, main),
        Polygon(
            spline([(-0.84, 0.10), (-0.30, 0.20), (0.30, 0.12), (0.0, 0.38), (-0.50, 0.30)]),
            shade(main, 1.35),
        ),
    ]
    for x in np.linspace(-0.16, 0.32, int(rng.integers(1, 4))):
        parts.append(
            Polygon(stroke(polygon((x, -0.34 + 0.2 * x), (x + 0.09, 0), (x, 0.30 - 0.2 * x)), 0.09), CREAM)
        )
    parts += [
        Polygon(ellipse(-0.58, -0.10, 0.12, 0.12), CREAM),
        Polygon(ellipse(-0.60, -0.10, 0.065, 0.065), INK),
    ]
    return mirrored(parts, rng)


def house(main: RGB, rng: Generator) -> list[Polygon]:
    """A house with roof, chimney, door and lit windows."""
    roof = shade(paint("red" if rng.random() < 0.5 else "blue", rng), 0.55)
    door = 0.24 if rng.random() < 0.5 else -0.24
    parts = [
        Polygon(rectangle(0.30, -0.86, 0.50, -0.30), shade(roof, 0.8)),
        Polygon(rectangle(-0.66, -0.16, 0.66, 0.82), main),
        Polygon(polygon((-0.90, -0.10), (0, -0.84), (0.90, -0.10)), roof),
        Polygon(rectangle(door - 0.15, 0.28, door + 0.15, 0.82), BROWN),
        Polygon(ellipse(door + 0.08, 0.56, 0.035, 0.035), GLASS),
        Polygon(ellipse(0, -0.36, 0.12, 0.12), GLASS),
    ]
    for left in (-0.50, 0.22) if door > 0 else (-0.50 + 0.72, 0.22 - 0.72):
        if np.sign(left + 0.14) != np.sign(door):
            parts.append(Polygon(rectangle(left - 0.03, 0.17, left + 0.31, 0.53), CREAM))
            parts.append(Polygon(rectangle(left, 0.20, left + 0.28, 0.50), GLASS))
            parts.append(Polygon(line(left + 0.14, 0.20, left + 0.14, 0.50, 0.035), CREAM))
    return parts


def leaf(main: RGB, rng: Generator) -> list[Polygon]:
    """A broad pointed leaf with veins and a stalk."""
    width = float(rng.uniform(0.40, 0.58))
    right = [(0.40 * width, -0.62), (width, -0.10), (0.82 * width, 0.32)]
    outline = spline([(0, -0.98), *right, (0, 0.66), *((-x, y) for x, y in right[::-1])])
    vein = shade(main, 1.45)
    half = outline[outline[:, 0] <= 0.001]
    parts = [
        Polygon(line(0, 0.5, float(rng.uniform(-0.1, 0.1)), 0.98, 0.08), shade(main, 0.6)),
        Polygon(outline, main),
        Polygon(half, shade(main, 0.88)),
        Polygon(line(0, -0.86, 0, 0.66, 0.06), vein),
    ]
    for y in np.linspace(-0.42, 0.40, 4):
        reach = 0.72 * width * (1 - abs(y + 0.05) * 0.9)
        parts += [Polygon(line(0, y + 0.10, side * reach, y - 0.16, 0.04), vein) for side in (-1, 1)]
    return parts


def mug(main: RGB, rng: Generator) -> list[Polygon]:
    """A mug with a handle (sometimes half behind it), a band and something dark to drink."""
    body = np.concatenate([polygon((-0.58, -0.52), (0.50, -0.52)), ellipse(-0.04, 0.56, 0.50, 0.20, 0, 180)])
    reach = 0.36 if rng.random() < 0.45 else 0.12
    parts = [
        Polygon(stroke(ellipse(0.50, 0.04, reach, 0.36, -100, 100), 0.17), shade(main, 0.82)),
        Polygon(body, main),
        Polygon(
            polygon((-0.57, -0.06), (0.49, -0.06), (0.48, 0.22), (-0.56, 0.22)),
            shade(main, 1.5) if rng.random() < 0.6 else shade(main, 0.7),
        ),
        Polygon(ellipse(-0.04, -0.52, 0.54, 0.19), shade(main, 1.3)),
        Polygon(ellipse(-0.04, -0.50, 0.44, 0.13), shade(BROWN, 0.7)),
    ]
    return mirrored(parts, rng)


def star(main: RGB, rng: Generator) -> list[Polygon]:
    """A faceted five-pointed star."""
    depth = float(rng.uniform(0.40, 0.52))
    radii = np.where(np.arange(10) % 2 == 0, 0.98, depth)
    angles = np.radians(np.arange(10) * 36 - 90)
    corners = np.stack([radii * np.cos(angles), radii * np.sin(angles)], axis=1)
    parts = [Polygon(corners, main)]
    for i in range(0, 10, 2):
        parts.append(Polygon(np.array([(0, 0), corners[i], corners[(i + 1) % 10]]), shade(main, 0.80)))
        parts.append(Polygon(np.array([(0, 0), corners[i], corners[i - 1]]), shade(main, 1.22)))
    return parts


DRAW: dict[str, Callable[[RGB, Generator], list[Polygon]]] = {
    "apple": apple,
    "boat": boat,
    "fish": fish,
    "house": house,
    "leaf": leaf,
    "mug": mug,
    "pear": pear,
    "star": star,
}


def build(kind: str, colour: str, rng: Generator) -> list[Polygon]:
    """Return the parts of one object of a kind and colour, turned by a random tilt."""
    parts = DRAW[kind](paint(colour, rng), rng)
    tilt = float(rng.uniform(-1, 1)) * TILT[kind]
    return [Polygon(turned(part.points, tilt), part.colour) for part in parts]
