"""Outlines as arrays of points [P,2] in unit coordinates: x right, y down, within the unit circle."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]


def ellipse(cx: float, cy: float, rx: float, ry: float, start: float = 0.0, stop: float = 360.0) -> Points:
    """Return an ellipse or, between two angles in degrees (clockwise from the right), its sector."""
    angles = np.radians(np.linspace(start, stop, 48))
    return np.stack([cx + rx * np.cos(angles), cy + ry * np.sin(angles)], axis=1)


def rectangle(left: float, top: float, right: float, bottom: float) -> Points:
    """Return the four corners of a box."""
    return np.array([(left, top), (right, top), (right, bottom), (left, bottom)], dtype=float)


def polygon(*corners: tuple[float, float]) -> Points:
    """Return the corners as an array."""
    return np.array(corners, dtype=float)


def spline(corners: Sequence[tuple[float, float]], steps: int = 8) -> Points:
    """Return the closed Catmull-Rom curve through the corners, `steps` points between two of them."""
    knots = np.asarray(corners, dtype=float)
    before, after, beyond = (np.roll(knots, shift, axis=0) for shift in (1, -1, -2))
    t = (np.arange(steps) / steps)[None, :, None]
    curve: Points = 0.5 * (
        2 * knots[:, None]
        + (after - before)[:, None] * t
        + (2 * before - 5 * knots + 4 * after - beyond)[:, None] * t**2
        + (3 * knots - before - 3 * after + beyond)[:, None] * t**3
    )
    return curve.reshape(-1, 2)


def stroke(path: Points, width: float) -> Points:
    """Return the outline of an open path [P,2] drawn with a pen of this width."""
    along = np.gradient(path, axis=0)
    along /= np.linalg.norm(along, axis=1, keepdims=True) + 1e-9
    across = np.stack([-along[:, 1], along[:, 0]], axis=1) * width / 2
    outline: Points = np.concatenate([path + across, (path - across)[::-1]])
    return outline


def line(x0: float, y0: float, x1: float, y1: float, width: float) -> Points:
    """Return a straight stroke."""
    return stroke(polygon((x0, y0), (x1, y1)), width)


def turned(points: Points, degrees: float, scale: float = 1.0, shift: tuple[float, float] = (0, 0)) -> Points:
    """Return the points rotated clockwise, scaled, then shifted."""
    angle = np.radians(degrees)
    matrix = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    moved: Points = points @ matrix * scale + np.asarray(shift)
    return moved
