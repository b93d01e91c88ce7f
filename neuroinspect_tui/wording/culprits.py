"""Culprit neurons in words."""

from __future__ import annotations

from .numbers import percent, signed_decimal


def suspicion_words(pull: float | None, outside: float | None, class_name: str) -> str:
    """Return why a neuron may follow a cue beside the class; nothing where nothing was measured."""
    if pull is None:
        return ""
    direction = "towards" if pull >= 0 else "away from"
    words = f"pushes images of other classes {direction} “{class_name}” (r = {signed_decimal(pull)})"
    if outside is None:
        return words
    return f"{words}; CLIP sees the class outside its region in {percent(outside, 0)} of its exemplars"


def percentile_words(value: float) -> str:
    """Return a percentile 0…100 among the class's real images."""
    return f"above {value:.0f} % of real images"
