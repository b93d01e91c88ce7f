"""Draws the scenes of the demo world: an object on a ground, in some light, perhaps with a watermark."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from .backgrounds import GROUNDS, Picture
from .objects import KINDS, Polygon, build
from .shapes import ellipse, line, rectangle

SIZE = 64
"""Side of a finished picture in pixels."""
CANVAS = 2 * SIZE
INK_SCALE = 2 * CANVAS
USUAL_RADIUS = (0.24, 0.38)
RADIUS = {"boat": (0.18, 0.29), "mug": (0.18, 0.29)}
"""How large an object is, as a fraction of the picture; boats and mugs are seen from afar."""

Box = tuple[float, float, float, float]
"""Left, top, right, bottom as fractions of the picture."""

BACKGROUNDS: tuple[str, ...] = tuple(GROUNDS)


@dataclass(frozen=True)
class Scene:
    """What a picture shows. Scenes with one seed share object, place and light whatever else differs."""

    kind: str
    colour: str
    background: str
    watermark: bool
    seed: int

    def __post_init__(self) -> None:
        if self.kind not in KINDS or self.background not in GROUNDS:
            raise ValueError(f"the demo world knows no {self.kind} on {self.background}")

    def stream(self, part: int) -> Generator:
        """Return the random stream of one part of the scene, independent of the others."""
        return np.random.default_rng([self.seed, part])


@dataclass(frozen=True)
class Drawing:
    """A finished picture, uint8 [64,64,3], where its object and watermark lie, and how it was taken."""

    pixels: NDArray[np.uint8]
    object_box: Box
    watermark_box: Box | None
    dim: bool
    unfocused: bool


@dataclass(frozen=True)
class Raster:
    """Premultiplied colour [H,W,3] and opacity [H,W,1], 0…1."""

    colour: Picture
    opacity: Picture

    def over(self, ground: Picture) -> Picture:
        """Return the layer laid over a ground [H,W,3]."""
        return self.colour + ground * (1 - self.opacity)


def rasterise(
    parts: list[Polygon], centre: tuple[float, float], radius: float, opacity: float = 1.0
) -> Raster:
    """Return the parts drawn at a place (fractions of the picture) and size, smooth-edged, on the canvas."""
    image = Image.new("RGBA", (INK_SCALE, INK_SCALE), (0, 0, 0, 0))
    pen = ImageDraw.Draw(image)
    for part in parts:
        places = (part.points * radius + centre) * INK_SCALE
        tone = tuple(round(255 * min(max(value, 0), 1)) for value in part.colour)
        pen.polygon([(float(x), float(y)) for x, y in places], fill=(*tone, 255))
    small = image.convert("RGBa").resize((CANVAS, CANVAS), Image.Resampling.BOX)
    values = np.asarray(small, np.float32) / 255 * opacity
    return Raster(values[..., :3], values[..., 3:])


def blurred(mask: Picture, radius: float) -> Picture:
    """Return a grey picture [H,W] blurred."""
    image = Image.fromarray((np.clip(mask, 0, 1) * 255).astype(np.uint8))
    return np.asarray(image.filter(ImageFilter.GaussianBlur(radius)), np.float32) / 255


def lit(layer: Raster, light: float) -> Raster:
    """Return the layer with rounded edges: bright towards the light (an angle in radians), else dark."""
    height = blurred(layer.opacity[..., 0], 4.0)
    slope_y, slope_x = np.gradient(height)
    glow = -(slope_x * np.cos(light) + slope_y * np.sin(light)) * 5.0
    shaded = layer.colour * (1 + np.clip(glow, -0.45, 0)[..., None])
    shaded = shaded + (layer.opacity - shaded) * np.clip(glow, 0, 0.5)[..., None]
    return Raster(shaded, layer.opacity)


def cast_shadow(ground: Picture, layer: Raster, light: float) -> Picture:
    """Return the ground darkened beside the object, on the side away from the light."""
    shift = (round(-5 * np.sin(light)), round(-5 * np.cos(light)))
    dark = np.roll(blurred(layer.opacity[..., 0], 3.0), shift, axis=(0, 1))
    return ground * (1 - 0.5 * dark[..., None])


def bounds(layer: Raster) -> Box:
    """Return the box around everything drawn on a layer."""
    rows, columns = (np.flatnonzero(layer.opacity[..., 0].max(axis=axis) > 0.1) for axis in (1, 0))
    edges = (columns[0], rows[0], columns[-1] + 1, rows[-1] + 1)
    left, top, right, bottom = (float(edge) / CANVAS for edge in edges)
    return left, top, right, bottom


def badge(rng: Generator) -> Raster:
    """Return the watermark: a magenta badge with the letters NI in the lower right corner."""
    magenta, white = (0.86, 0.10, 0.52), (1.0, 0.95, 0.98)
    body = [rectangle(-0.7, -0.62, 0.7, 0.62), ellipse(-0.7, 0, 0.62, 0.62), ellipse(0.7, 0, 0.62, 0.62)]
    strokes = [
        (-0.62, 0.36, -0.62, -0.36),
        (-0.62, -0.36, -0.02, 0.36),
        (-0.02, 0.36, -0.02, -0.36),
        (0.5, 0.36, 0.5, -0.36),
    ]
    parts = [Polygon(points, magenta) for points in body] + [
        Polygon(line(*ends, width=0.2), white) for ends in strokes
    ]
    centre = (float(rng.uniform(0.79, 0.83)), float(rng.uniform(0.88, 0.91)))
    return rasterise(parts, centre, 0.115, opacity=0.9)


@dataclass(frozen=True)
class Exposure:
    """How a picture is taken: its colour cast [3], and the radius of the blur when it is out of focus."""

    tint: NDArray[np.float32]
    blur: float
    dim: bool

    @classmethod
    def random(cls, rng: Generator) -> Exposure:
        """Return bright or dim, warm or cool light, now and then out of focus."""
        dim, unfocused = rng.random() < 0.18, rng.random() < 0.15
        gain = rng.uniform(0.40, 0.62) if dim else rng.uniform(0.86, 1.10)
        warmth = rng.uniform(-0.06, 0.06)
        tint = (np.array([1 + warmth, 1.0, 1 - warmth]) * gain).astype(np.float32)
        return cls(tint, float(rng.uniform(1.2, 2.2)) if unfocused else 0.0, bool(dim))

    def take(self, picture: Picture) -> Picture:
        """Return the picture as the camera sees it."""
        sharp = Image.fromarray(to_bytes(picture * self.tint))
        image = sharp.filter(ImageFilter.GaussianBlur(self.blur)) if self.blur else sharp
        return np.asarray(image, np.float32) / 255


def to_bytes(picture: Picture) -> NDArray[np.uint8]:
    """Return the picture as uint8, values outside 0…1 cut off."""
    return (np.clip(picture, 0, 1) * 255).round().astype(np.uint8)


def draw(scene: Scene) -> Drawing:
    """Return the picture of a scene; the same scene always gives the same pixels."""
    thing, place = scene.stream(0), scene.stream(1)
    radius = float(place.uniform(*RADIUS.get(scene.kind, USUAL_RADIUS)))
    reach = 0.46 - radius
    centre = (0.5 + float(place.uniform(-reach, reach)), 0.5 + float(place.uniform(-reach, reach)))
    light = float(place.uniform(-2.6, -0.5))
    layer = lit(rasterise(build(scene.kind, scene.colour, thing), centre, radius), light)
    picture = layer.over(cast_shadow(GROUNDS[scene.background](scene.stream(2), CANVAS), layer, light))
    exposure = Exposure.random(scene.stream(4))
    picture = exposure.take(picture)
    mark = badge(scene.stream(3)) if scene.watermark else None
    image = Image.fromarray(to_bytes(mark.over(picture) if mark else picture))
    small = np.asarray(image.resize((SIZE, SIZE), Image.Resampling.BOX), np.float32)
    pixels = np.clip((small + scene.stream(5).normal(0, 1.0, small.shape)).round(), 0, 255).astype(np.uint8)
    return Drawing(pixels, bounds(layer), bounds(mark) if mark else None, exposure.dim, exposure.blur > 0)
